"""The models of a sweep beside dense, one line each: score, weight κ, layers' Hessians."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cdbench.records.judgement import Measurement
from cdbench.reports.formats import Report
from cdbench.reports.measurements import SHARE
from cdbench.statistics.numerals import (
    format_number,
    format_points,
    format_range,
    minus,
    two_digits,
)

TITLE = "Against dense, paired over", "seeds; 95 % bootstrap intervals"
"""Of both tables, around the number of seeds."""

LAYERS_SHOWN = 3
"""Layers whose ratios are shown one by one; of more, the least and the largest."""

WEIGHT, HESSIAN = "weight κ", "layer_hessian κ"
"""How the names of quantities begin."""


@dataclass
class _Compared:
    """What was measured of a model and its baseline."""

    name: str
    score: Measurement
    weight: Measurement | None = None
    hessians: list[Measurement] = field(default_factory=list)

    @property
    def everything(self) -> list[Measurement]:
        """All of it, in the order in which it is shown."""
        return [self.score, *([self.weight] if self.weight else []), *self.hessians]


def against_dense(
    found: Sequence[Measurement], notes: Sequence[str] = (), *, marked: bool = True
) -> Report:
    """Return a line for each model: by how much it is ahead, and better conditioned.

    Parameters
    ----------
    found : sequence of Measurement
        As ``claims.evidence.comparison.compare`` gives them; at least one.
    notes : sequence of str
        What is said below the table besides.
    marked : bool
        Whether it is marked what differs surely; of a few seeds no interval is that good.
    """
    models = _by_model(found)
    noun = models[0].score.quantity.removesuffix(SHARE)
    unit = ", points" if models[0].score.quantity.endswith(SHARE) else ""
    has_kappa = any(one.weight or one.hessians for one in models)
    said = [
        "κ: dense / model, median of the seeds; above 1 the model is better conditioned. Of "
        f"Hessians the non-null part, {_layers(models)}."
    ] * has_kappa
    said += ["*: the interval leaves out equality, **: that for new data of the kind too."] * marked
    return Report(
        title=_title(found),
        columns=["Model", f"{noun}{unit}", *["weight κ", "layer Hessians κ"] * has_kappa],
        rows=[_row(one, has_kappa, marked) for one in models],
        notes=[*([" ".join(said)] if said else []), *notes],
        records=comparison_records(found),
        text_columns=1,
    )


def every_measurement(found: Sequence[Measurement], notes: Sequence[str] = ()) -> Report:
    """Return the long table: every quantity of each model with both intervals."""
    rows: list[list[str]] = []
    for one in _by_model(found):
        rows += [[]] * bool(rows)
        rows += [
            [one.name if n == 0 else "", *_in_full(own)] for n, own in enumerate(one.everything)
        ]
    return Report(
        title=_title(found),
        columns=["Model", "Of", "Estimate", "New splits", "New data"],
        rows=rows,
        notes=[
            "Of the score the mean difference. Of κ the median of dense / model, so that above 1 "
            "the model is better conditioned; of a layer's Hessian the non-null part. The "
            "intervals are for new splits of these data, and for new data of the kind.",
            *notes,
        ],
        records=[_long_record(one, each) for one in _by_model(found) for each in one.everything],
        text_columns=2,
    )


def _in_full(found: Measurement) -> list[str]:
    quantity = found.quantity.replace("layer_hessian", "Hessian").split(", mean of")[0]
    ends = (found.low, found.high), (found.wide_low, found.wide_high)
    if found.quantity.endswith(SHARE):
        noun = quantity.removeprefix("test ").removesuffix(SHARE)
        shown = [f"{noun}, points", *format_points([found.estimate])]
        return shown + [
            "–" if low is None or high is None else " … ".join(format_points([low, high]))
            for low, high in ends
        ]
    intervals = [
        "–" if low is None or high is None else format_range(low, high) for low, high in ends
    ]
    return [quantity, format_number(found.estimate), *intervals]


def _title(found: Sequence[Measurement]) -> str:
    """Return the title, with the number of seeds or, if models differ in it, the span."""
    pairs = sorted({one.n for one in found})
    return f"{TITLE[0]} {'–'.join(map(str, pairs[:1] + pairs[1:][-1:]))} {TITLE[1]}"


def comparison_records(found: Iterable[Measurement]) -> list[dict[str, Any]]:
    """Return a record for each model: estimates and intervals, unrounded."""
    return [_record(one) for one in _by_model(found)]


def _by_model(found: Iterable[Measurement]) -> list[_Compared]:
    models: list[_Compared] = []
    for one in found:
        if one.quantity.startswith(WEIGHT):
            models[-1].weight = one
        elif one.quantity.startswith(HESSIAN):
            models[-1].hessians.append(one)
        else:
            models.append(_Compared(one.subject, one))
    return models


def _row(one: _Compared, has_kappa: bool, marked: bool) -> list[str]:
    cells = [_difference(one.score) + _mark(one.score, 0.0) * marked]
    if has_kappa:
        weight = _ratio(one.weight) + _mark(one.weight, 1.0) * marked
        cells += [weight, _of_layers(one.hessians)]
    return [one.name, *cells]


def _difference(found: Measurement) -> str:
    numbers = [found.estimate, found.low, found.high]
    known = [number for number in numbers if number is not None]
    if found.quantity.endswith(SHARE):
        words = format_points(known)
    else:
        words = [minus(f"{number:+.4f}") for number in known]
    interval = f" ({words[1]} … {words[2]})" if len(words) > 2 else ""
    return words[0] + interval


def _ratio(found: Measurement | None) -> str:
    return "–" if found is None else two_digits(found.estimate)


def _mark(found: Measurement | None, equal: float) -> str:
    """Return how surely the two differ; blanks stand in for stars, so that numbers are aligned."""
    if found is None or not _leaves_out(found.low, found.high, equal):
        return "  "
    return "**" if _leaves_out(found.wide_low, found.wide_high, equal) else "* "


def _leaves_out(low: float | None, high: float | None, equal: float) -> bool:
    return low is not None and high is not None and not low <= equal <= high


def _of_layers(found: Sequence[Measurement]) -> str:
    """Return each layer's ratio, or the least and the largest of many."""
    ratios = [one.estimate for one in found]
    if not ratios:
        return "–"
    if len(ratios) > LAYERS_SHOWN:
        return f"{two_digits(min(ratios))} to {two_digits(max(ratios))}"
    return " ".join(f"{two_digits(ratio):>6}" for ratio in ratios).strip()


def _layers(models: Sequence[_Compared]) -> str:
    many = any(len(one.hessians) > LAYERS_SHOWN for one in models)
    return "the least and the largest of the layers" if many else "layer by layer"


def _record(one: _Compared) -> dict[str, Any]:
    measured = {"score": one.score, "weight_kappa_ratio": one.weight}
    named = {"score": "test_accuracy" if one.score.quantity.endswith(SHARE) else "test_r2"}
    hessians = {f"layer_hessian_kappa_ratio_{n}": own for n, own in enumerate(one.hessians, 1)}
    record: dict[str, Any] = {"model": one.name, "baseline": one.score.baseline, "n": one.score.n}
    for name, found in (measured | hessians).items():
        prefix = f"{named[name]}_difference" if name in named else name
        record[prefix] = None if found is None else found.estimate
        for end in ("low", "high", "wide_low", "wide_high"):
            record[f"{prefix}_{end}"] = None if found is None else getattr(found, end)
    return record


def _long_record(one: _Compared, found: Measurement) -> dict[str, Any]:
    names = ("quantity", "statistic", "estimate", "low", "high", "wide_low", "wide_high", "n")
    record = {"model": one.name, "baseline": one.score.baseline}
    return record | {name: getattr(found, name) for name in names}
