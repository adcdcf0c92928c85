"""The page that shows how two runs differ."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cdbench.config.architecture_knobs import shown
from cdbench.reports.formats import Report
from cdbench.reports.inventory import size_in_words
from cdbench.reports.kinds import notes_on_kinds
from cdbench.reports.one_run import COMMIT_SHOWN, KnownRun, score_words, seconds
from cdbench.reports.pages import Facts, Page
from cdbench.reports.run_document import run_records
from cdbench.reports.sparklines import scale_of, sparkline
from cdbench.reports.statistics import format_count, format_kappa
from cdbench.reports.two_runs import Differences, Pair, differing, ratio
from cdbench.statistics.numerals import format_number

EQUAL = "bit for bit"

NONE = "–"

DIGESTS = ("git_commit", "dataset_fingerprint")
"""Of which the beginning is shown; JSON has all."""

_COSTS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "duration_s": ("time", seconds),
    "cpu_s": ("processor time", seconds),
    "peak_memory_bytes": ("peak memory", size_in_words),
    "n_parameters": ("parameters", format_count),
}


def two_runs_page(
    found: Differences, *, everything: bool = False, plain: bool = False, drawn: bool = True
) -> Page:
    """Return the page.

    Parameters
    ----------
    found : Differences
        How the runs differ.
    everything : bool, optional
        Whether configuration and environment are shown where they are equal, too.
    plain : bool, optional
        Whether curves are of ASCII only.
    drawn : bool, optional
        Whether there are curves at all: LaTeX's fonts have none.
    """
    names = run_names(found)
    parts: list[Facts | Report | None] = [
        Facts("", list(_what(found))),
        _table("Configuration", names, found.configuration, everything),
        _table("Measured", names, found.measured, everything),
        _table("Environment", names, found.environment, everything),
        _results(found),
        _curves(found, plain=plain) if drawn else None,
        _conditions(found),
    ]
    document = differences_document(found)
    return Page(
        title=f"{names[0].capitalize()} and {names[1]}",
        parts=[part for part in parts if part is not None],
        document=document,
        records=run_records(document),
    )


def run_names(found: Differences) -> tuple[str, str]:
    """Return what the two are called in the columns: ``run 17``, ``run 18``."""
    one, other = (f"run {known.origin.run_id}" for known in found.runs)
    return one, other


def differences_document(found: Differences) -> dict[str, Any]:
    """Return everything, for JSON; of configuration and environment what differs."""
    return {
        "runs": [
            {"run_id": known.origin.run_id, "uuid": known.run.uuid, "status": known.run.status}
            for known in found.runs
        ],
        "bit_for_bit": found.bit_for_bit,
        "configuration": differing(found.configuration),
        "measured": differing(found.measured),
        "environment": differing(found.environment),
        "cost": dict(found.costs),
        "curves": {
            parting.curves[0].field: {
                "values": [list(curve.values) for curve in parting.curves],
                "first_epoch_apart": parting.first,
                "largest_difference": parting.largest,
                "at_epoch": parting.at,
            }
            for parting in found.partings
        },
        "conditions": [
            {
                "layer": layer,
                "kind": kind,
                "kappa": [one and one.kappa for one in pair],
                "kappa_nonnull": [one and one.kappa_nonnull for one in pair],
                "ratio": ratio(pair),
            }
            for (layer, kind), pair in found.conditions.items()
        ],
    }


def _what(found: Differences) -> Iterator[tuple[str, str]]:
    for name, known in zip(run_names(found), found.runs, strict=True):
        yield name, _title(known)
    one, other = found.runs
    if found.bit_for_bit:
        yield "results", "the same bit for bit, in all that both have"
    elif one.run.config.digest() == other.run.config.digest():
        yield "results", "not the same, though the configuration is"
    if not differing(found.configuration):
        yield "configuration", "the same"
    if not differing(found.environment):
        yield "environment", "the same"


def _title(known: KnownRun) -> str:
    config = known.run.config
    what = f"{config.model} · {config.dataset} · seed {config.seed} · {known.run.status}"
    score = score_words(known.run)
    return f"{what}: {score}" if score else what


def _table(
    title: str, names: tuple[str, str], pairs: Mapping[str, Pair], everything: bool
) -> Report | None:
    told = dict(pairs) if everything else differing(pairs)
    if not told:
        return None
    return Report(
        title=title if everything else f"{title}: what differs",
        columns=("", *names),
        rows=[(name, *(_value(name, one) for one in pair)) for name, pair in told.items()],
        notes=(),
        records=(),
        text_columns=3,
    )


def _value(name: str, value: Any) -> str:
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    return shown(value)[: COMMIT_SHOWN if name in DIGESTS else None] or "none"


def _results(found: Differences) -> Report:
    rows = []
    for parting in found.partings:
        one, other = parting.curves
        ends = (one.values[-1], other.values[-1])
        gap = ends[1] - ends[0]
        rows.append([one.name, *map(one.shown, ends), one.gap(gap) if gap else EQUAL])
    for name, pair in found.costs.items():
        words, form = _COSTS[name]
        rows.append([words, *(NONE if one is None else form(one) for one in pair), _times(pair)])
    return Report(
        title="Results: after the last epoch, and what they cost",
        columns=("", *run_names(found), "difference"),
        rows=rows,
        notes=(),
        records=(),
        text_columns=1,
    )


def _curves(found: Differences, *, plain: bool) -> Report | None:
    """Return the curves of both runs, one above the other on one scale."""
    if not found.partings or len(found.partings[0].epochs) < 2:
        return None
    rows: list[list[str]] = []
    for parting in found.partings:
        scale = scale_of([value for curve in parting.curves for value in curve.values])
        lines = [sparkline(curve.values, scale, plain=plain) for curve in parting.curves]
        apart = EQUAL if parting.first is None else f"from epoch {parting.first}"
        gap = parting.curves[0].gap(parting.largest)
        largest = "" if parting.at is None else f"{gap} ({parting.at})"
        rows += [[]] if rows else []
        rows.append([parting.curves[0].name, lines[0], apart, largest])
        rows.append(["", lines[1], "", ""])
    one, other = run_names(found)
    return Report(
        title=f"Curves: {one} above {other}",
        columns=("", "", "apart", "most (epoch)"),
        rows=rows,
        notes=(f"Differences are those of {other} less {one}.",),
        records=(),
    )


def _conditions(found: Differences) -> Report | None:
    shared = {place: pair for place, pair in found.conditions.items() if None not in pair}
    if not shared:
        return None
    return Report(
        title="Condition numbers after the last epoch: κ non-null",
        columns=("", "kind", *run_names(found), "ratio"),
        rows=[
            [
                f"layer {layer}",
                kind,
                *(format_kappa(one.kappa_nonnull) for one in pair if one),
                EQUAL if pair[0] == pair[1] else NONE if by is None else format_number(by),
            ]
            for (layer, kind), pair in shared.items()
            for by in [ratio(pair)]
        ],
        notes=("The ratio is the second run's over the first's.", *_comparable(found)),
        records=(),
    )


def _comparable(found: Differences) -> tuple[str, ...]:
    """Return which kinds can be compared, if the runs are of different families."""
    one, other = (known.run.config.layer for known in found.runs)
    if one == other:
        return ()
    return notes_on_kinds([kind for _, kind in found.conditions], [], other)


def _times(pair: Pair) -> str:
    """Return how many times the first one's cost the second's is."""
    one, other = pair
    if one is None or other is None or one == other:
        return ""
    if not one:
        return ""
    times = other / one
    return f"× {times:.2f}" if 0.1 <= times < 100 else f"× {format_number(times)}"
