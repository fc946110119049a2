"""What dvc.yaml runs, one file a stage: ingest -> preprocess -> train -> evaluate -> compare."""
