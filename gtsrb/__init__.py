"""What the stages, the scripts and the page share: a package for each step, in the order in which the data flows.

Nothing here imports `stages`, `scripts` or `app`; docs/architecture.md has a line for every file.
"""

import os
import time

from gtsrb import tensorflow_log as tensorflow_log  # before TensorFlow

STARTED = time.perf_counter()  # about when the process started; importing TensorFlow takes longer than some stages
# ONNX Runtime's telemetry: on by default since 1.29, it reports models and their use to its maker.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read when it is imported
