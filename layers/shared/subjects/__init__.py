"""The tables that this pipeline can serve, a folder each.

``HOUSING_SUBJECTS_DIR`` names a folder outside of the repository that has more of them.
"""

import os

DEFAULT = "california"
"""California housing: median house values of the block groups of the 1990 census."""

if os.environ.get("HOUSING_SUBJECTS_DIR"):
    __path__.append(os.environ["HOUSING_SUBJECTS_DIR"])
