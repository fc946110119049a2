"""What the stages of the pipeline share. Imports nothing from `stages`."""

import os

# TensorFlow's C++ log, whose "errors" start with there being no GPU; real ones reach Python as exceptions.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when Keras imports TensorFlow
# ONNX Runtime's telemetry: on by default since 1.29, it reports models and their use to its maker.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read when it is imported
