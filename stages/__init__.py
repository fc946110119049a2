"""What dvc.yaml runs, one file per stage, in the order that its first lines draw.

Each reads params and files, calls `gtsrb` and writes files; what it computes is not here.
"""

import gtsrb as gtsrb  # before a stage's own imports, for what it sets for TensorFlow
