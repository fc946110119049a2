"""Commands for people, around the pipeline: arguments and files in, tables, pages and published models out.

No stage runs one of them, and what they compute is in `gtsrb`.
"""

import gtsrb as gtsrb  # as in stages/
