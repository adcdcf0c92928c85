"""``plot --claim``: the numbers of one claim, as they are in the database."""

import pytest

from cdbench.cli import run
from cdbench.errors import MissingResultsError
from cdbench.plots import claim_numbers
from cdbench.plots.claim_numbers import MAX_PANELS
from cdbench.records.judgement import Measurement
from cdbench.store.database import open_for_reading
from cdbench.store.ledger_queries import measurements_of
from tests.released import released_database


@pytest.fixture(scope="module")
def released():
    return released_database()


def number(quantity, subject, estimate, statistic="mean", baseline=None, wide=True):
    ends = (estimate * 0.9, estimate * 1.1)
    wider = (estimate * 0.5, estimate * 2) if wide else (None, None)
    return Measurement(
        quantity, subject, statistic, estimate, 10, "SELECT 1", baseline, *ends, "95 % bootstrap",
        "new splits of this data set", *wider,
    )  # fmt: skip


GAINS = [number("test accuracy, share", s, 0.02, "mean paired difference", "b") for s in "ac"]
RATIOS = [number("κ", s, 3.0, "median paired ratio", "b") for s in "ac"]
FLOORED = number("κ, above 1e-06 of the trace", "a", 3.0, "median paired ratio", "b")
EXACT = Measurement("parameters", "a", "mean", 9.0, 10, "SELECT 1")


def panels(measurements):
    return claim_numbers(measurements, "Title", "source").get_axes()


def test_a_quantity_is_a_panel_and_a_subject_a_row():
    gains, ratios = panels([*GAINS, *RATIOS, FLOORED, EXACT])
    assert [label.get_text() for label in gains.get_yticklabels()] == ["a − b", "c − b"]
    assert [label.get_text() for label in ratios.get_yticklabels()] == ["a / b", "c / b"]
    assert gains.get_title("left") == "mean paired difference: test accuracy, %"
    wide, own, point, *_ = (line.get_xdata() for line in gains.get_lines())
    assert (*wide, *own, *point) == pytest.approx((1, 4, 1.8, 2.2, 2))
    assert (gains.get_xscale(), ratios.get_xscale()) == ("linear", "log")
    nulls = [axes.get_lines()[-1].get_xdata()[0] for axes in (gains, ratios)]
    assert nulls == [0, 1]


def test_no_more_panels_than_fit_and_at_least_one():
    assert len(panels([number(f"q{i}", "a", 1.0, wide=False) for i in range(12)])) == MAX_PANELS
    with pytest.raises(MissingResultsError, match="Title: none of its numbers has an interval"):
        panels([FLOORED, EXACT])


def test_claims_are_drawn_from_the_released_results(tmp_path, capsys, released):
    words = ["plot", "--claim", "depth", "16", "--db", str(released), "--output", str(tmp_path)]
    assert run(words) == 0
    names = ["claim-depth.png", "claim-odd-block-sizes.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    stored = measurements_of(open_for_reading(str(released), "x"), "odd-block-sizes")
    (first, *_) = panels(stored)
    assert first.get_title("left").startswith(stored[0].statistic)
    assert capsys.readouterr().out.count("wrote ") == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--claim", "depth", "--fig1"],
            "--claim was given with other figures; expected cdbench plot --claim alone",
        ),
        (["--claim", "dept"], "unknown claim 'dept'; did you mean depth?\n"),
    ],
)
def test_bad_words_are_one_line(words, message, capsys, released):
    assert run(["plot", *words, "--db", str(released)]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
