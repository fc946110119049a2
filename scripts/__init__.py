"""Commands around the pipeline, for people."""
