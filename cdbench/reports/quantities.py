"""How the numbers and the values of columns are printed, and in which order values come."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cdbench.statistics.numerals import format_together, minus, two_digits

SCORE = "score"
"""What is shown unless a column is named: R² of regressions, else the test accuracy."""


@dataclass(frozen=True)
class Quantity:
    """What a number is, and how it is printed.

    Attributes
    ----------
    name : str
        Of the column, or SCORE.
    heading : str
        As a heading.
    is_share : bool
        Whether it is shown in percent, and differences in points.
    is_ratio : bool
        Whether a baseline is compared with by ratios.
    """

    name: str
    heading: str
    is_share: bool
    is_ratio: bool

    def format(self, numbers: Sequence[float]) -> list[str]:
        """Return numbers of one cell as text."""
        if self.is_share:
            return [minus(f"{100 * number:.2f}") for number in numbers]
        if self.is_ratio:
            return [two_digits(number) for number in numbers]
        if self.name in (SCORE, "test_r2"):
            return [minus(f"{number:.4f}") for number in numbers]
        return format_together(numbers)


def quantity_of(name: str | None, tasks: Sequence[str]) -> Quantity:
    """Return the quantity of a column, or of the score of runs of these tasks."""
    if name is None and "regression" in tasks:
        return Quantity(SCORE, "test R²", is_share=False, is_ratio=False)
    if name is None:
        return Quantity(SCORE, "test accuracy", is_share=True, is_ratio=False)
    words = re.sub("_s$", ", s", name).replace("kappa", "κ").replace("r2", "R²").replace("_", " ")
    return Quantity(name, words, is_share="accuracy" in name, is_ratio=name.endswith("kappa"))


def shown(value: Any) -> str:
    """Return a value of a column as text; – for none."""
    if value is None or value == "":
        return "–"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def natural(key: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return what sorts keys as people do: numbers by size, ``B=4`` before ``B=16``, none first."""
    return [_place(value) for value in key]


def _place(value: Any) -> tuple[Any, ...]:
    if value is None:
        return (0,)
    if isinstance(value, int | float):
        return (1, value)
    parts = re.split(r"(\d+(?:\.\d+)?)", str(value))
    return (2, [(float(part), "") if i % 2 else (-1.0, part) for i, part in enumerate(parts)])
