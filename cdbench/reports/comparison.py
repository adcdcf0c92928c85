"""A comparison as three tables: what its models reach, their rates, and what they cost."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

from cdbench.comparison.words import how_sure, named, sentences
from cdbench.records.comparison import (
    DENSE,
    MOST_WEIGHTS,
    NARROWER,
    ComparedModel,
    Difference,
)
from cdbench.reports.formats import Report
from cdbench.reports.statistics import format_count, format_kappa
from cdbench.statistics.measures import MEASURES, Measure
from cdbench.statistics.numerals import format_number
from cdbench.store.comparison_queries import StoredComparison

OF_DIFFERENCE = tuple(own.name for own in fields(Difference) if own.name != "against")

MARKS = {"sure on new data too": " **", "sure on these splits only": " *", "sure over seeds": " *"}
"""How it is marked for what a difference is sure."""


DETAILS = "Differences to dense, learning rates, κ and costs: --details."

_FOR_NEW_DATA = re.compile(r" \(± [^)]*\)")


def tables_of(found: StoredComparison, *, details: bool = False) -> list[Report]:
    """Return the table of a stored comparison, with what it found in plain words.

    With ``details`` there are all scores and differences; tables of learning rates with
    conditioning, and of costs, come after them.
    """
    whole = scores(found, words_of(found))
    return [whole, rates(found), costs(found)] if details else [_in_short(whole, found)]


def words_of(found: StoredComparison) -> list[str]:
    """Return what a stored comparison found, in a sentence or two for each budget."""
    plan = json.loads(found.plan_json)  # no Plan: its families may be a plug-in's, not loaded here
    dataset, match = plan["base"]["dataset"], plan["match"]
    return sentences(found.lines, dataset, match, MEASURES[found.measure])


def scores(found: StoredComparison, words: Sequence[str]) -> Report:
    """Return the table of scores and differences; its records hold all numbers of all tables.

    Parameters
    ----------
    found : StoredComparison
        The comparison.
    words : sequence of str
        What it found, in plain words, which the report begins with.
    """
    measure = MEASURES[found.measure]
    n_seeds = max((line.n_seeds for line in found.lines), default=0)
    return Report(
        title=f"Comparison {found.name}: test {measure.noun} at each model's own best rate",
        columns=[
            *("Model", "Parameters", f"Test {measure.heading}"),
            *(f"less narrower dense{measure.points}", "better in"),
            *(f"less dense{measure.points}", "better in"),
        ],
        rows=_grouped(found.lines, lambda line: _score_cells(line, n_seeds, measure)),
        notes=_notes_on_scores(found),
        records=_records(found),
        text_columns=1,
        lead=words,
    )


def _in_short(whole: Report, found: StoredComparison) -> Report:
    """Return of the scores what has room in a line: those of these splits, and the narrower."""
    rows = [[_FOR_NEW_DATA.sub("", cell) for cell in row[:4]] for row in whole.rows]
    columns = [*whole.columns[:3], f"Gap{MEASURES[found.measure].points}"]
    marks = "*: sure over seeds"
    if _has_new_data(found):
        marks = "** and *: sure on new data too, or on these splits only"
    gap = f"Gap: to the narrower dense network; {marks} (Holm, 5 %)."
    note = f"{_seeds(found)}. ± is a 95 % interval over seeds. {gap}"
    return replace(
        whole, columns=columns, rows=rows, notes=[note, *_less_is_better(found), DETAILS]
    )


def rates(found: StoredComparison) -> Report:
    """Return the table of learning rates and condition numbers."""
    return Report(
        title=f"Comparison {found.name}: learning rates and conditioning",
        columns=["Model", "best rate", "usable rates", "weight κ", "layer Hessian κ"],
        rows=_grouped(found.lines, _rate_cells),
        notes=[
            _note_on_rates(MEASURES[found.measure]),
            "κ: mean over the layers, of the first seed; of a layer's Hessian without null "
            f"directions, and only where no dense layer has more than {MOST_WEIGHTS:,} weights.",
        ],
        records=_records(found),
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
        records=_records(found),
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


def _score_cells(line: ComparedModel, n_seeds: int, measure: Measure) -> list[str]:
    differences = {found.against: found for found in line.differences}
    lost = f" ({n_seeds - line.n_seeds} lost)" if line.n_seeds < n_seeds else ""
    cells = [named(line), format_count(line.n_parameters), _score(line, measure) + lost]
    for base in (NARROWER, DENSE):
        own = differences.get(base)
        cells += (
            ["–", "–"]
            if own is None
            else [_difference(own, measure), f"{100 * own.improvement:.0f} %"]
        )
    return cells


def _score(line: ComparedModel, measure: Measure) -> str:
    if line.score is None or line.high is None:
        return "none trained" if line.learning_rate is None else "–"
    half = _halves(line.score, line.high, line.wide_high, measure)
    return f"{measure.format(line.score)} {half}"


def _difference(found: Difference, measure: Measure) -> str:
    half = _halves(found.difference, found.high, found.wide_high, measure)
    return f"{measure.format_gap(found.difference)} {half}{MARKS.get(how_sure(found), '')}"


def _halves(middle: float, high: float, wide_high: float | None, measure: Measure) -> str:
    """Return the half widths of both intervals, which are symmetric: ``± 0.21 (± 0.60)``."""
    wide = "" if wide_high is None else f" (± {measure.format(wide_high - middle)})"
    return f"± {measure.format(high - middle)}{wide}"


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


def _note_on_rates(measure: Measure) -> str:
    best = (
        f"best rate: by {measure.chosen_by}; ! where it is at an end of the rates tried. usable "
        "rates: those about the best "
    )
    if not measure.is_chosen_by_accuracy:
        return (
            f"{best}whose loss is at most {100 * measure.usable:g} % above its own, and how many "
            "times the highest is the lowest."
        )
    return (
        f"{best}within half a point of it, and how many times the highest is the lowest. Where "
        "rates were tried on fewer than 200 samples in all, one sample is more than half a point: "
        "the range is then of rates that are as good as the best."
    )


def _seeds(found: StoredComparison) -> str:
    seeds = sorted({line.n_seeds for line in found.lines if line.n_seeds})
    span = "–".join(map(str, dict.fromkeys((seeds[0], seeds[-1])))) if seeds else "no"
    return f"{span} seeds a model"


def _has_new_data(found: StoredComparison) -> bool:
    """Return whether there are intervals for new data of the kind."""
    return any(line.wide_high is not None for line in found.lines)


def _less_is_better(found: StoredComparison) -> list[str]:
    less = MEASURES[found.measure].sign < 0
    return ["Of bits per character less is better."] if less else []


def _notes_on_scores(found: StoredComparison) -> list[str]:
    seeds = {line.n_seeds for line in found.lines if line.n_seeds}
    both = (
        "± is a 95 % interval (t) over seeds, for these splits of this data set; in brackets that "
        "for new data of this kind, corrected for the samples that splits share (Nadeau and Bengio "
        "2003). ** and *: the difference is sure for new data too, or for these splits only"
        if _has_new_data(found)
        else "± is a 95 % interval (t) over seeds on the data set's own test split. *: the "
        "difference is sure over seeds"
    )
    lost = " lost: seeds that diverged at the best rate; what is told is of the others."
    return [
        f"{_seeds(found)}, {found.n_reported:,} runs; rates by {found.n_tuning:,} others, on "
        f"samples held out of the training split.{lost * (len(seeds) > 1)}",
        f"{both}, by Holm's correction for the models of the budget, at 5 %. better in: share of "
        "seeds in which the model is ahead; equal ones count half.",
        *_less_is_better(found),
    ]


def _records(found: StoredComparison) -> list[dict[str, Any]]:
    return [_record(line, found.measure) for line in found.lines]


def _record(line: ComparedModel, measure: str) -> dict[str, Any]:
    # In CSV and JSON the score has the name of what it is.
    values = {measure if name == "score" else name: own for name, own in asdict(line).items()}
    differences = {found.pop("against"): found for found in values.pop("differences")}
    for base in (NARROWER, DENSE):
        own = differences.get(base, {})
        prefix = base.replace(" ", "_")
        values |= {f"{prefix}_{name}": own.get(name) for name in OF_DIFFERENCE}
    return values
