"""What a view is."""

from typing import NamedTuple


class View(NamedTuple):
    """A view's purpose, in a sentence or two, and its SELECT.

    DuckDB reads the SELECT as its own SQL: / is no whole-number division, so medians do without.
    """

    purpose: str
    select: str
