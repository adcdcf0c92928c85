"""What a view is."""

from typing import NamedTuple


class View(NamedTuple):
    """A view's purpose, in a sentence or two, and its SELECT.

    The SELECT must also work in DuckDB, where / does not divide integers to an integer; medians
    therefore avoid it.
    """

    purpose: str
    select: str
