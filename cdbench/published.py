"""Values as the paper prints them (Table 1, arXiv 2605.08171v1); none of them is ours."""

from dataclasses import dataclass

PUBLISHED_SEEDS = (0, 1, 2)
"""Seeds over which Table 1 averages; its deviations have ddof 0."""


@dataclass(frozen=True)
class PublishedModel:
    """One row of Table 1, as printed.

    ``B`` is None for the dense baseline. The numbers in the text are means ± standard deviations.
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
