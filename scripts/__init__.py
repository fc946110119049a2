"""Commands around the pipeline, for people."""

import gtsrb as gtsrb  # as in stages/
