"""What dvc.yaml runs, one file a stage: ingest -> preprocess -> train -> evaluate -> compare."""

import gtsrb as gtsrb  # before a stage's own imports, for what it sets for TensorFlow
