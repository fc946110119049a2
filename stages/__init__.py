"""What dvc.yaml runs, one file per stage: ingest -> preprocess -> train -> evaluate -> compare; robustness and export.

Each reads params and files, calls `gtsrb` and writes files; what it computes is not here.
"""

import gtsrb as gtsrb  # before a stage's own imports, for what it sets for TensorFlow
