"""The end of a sweep: its models beside dense, a line each, and in full."""

from dataclasses import replace
from math import inf

import pytest

from cdbench.records.judgement import BOOTSTRAP, Measurement
from cdbench.reports.against_dense import against_dense, every_measurement
from cdbench.reports.formats import render
from cdbench.statistics.estimands import SPLITS
from cdbench.statistics.numerals import two_digits
from tests.cli_tools import SMALL, Here

GAP = Measurement(
    "test accuracy, share", "cdlinear B=4", "mean paired difference", -0.02, 5, "select 1", "dense",
    -0.04, -0.01, BOOTSTRAP, SPLITS, -0.06, 0.01,
)  # fmt: skip
KAPPA = Measurement(
    "weight κ, mean of the layers", "dense", "median paired ratio", 12.3, 5, "select 1",
    "cdlinear B=4", 9.6, 100.0, BOOTSTRAP, SPLITS, 8.5, 286.0,
)  # fmt: skip


def hessians(*ratios: float) -> list[Measurement]:
    return [
        replace(KAPPA, quantity=f"layer_hessian κ, layer {layer}", estimate=ratio)
        for layer, ratio in enumerate(ratios, 1)
    ]


@pytest.mark.parametrize(
    ("layers", "shown"),
    [((2026.0, 4.6, inf), "2,000    4.6      ∞"), ((5.0, 700.0, 0.2, 1.0), "0.20 to 700")],
)
def test_a_model_is_a_line_with_its_sureness(layers: tuple[float, ...], shown: str) -> None:
    report = against_dense([GAP, KAPPA, *hessians(*layers)])
    assert report.rows == [["cdlinear B=4", "−2.00 (−4.00 … −1.00)* ", "12**", shown]]
    assert "paired over 5 seeds" in report.title
    shown_table = render(report, "table", 80)
    assert "−2.00 (−4.00 … −1.00)*" in shown_table


def test_numbers_without_a_mark_are_aligned_with_those_that_have_one() -> None:
    other = replace(GAP, subject="other", low=-0.04, high=0.01)
    rows = render(against_dense([GAP, other]), "table", 80).splitlines()[4:6]
    assert rows[0].index("(") == rows[1].index("(")


def test_the_long_table_has_a_row_for_everything_and_records_are_unrounded() -> None:
    found = [GAP, KAPPA, *hessians(2026.0, 4.6)]
    long = every_measurement(found)
    assert [row[1] for row in long.rows] == [
        *("accuracy, points", "weight κ", "Hessian κ, layer 1", "Hessian κ, layer 2"),
    ]
    assert [record["estimate"] for record in long.records] == [-0.02, 12.3, 2026.0, 4.6]
    (record,) = against_dense(found).records
    assert (record["test_accuracy_difference"], record["weight_kappa_ratio_wide_low"]) == (
        *(-0.02, 8.5),
    )
    assert record["layer_hessian_kappa_ratio_2"] == 4.6


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [(1.0, "1.0"), (0.996, "1.0"), (99.6, "100"), (6.5e7, "6.5e7"), (0.0, "0"), (3e-6, "3.0e-6")],
)
def test_a_ratio_has_two_digits(ratio: float, shown: str) -> None:
    assert two_digits(ratio) == shown


def test_the_end_of_a_sweep_of_six_models_fits_a_screen_and_details_do_not(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    words = ("sweep", *SMALL, "--B", "1", "2", "4", "5", "8", "--seeds", "0..2", "--jobs", "1")
    out = here(*words).out.partition("This sweep")[2].partition("runs.db is new, in ")[0]
    assert 20 < out.count("\n") < 32
    assert max(map(len, out.splitlines())) <= 80
    for model in ("B=1", "B=2", "B=4", "B=5", "B=8"):
        assert out.count(f"cdlinear {model} ") == 2
    long = here(*words, "--resume", "--details").out
    assert long.count("Hessian κ, layer 1") == 5
