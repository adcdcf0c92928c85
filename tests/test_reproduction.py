"""Two runs compared: the same to the bit, the same as printed, or not, and where they part."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from math import inf, nan, nextafter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.records.run import EpochMetrics, Run
from cdbench.records.spectra import Condition, Curvature
from cdbench.reports.reproduction import (
    MOST_OF_ONE,
    SHOWN,
    Reproduced,
    differing_table,
    environments_table,
    verdicts_table,
)
from cdbench.reports.statistics import format_kappa, format_loss, format_percent
from cdbench.running.execution import execute
from cdbench.running.printed import PRINTED
from cdbench.running.reproduction import (
    BIT_FOR_BIT,
    DIFFERENT,
    NOT_REPRODUCIBLE,
    PRINTED_EQUAL,
    TRAINING_FAILED,
    Comparison,
    compare_runs,
    not_reproducible,
)
from cdbench.statistics.numerals import format_number

CONFIG = RunConfig(dataset="iris", epochs=2, hidden=(3,), B=2, validation=0.2)


@cache
def a_run() -> Run:
    diagnostics = Diagnostics(spectra_every=1, curvature="exact", batches=True, floors=True)
    return execute(CONFIG, diagnostics=diagnostics)


def with_epoch(run: Run, **values: Any) -> Run:
    return replace(run, epochs=(run.epochs[0], replace(run.epochs[1], **values)))


def of_spectrum(values: tuple[float, ...], **condition: Any) -> Run:
    """Return the run with one spectrum only."""
    spectrum = replace(a_run().spectra[0], values=values)
    spectrum = replace(spectrum, condition=replace(spectrum.condition, **condition))
    return replace(a_run(), spectra=(spectrum,), curvature=())


def test_training_again_gives_the_same_to_the_bit() -> None:
    again = execute(CONFIG, diagnostics=a_run().diagnostics or Diagnostics())
    assert compare_runs(a_run(), again) == Comparison(BIT_FOR_BIT)


def test_times_memory_and_identity_are_not_compared() -> None:
    other = replace(
        a_run(),
        uuid="another",
        started_at=datetime(2000, 1, 1, tzinfo=UTC),
        duration_s=1e9,
        cpu_s=1e9,
        peak_memory_bytes=None,
        environment=replace(a_run().environment, cpu="another"),
        epochs=tuple(replace(epoch, duration_s=1e9) for epoch in a_run().epochs),
    )
    assert compare_runs(a_run(), other).verdict == BIT_FOR_BIT


def floats(kind: type) -> list[str]:
    return [
        name
        for name, annotation in kind.__annotations__.items()
        if annotation in (float, float | None) and name != "duration_s"
    ]


def changed(run: Run, part: str, name: str, change: Any) -> Run:
    """Return the run with one number of its epochs, conditions or curvature changed."""
    if part == "epochs":
        return with_epoch(run, **{name: change(getattr(run.epochs[1], name))})
    if part == "curvature":
        one = run.curvature[0]
        one = replace(one, **{name: change(getattr(one, name))})
        return replace(run, curvature=(one, *run.curvature[1:]))
    if part == "floors":
        place = next(i for i, s in enumerate(run.spectra) if s.condition.floors)
        spectrum = run.spectra[place]
        first, *others = spectrum.condition.floors
        first = replace(first, **{name: change(getattr(first, name))})
        condition = replace(spectrum.condition, floors=(first, *others))
        spectrum = replace(spectrum, condition=condition)
        return replace(run, spectra=(*run.spectra[:place], spectrum, *run.spectra[place + 1 :]))
    # A spectrum of full rank, so that no number is zero or infinite.
    place = next(i for i, s in enumerate(run.spectra) if s.condition.rank == s.condition.size)
    spectrum = run.spectra[place]
    condition = replace(spectrum.condition, **{name: change(getattr(spectrum.condition, name))})
    spectrum = replace(spectrum, condition=condition)
    return replace(run, spectra=(*run.spectra[:place], spectrum, *run.spectra[place + 1 :]))


EVERY_NUMBER = [
    *(("epochs", name) for name in floats(EpochMetrics) if name != "test_r2"),  # a regression's
    *(("spectra", name) for name in floats(Condition)),
    ("floors", "cut_kappa"),
    *(("curvature", name) for name in floats(Curvature)),
]


def base() -> Run:
    """Return the run with a curvature none of whose numbers is zero or infinite."""
    plain: dict[str, Any] = dict.fromkeys(floats(Curvature), 1.234567) | {"threshold": 1e-9}
    curvature = replace(a_run().curvature[0], **plain)
    return replace(a_run(), curvature=(curvature,))


@pytest.mark.parametrize(("part", "name"), EVERY_NUMBER)
def test_every_number_is_compared_to_the_bit_and_as_it_is_printed(part: str, name: str) -> None:
    def by_a_bit(value: float) -> float:
        return nextafter(value, -inf)

    def by_a_third(value: float) -> float:
        return value / 1.5 + 0.01 * name.endswith("_loss")

    stored = base()
    assert compare_runs(stored, changed(stored, part, name, by_a_bit)).verdict == PRINTED_EQUAL
    found = compare_runs(stored, changed(stored, part, name, by_a_third))
    assert found.verdict == DIFFERENT
    assert name.replace("_", " ") in found.words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dataset_fingerprint": "x"}, "dataset fingerprint: stored "),
        ({"widths": (4, 5, 3)}, "widths: stored 4→4→4, found 4→5→3"),
        ({"n_parameters": 1}, "n parameters: stored "),
        ({"product_used": "fft"}, "product used: stored gather, found fft"),
        ({"status": "diverged", "diverged_epoch": 2}, "status: stored completed, found diverged"),
        ({"spectra": ()}, "found none"),
        ({"curvature": ()}, "found none"),
    ],
)
def test_what_has_no_rounding_is_equal_or_not(change: dict[str, Any], words: str) -> None:
    found = compare_runs(a_run(), replace(a_run(), **change))
    assert found.verdict == DIFFERENT
    assert words in found.words


def test_a_divergence_has_to_happen_at_the_same_step() -> None:
    run = execute(replace(CONFIG, learning_rate=1e200))
    assert run.status == "diverged"
    assert compare_runs(run, replace(run, uuid="again")).verdict == BIT_FOR_BIT
    assert run.diverged_step is not None
    later = compare_runs(run, replace(run, diverged_step=run.diverged_step + 1))
    assert (later.verdict, later.words[:13]) == (DIFFERENT, "diverged step")


def test_the_first_difference_is_the_one_that_is_named() -> None:
    found = with_epoch(a_run(), training_loss=9.0, test_loss=nan)
    found = replace(found, spectra=())
    words = compare_runs(a_run(), found).words
    assert words.startswith("training loss of epoch 2: stored ")
    assert words.endswith("found 9")


def test_nan_equals_itself_only() -> None:
    run = with_epoch(a_run(), test_loss=nan)
    assert compare_runs(run, run).verdict == BIT_FOR_BIT
    assert compare_runs(run, a_run()).verdict == DIFFERENT


def test_of_equals_as_printed_the_largest_difference_is_named() -> None:
    loss = a_run().epochs[1].test_loss
    found = with_epoch(a_run(), test_loss=loss * (1 + 3e-9))
    words = compare_runs(a_run(), found).words
    assert (
        words == "1 number differs, with a relative difference of up to 3e-09: test loss of epoch 2"
    )


def test_what_is_beyond_the_stored_run_is_not_compared() -> None:
    """A later cdbench may know kinds, quantities and knobs that the stored run's did not."""
    old = replace(
        a_run(),
        diagnostics=None,
        product_used=None,
        curvature=(),
        spectra=tuple(
            replace(s, values=(), condition=replace(s.condition, flatness=None))
            for s in a_run().spectra
            if s.kind != "layer_hessian"
        ),
    )
    assert compare_runs(old, a_run()).verdict == BIT_FOR_BIT


# Zero, and infinity


def test_numbers_below_the_threshold_are_zero_whatever_their_digits() -> None:
    stored = of_spectrum((1.0, 3e-17), smallest=3e-17, threshold=1e-15, kappa=inf)
    found = of_spectrum((1.0, 8e-18), smallest=8e-18, threshold=1e-15, kappa=inf)
    assert compare_runs(stored, stored).verdict == BIT_FOR_BIT
    assert compare_runs(stored, found) == Comparison(PRINTED_EQUAL, "2 numbers differ")


def test_a_kappa_that_became_finite_is_a_difference() -> None:
    stored = of_spectrum((1.0, 9e-16), smallest=9e-16, threshold=1e-15, kappa=inf, rank=1)
    found = of_spectrum((1.0, 2e-15), smallest=2e-15, threshold=1e-15, kappa=5e14, rank=2)
    for one, other in ((stored, found), (found, stored)):
        comparison = compare_runs(one, other)
        assert (comparison.verdict, comparison.words[:5]) == (DIFFERENT, "kappa")


def test_a_rank_that_changes_no_kappa_is_no_difference_in_print() -> None:
    numbers = {"smallest": 1e-17, "threshold": 1e-15, "kappa": inf}
    stored, found = of_spectrum((), rank=3, **numbers), of_spectrum((), rank=4, **numbers)
    assert compare_runs(stored, found) == Comparison(PRINTED_EQUAL, "1 number differs")


# What the reports print


@given(st.floats(min_value=0, max_value=1e300))
def test_precision_is_that_of_the_reports(value: float) -> None:
    # Exponents are written with one digit or with two: 5.9e6 and 5.9e+06.
    printed = PRINTED["training_loss"](value)
    assert printed == PRINTED["test_loss"](value)
    assert float(printed) == float(format_loss([value]))
    assert PRINTED["test_accuracy"](value) == format_percent([value])
    if value:
        assert float(PRINTED["kappa"](value)) == float(format_kappa(value))
    if 1e5 <= value or 0 < value < 9.995e-4:
        assert float(PRINTED["largest"](value)) == float(format_number(value))
    assert PRINTED["kappa"](inf) == format_kappa(inf)


def test_every_number_that_a_run_has_is_printed_somehow() -> None:
    assert {name for _, name in EVERY_NUMBER} <= PRINTED.keys()


# Reports


def reproduced(run_id: int, verdict: str, words: str = "") -> Reproduced:
    return Reproduced(run_id, CONFIG, Comparison(verdict, words))


def test_a_run_that_cannot_be_compared_says_why() -> None:
    failed = replace(a_run(), status="failed", error="Traceback\n  in x\nValueError: [bold] no\n")
    assert compare_runs(a_run(), failed) == Comparison(TRAINING_FAILED, "ValueError: [bold] no")
    assert not_reproducible("interrupted") == Comparison(NOT_REPRODUCIBLE, "interrupted")
    assert not_reproducible("failed") == Comparison(NOT_REPRODUCIBLE, "failed")
    assert not_reproducible("completed") is None
    assert not_reproducible("diverged") is None


def test_verdicts_are_counted() -> None:
    runs = [reproduced(n, BIT_FOR_BIT) for n in range(1200)] + [reproduced(1, DIFFERENT, "x")]
    report = verdicts_table(runs, "runs.db")
    assert report.title == "1,201 runs trained again · runs.db"
    assert [(row[0], row[2]) for row in report.rows] == [
        (BIT_FOR_BIT, "1,200"),
        (PRINTED_EQUAL, "0"),
        (DIFFERENT, "1"),
    ]


def test_the_worst_runs_come_first_and_of_many_it_says_how_many_more() -> None:
    runs = [reproduced(n, PRINTED_EQUAL) for n in range(SHOWN + 10)]
    runs += [reproduced(99, DIFFERENT, "x"), reproduced(98, BIT_FOR_BIT)]
    report = differing_table(runs)
    assert report is not None
    assert list(report.rows[0]) == ["99", "cdlinear B=2", "0", DIFFERENT, "x"]
    assert len(report.rows) == SHOWN + 1
    assert report.rows[-1][1] == "and 11 more"
    assert differing_table([reproduced(1, BIT_FOR_BIT)]) is None


def test_environments_are_compared_field_by_field() -> None:
    here = replace(a_run().environment, git_commit="a" * 40, git_dirty=False, numpy_version="2.0")
    there = replace(here, numpy_version="1.26", git_commit=None)
    rows = environments_table({(here, here): 1000, (there, here): 2}).rows
    assert [list(row) for row in rows] == [
        ["1,000", "the same environment", "", ""],
        ["2", "numpy version", "1.26", "2.0"],
        ["2", "git commit", "–", "a" * 12],
    ]


def test_many_values_of_one_thing_are_counted() -> None:
    here = replace(a_run().environment, git_commit="a" * 40, cpu="Z80")
    there = [replace(here, git_commit=str(n), cpu="Z81") for n in range(MOST_OF_ONE + 1)]
    rows = environments_table({(one, here): 10 for one in there}).rows
    assert [list(row) for row in rows] == [
        ["40", "cpu", "Z81", "Z80"],
        ["40", "git commit", "4 different", "a" * 12],
    ]
