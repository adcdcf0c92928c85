"""Which input transform a data set gets if none is asked for."""

from cdbench.config.checks import FOLDER_NAMES
from cdbench.config.made_sets import GAUSSIAN
from cdbench.config.text_sets import is_text

SCALED = ("digits", GAUSSIAN, *FOLDER_NAMES)
"""Sets whose features have one unit: one number divides all of them. Others are standardised."""


def default_input(dataset: str) -> str:
    """Return ``scale`` or ``standardize``; ``none`` for a text, whose inputs are symbols."""
    if is_text(dataset):
        return "none"
    return "scale" if dataset.partition(":")[0] in SCALED else "standardize"
