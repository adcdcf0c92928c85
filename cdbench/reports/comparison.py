"""A comparison as three tables: how accurate its models are, their rates, and what they cost."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from typing import Any

from cdbench.comparison.sizes import DENSE, NARROWER
from cdbench.comparison.words import how_sure, named
from cdbench.records.comparison import ComparedModel, Difference
from cdbench.reports.formats import Report
from cdbench.reports.statistics import format_count, format_kappa
from cdbench.statistics.numerals import format_number, format_points
from cdbench.store.comparison_queries import StoredComparison

OF_DIFFERENCE = tuple(own.name for own in fields(Difference) if own.name != "against")

MARKS = {"sure on new data too": " **", "sure on these splits only": " *", "sure over seeds": " *"}
"""How it is marked for what a difference is sure."""


def accuracies(found: StoredComparison, sentences: Sequence[str]) -> Report:
    """Return the table of accuracies and differences; its records hold all numbers of all tables.

    Parameters
    ----------
    found : StoredComparison
        The comparison.
    sentences : sequence of str
        What it found, in plain words, which the report begins with.
    """
    n_seeds = max((line.n_seeds for line in found.lines), default=0)
    return Report(
        title=f"Comparison {found.name}: test accuracy at each model's own best rate",
        columns=[
            *("Model", "Parameters", "Test accuracy, %"),
            *("less narrower dense, points", "better in", "less dense, points", "better in"),
        ],
        rows=_grouped(found.lines, lambda line: _accuracy_cells(line, n_seeds)),
        notes=_notes_on_accuracies(found),
        records=[_record(line) for line in found.lines],
        text_columns=1,
        lead=sentences,
    )


def rates(found: StoredComparison) -> Report:
    """Return the table of learning rates and condition numbers."""
    return Report(
        title=f"Comparison {found.name}: learning rates and conditioning",
        columns=["Model", "best rate", "usable rates", "weight κ", "layer Hessian κ"],
        rows=_grouped(found.lines, _rate_cells),
        notes=[
            "best rate: by validation accuracy; ! where it is at an end of the rates tried. usable "
            "rates: those about the best within half a point of it, and how many times the highest "
            "is the lowest. Where rates were tried on fewer than 200 samples in all, one sample is "
            "more than half a point: the range is then of rates that are as good as the best.",
            "κ: mean over the layers, of the first seed; of a layer's Hessian without null "
            "directions.",
        ],
        records=[_record(line) for line in found.lines],
        text_columns=1,
    )


def costs(found: StoredComparison) -> Report:
    """Return the table of multiply-adds and times; with the rates it would not fit 80 columns."""
    return Report(
        title=f"Comparison {found.name}: costs",
        columns=["Model", "Multiply-adds", "s/epoch", "µs/prediction"],
        rows=_grouped(found.lines, _cost_cells),
        notes=[
            "Multiply-adds of a sample: with the weights, without biases and fixed transforms such "
            "as a DFT. s/epoch: mean wall time of the updates, which other work on the machine "
            "lengthens.",
        ],
        records=[_record(line) for line in found.lines],
        text_columns=1,
    )


def _grouped(
    lines: Sequence[ComparedModel], cells: Callable[[ComparedModel], list[str]]
) -> list[list[str]]:
    """Return the rows, with an empty one between two budgets."""
    rows: list[list[str]] = []
    before = None
    for line in lines:
        if before is not None and (line.budget, line.role == "dense") != before:
            rows.append([])
        before = line.budget, line.role == "dense"
        rows.append(cells(line))
    return rows


def _accuracy_cells(line: ComparedModel, n_seeds: int) -> list[str]:
    differences = {found.against: found for found in line.differences}
    lost = f" ({n_seeds - line.n_seeds} lost)" if line.n_seeds < n_seeds else ""
    cells = [named(line), format_count(line.n_parameters), _accuracy(line) + lost]
    for base in (NARROWER, DENSE):
        own = differences.get(base)
        cells += ["–", "–"] if own is None else [_difference(own), f"{100 * own.improvement:.0f} %"]
    return cells


def _accuracy(line: ComparedModel) -> str:
    if line.accuracy is None or line.high is None:
        return "none trained" if line.learning_rate is None else "–"
    half = _halves(line.accuracy, line.high, line.wide_high)
    return f"{100 * line.accuracy:.2f} {half}"


def _difference(found: Difference) -> str:
    (points,) = format_points([found.difference])
    half = _halves(found.difference, found.high, found.wide_high)
    return f"{points} {half}{MARKS.get(how_sure(found), '')}"


def _halves(middle: float, high: float, wide_high: float | None) -> str:
    """Return the half widths of both intervals, which are symmetric: ``± 0.21 (± 0.60)``."""
    wide = "" if wide_high is None else f" (± {100 * (wide_high - middle):.2f})"
    return f"± {100 * (high - middle):.2f}{wide}"


def _rate_cells(line: ComparedModel) -> list[str]:
    rate = "–" if line.learning_rate is None else format_number(line.learning_rate)
    usable = "–"
    if line.usable_low is not None and line.usable_high is not None:
        low, high = (format_number(end) for end in (line.usable_low, line.usable_high))
        times = f"(×{line.usable_high / line.usable_low:.0f})"
        usable = f"{low} {times}" if low == high else f"{low}–{high} {times}"
    return [
        named(line),
        rate + " !" * line.is_at_edge,
        usable,
        *("–" if k is None else format_kappa(k) for k in (line.weight_kappa, line.hessian_kappa)),
    ]


def _cost_cells(line: ComparedModel) -> list[str]:
    times = (line.seconds_per_epoch, line.prediction_us)
    return [
        named(line),
        format_count(line.multiply_adds),
        *("–" if x is None else format_number(x) for x in times),
    ]


def _notes_on_accuracies(found: StoredComparison) -> list[str]:
    seeds = sorted({line.n_seeds for line in found.lines if line.n_seeds})
    span = "–".join(map(str, dict.fromkeys((seeds[0], seeds[-1])))) if seeds else "no"
    has_wide = any(line.wide_high is not None for line in found.lines)
    both = (
        "± is a 95 % interval (t) over seeds, for these splits of this data set; in brackets that "
        "for new data of this kind, corrected for the samples that splits share (Nadeau and Bengio "
        "2003). ** and *: the difference is sure for new data too, or for these splits only"
        if has_wide
        else "± is a 95 % interval (t) over seeds on the data set's own test split. *: the "
        "difference is sure over seeds"
    )
    lost = " lost: seeds that diverged at the best rate; what is told is of the others."
    return [
        f"{span} seeds a model, {found.n_reported:,} runs; rates by {found.n_tuning:,} others, on "
        f"samples held out of the training split.{lost * (seeds[:1] != seeds[-1:])}",
        f"{both}, by Holm's correction for the models of the budget, at 5 %. better in: share of "
        "seeds in which the model is ahead; equal ones count half.",
    ]


def _record(line: ComparedModel) -> dict[str, Any]:
    values = asdict(line)
    differences = {found.pop("against"): found for found in values.pop("differences")}
    for base in (NARROWER, DENSE):
        own = differences.get(base, {})
        prefix = base.replace(" ", "_")
        values |= {f"{prefix}_{name}": own.get(name) for name in OF_DIFFERENCE}
    return values
