"""Results of training stored runs again: verdicts, runs that differ, and environments."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from cdbench.config.run_config import RunConfig
from cdbench.records.run import Environment
from cdbench.reports.formats import Report
from cdbench.reports.statistics import format_count
from cdbench.running.reproduction import (
    BIT_FOR_BIT,
    DIFFERENT,
    NOT_REPRODUCIBLE,
    PRINTED_EQUAL,
    TRAINING_FAILED,
    VERDICTS,
    Comparison,
)

SHOWN = 40
"""Most runs that are listed; for more, the report says how many there are."""

MOST_OF_ONE = 3
"""Most pairs of values that are listed of one thing, such as the commit."""

MEANING = {
    BIT_FOR_BIT: "every number is the same",
    PRINTED_EQUAL: "every number is the same as reports print it",
    DIFFERENT: "a number is printed otherwise",
    TRAINING_FAILED: "the training failed now",
    NOT_REPRODUCIBLE: "interrupted or failed when it was stored; not trained again",
}

_LONG = 12
"""Characters shown of a commit."""


@dataclass(frozen=True)
class Reproduced:
    """A stored run that was trained again and compared."""

    run_id: int
    config: RunConfig
    comparison: Comparison


def verdicts_table(runs: Sequence[Reproduced], source: str) -> Report:
    """Build the table of the number of runs with each verdict."""
    counts = Counter(run.comparison.verdict for run in runs)
    return Report(
        title=f"{format_count(len(runs))} run{'s' * (len(runs) != 1)} trained again · {source}",
        columns=("Verdict", "", "Runs"),
        rows=[
            [verdict, MEANING[verdict], format_count(counts[verdict])]
            for verdict in VERDICTS
            if counts[verdict] or verdict in (BIT_FOR_BIT, PRINTED_EQUAL, DIFFERENT)
        ],
        notes=(),
        records=[],
    )


def differing_table(runs: Sequence[Reproduced]) -> Report | None:
    """Build the table of runs not equal bit for bit, worst first; None if there are none."""
    differing = [run for run in runs if run.comparison.verdict != BIT_FOR_BIT]
    if not differing:
        return None
    order = (DIFFERENT, TRAINING_FAILED, NOT_REPRODUCIBLE, PRINTED_EQUAL)
    differing.sort(key=lambda run: (order.index(run.comparison.verdict), run.run_id))
    n_more = len(differing) - SHOWN
    more = [["...", f"and {format_count(n_more)} more", "", "", ""]] if n_more > 0 else []
    return Report(
        title="Runs that are not equal bit for bit",
        columns=("Run", "Model", "Seed", "Verdict", "Why"),
        rows=[
            [
                str(run.run_id),
                run.config.model,
                str(run.config.seed),
                run.comparison.verdict,
                run.comparison.words,
            ]
            for run in differing[:SHOWN]
        ]
        + more,
        notes=(),
        records=[],
        text_columns=5,
    )


def environments_table(pairs: Mapping[tuple[Environment, Environment], int]) -> Report:
    """Build the table of differences between the stored environments and the present ones.

    Parameters
    ----------
    pairs : mapping
        Number of runs compared for each pair of stored and present environment.
    """
    differing: Counter[tuple[str, str, str]] = Counter()
    n_equal = 0
    for (stored, here), n_runs in pairs.items():
        then, now = asdict(stored), asdict(here)
        changed = [name for name in then if then[name] != now[name]]
        n_equal += n_runs * (not changed)
        for name in changed:
            differing[name, _shown(name, then[name]), _shown(name, now[name])] += n_runs
    rows = [[format_count(n_equal), "the same environment", "", ""]] * bool(n_equal)
    for name in asdict(next(iter(pairs))[0]):
        own = {key[1:]: n_runs for key, n_runs in differing.items() if key[0] == name}
        if len(own) > MOST_OF_ONE:
            before, after = zip(*own, strict=True)
            own = {(_all(before), _all(after)): sum(own.values())}
        for (one, other), n_runs in own.items():
            rows.append([format_count(n_runs), name.replace("_", " "), one, other])
    return Report(
        title="Environments: what differs",
        columns=("Runs", "", "Stored", "Here"),
        rows=rows,
        notes=(),
        records=[],
        text_columns=4,
    )


def _all(values: Sequence[str]) -> str:
    different = set(values)
    return f"{len(different)} different" if len(different) > 1 else values[0]


def _shown(name: str, value: object) -> str:
    if value is None:
        return "–"
    return str(value)[:_LONG] if name == "git_commit" else str(value)
