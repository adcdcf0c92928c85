"""Statistics as tables show them: both intervals where they differ, and of what each is."""

from dataclasses import replace

import pytest

from cdbench.records.judgement import BOOTSTRAP, QUARTILES, Measurement
from cdbench.reports.measurements import measurements_table, with_intervals
from cdbench.statistics.estimands import DRAWS, SAMPLE, SPLITS

DELTA = Measurement(
    "test accuracy, share", "cdlinear B=4", "Glass's Δ", -0.388, 30, "select 1", "dense",
    -0.856, 0.0545, BOOTSTRAP, SPLITS, -1.754, 0.901,
)  # fmt: skip
SAME = replace(DELTA, wide_low=DELTA.low, wide_high=DELTA.high)
DRAWN = replace(DELTA, estimand=DRAWS, wide_low=None, wide_high=None)
MIDDLE = replace(DRAWN, interval=QUARTILES, estimand=SAMPLE)
BARE = replace(DRAWN, low=None, high=None, interval=None, estimand=SAMPLE)
OLD = replace(DRAWN, estimand=None)
GAP = replace(
    DELTA, statistic="mean paired difference", estimate=-0.0026, low=-0.0056, high=0.0003,
    wide_low=-0.0112, wide_high=0.0058,
)  # fmt: skip


@pytest.mark.parametrize(
    ("found", "together", "interval", "for_new_data"),
    [
        (DELTA, "−0.388: −0.856 … 0.0545 (splits); −1.75 … 0.901 (new data)", *(
            "−0.856 … 0.0545 (splits)", "−1.75 … 0.901")),
        (SAME, "−0.388: −0.856 … 0.0545 (splits)", "−0.856 … 0.0545 (splits)",
         "−0.856 … 0.0545"),
        (DRAWN, "−0.388: −0.856 … 0.0545 (draws)", "−0.856 … 0.0545 (draws)", "–"),
        (MIDDLE, "−0.388: −0.856 … 0.0545 (quartiles)", "−0.856 … 0.0545 (quartiles)", "–"),
        (OLD, "−0.388: −0.856 … 0.0545", "−0.856 … 0.0545", "–"),
        (BARE, "–", "–", "–"),
        (GAP, "−0.26 points: −0.56 … +0.03 (splits); −1.12 … +0.58 (new data)",
         "−0.56 … +0.03 (splits)", "−1.12 … +0.58"),
    ],
)  # fmt: skip
def test_intervals_say_of_what_they_are(
    found: Measurement, together: str, interval: str, for_new_data: str
) -> None:
    assert with_intervals(found) == together
    (row,) = measurements_table([found]).rows
    assert row[4:6] == [interval, for_new_data]
