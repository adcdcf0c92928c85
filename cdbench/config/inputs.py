"""Which input transform a data set gets if none is asked for."""

from cdbench.config.checks import FOLDER_NAMES
from cdbench.config.made_sets import GAUSSIAN

SCALED = ("digits", GAUSSIAN, *FOLDER_NAMES)
"""Sets whose features have one unit: one number divides all of them. Others are standardised."""


def default_input(dataset: str) -> str:
    """Return ``scale`` or ``standardize``."""
    return "scale" if dataset.partition(":")[0] in SCALED else "standardize"
