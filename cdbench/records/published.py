"""Values as printed in the paper (Table 1, arXiv 2605.08171v1); none of them are ours."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite

TEST_SHARE = 0.2
"""Share of the samples held out for the test split (Sec. VI.1: 360 of 1797)."""

PUBLISHED_SEEDS = (0, 1, 2)
"""Seeds over which Table 1 averages; its standard deviations have ddof 0."""

PUBLISHED_FIGURE_SEED = 2
"""The seed of the paper's figures, as in its released code."""


@dataclass(frozen=True)
class PublishedModel:
    """One row of Table 1, as printed.

    ``B`` is None for the dense baseline. The printed numbers are means ± standard deviations.
    """

    name: str
    B: int | None
    widths: str
    n_parameters: str
    training_loss: str
    test_accuracy: str
    kappa: str


PUBLISHED_TABLE1 = (
    PublishedModel(
        "Dense MLP",
        None,
        "64→64→64→10",
        "8,970",
        "0.0011 ± 0.0001",
        "98.15 % ± 0.47 %",
        "5.9e6",
    ),
    PublishedModel(
        "CD-MLP B=4",
        4,
        "64→64→64→12",
        "2,380",
        "0.0007 ± 0.0002",
        "97.50 % ± 0.23 %",
        "1.9e4",
    ),
    PublishedModel(
        "CD-MLP B=8",
        8,
        "64→64→64→16",
        "1,296",
        "0.0157 ± 0.0165",
        "96.39 % ± 1.13 %",
        "5.1e2",
    ),
)

PUBLISHED_ROWS = {f"cdlinear B={row.B}" if row.B else "dense": row for row in PUBLISHED_TABLE1}
"""Rows of Table 1 by our names for their models (``RunConfig.model``)."""

PUBLISHED_COMPRESSION = {
    ("dense", "cdlinear B=4"): "3.8×",
    ("dense", "cdlinear B=8"): "6.9×",
    ("cdlinear B=4", "cdlinear B=8"): "1.8×",
}
"""Parameters of the first model divided by those of the second (Sec. VI.2)."""

PUBLISHED_KAPPA_RATIOS = {
    ("dense", "cdlinear B=4"): 310.0,
    ("dense", "cdlinear B=8"): 12_000.0,
    ("cdlinear B=4", "cdlinear B=8"): 35.0,
}
"""Mean κ of the first model divided by that of the second (Sec. VI.2). The printed κ give 311,
11,569 and 37."""


def comes_out(value: float, printed: str) -> bool:
    """Return whether a value, rounded to the printed digits, equals the printed number.

    >>> comes_out(5_940_000, "5.9e6"), comes_out(98.144, "98.15 %"), comes_out(3.77, "3.8×")
    (True, False, True)
    """
    number = Decimal(printed.strip(" %×").replace(",", ""))
    last_digit = Decimal(1).scaleb(int(number.as_tuple().exponent))
    return isfinite(value) and Decimal(value).quantize(last_digit) == number


def n_come_out(values: Iterable[float], cell: str) -> int:
    """Return how many values equal their printed number in a cell like ``98.15 % ± 0.47 %``."""
    return sum(comes_out(*pair) for pair in zip(values, cell.split("±"), strict=True))


WRITTEN = {"cdlinear": "CDLinear"}
"""How the paper writes its layer's name."""
