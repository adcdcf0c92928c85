"""Any runs as the lines of a figure: each named by what tells it from the others."""

import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from cdbench.errors import ConfigurationError
from cdbench.plots.base import Line, PlottedRun
from cdbench.system.printable import printable

MANY = 4
"""From how many seeds on a model is one line: their median, in a band between quartiles."""

NEVER = sys.maxsize
"""So many seeds that every run is a line of its own."""

MOST = 12
"""Lines that can be told apart in one figure."""

LONGEST_END, LONGEST, LONGEST_COMMON = 18, 58, 46
"""Letters of a name at a line's end, above which lines are lettered; of one in the legend; and of
what a title says that all have in common."""

_KNOB = re.compile(r"\s+(?=\w+=)")


@dataclass(frozen=True)
class Trace:
    """One line of a figure: a run, or several that differ in their seeds only.

    Attributes
    ----------
    line : Line
        Its names.
    runs : tuple of PlottedRun
        One, or MANY or more.
    """

    line: Line
    runs: tuple[PlottedRun, ...]


def grouped(runs: Sequence[PlottedRun], many: int = MANY) -> list[tuple[PlottedRun, ...]]:
    """Return the runs in their order, those of one model together if they have many seeds."""
    groups: dict[str, list[PlottedRun]] = {}
    for run in runs:
        groups.setdefault(run.group or f"run {run.run_id}", []).append(run)
    found: list[tuple[PlottedRun, ...]] = []
    for group in groups.values():
        is_many = len({run.seed for run in group}) >= many
        found += [tuple(group)] if is_many else [(run,) for run in group]
    return found


def traces(
    runs: Sequence[PlottedRun], *, many: int = MANY, most: int | None = MOST
) -> tuple[list[Trace], str]:
    """Return the lines that runs make, and what all of them have in common.

    Parameters
    ----------
    runs : sequence of PlottedRun
        In the order of the legend.
    many : int, optional
        From how many seeds on a model is one line.
    most : int or None, optional
        How many lines the figure shows at most; None if its rows have names, not its lines' ends.

    Returns
    -------
    lines : list of Trace
        Each with a name that no other has.
    common : str
        Such as ``"dense · digits"``, for a title; may be empty.

    Raises
    ------
    ConfigurationError
        If there are more lines than the figure shows.
    """
    groups = grouped(runs, many)
    if most is not None and len(groups) > most:
        together = f", where {many} seeds or more of one model are one" if many < NEVER else ""
        raise ConfigurationError(
            f"{len(runs):,} runs are {len(groups):,} lines{together}; expected at most {most}: "
            "name fewer runs, or add to --where"
        )
    facts = [_facts(group) for group in groups]
    common = set.intersection(*map(set, facts)) if facts else set()
    shared = [fact for fact in (facts[0] if facts else []) if fact in common]
    names = [[fact for fact in own if fact not in common] for own in facts]
    legends = _unlike([_joined(own) or _joined(shared[:1]) for own in names], groups)
    ends = _unlike(
        [_joined(own, short=True) or _joined(shared[:1], short=True) for own in names], groups
    )
    if len(groups) == 1:
        ends = [groups[0][0].short_label]
    if most is not None and max(map(len, ends), default=0) > LONGEST_END:
        ends = [_letter(place) for place in range(len(groups))]
        legends = [f"{end}: {legend}" for end, legend in zip(ends, legends, strict=True)]
    lines = [
        Trace(_line(group[0], _counted(legend, group), end), group)
        for group, legend, end in zip(groups, legends, ends, strict=True)
    ]
    return lines, _few(shared)


@dataclass(frozen=True)
class _Fact:
    """Something that is so of a run, in words for the legend and for a line's end."""

    legend: str
    end: str


def _facts(group: tuple[PlottedRun, ...]) -> list[_Fact]:
    run = group[0]
    model = run.architecture
    dataset = printable(run.dataset)  # a path of the user's, perhaps
    knobs = _KNOB.split(printable(run.changes))
    changes = [knob for knob in knobs if not knob.startswith("dataset=")]
    facts = [_Fact(model.label, model.short_label), _Fact(dataset, dataset)]
    facts += [_Fact(knob, knob) for knob in changes if knob]
    if len(group) == 1:
        facts.append(_Fact(f"seed {run.seed}", f"seed {run.seed}"))
    return facts


def _joined(facts: Sequence[_Fact], *, short: bool = False) -> str:
    words = " · ".join(filter(None, (fact.end if short else fact.legend for fact in facts)))
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 2]} …"


def _few(facts: Sequence[_Fact]) -> str:
    """Return as many of the facts as a title has room for, whole ones only."""
    words = ""
    for fact in facts:
        longer = " · ".join(filter(None, (words, fact.legend)))
        if len(longer) > LONGEST_COMMON:
            return words or f"{longer[: LONGEST_COMMON - 2]} …"
        words = longer
    return words


def _unlike(names: list[str], groups: Sequence[tuple[PlottedRun, ...]]) -> list[str]:
    """Return the names, with the runs' numbers where the same name comes twice."""
    counts = Counter(names)
    return [
        f"{name} · run {group[0].run_id}" if counts[name] > 1 else name
        for name, group in zip(names, groups, strict=True)
    ]


def _counted(legend: str, group: tuple[PlottedRun, ...]) -> str:
    return legend if len(group) == 1 else f"{legend} ({len(group)} seeds)"


def _letter(place: int) -> str:
    return "abcdefghijklmnopqrstuvwxyz"[place] if place < 26 else str(place + 1)


def _line(run: PlottedRun, legend: str, end: str) -> Line:
    return Line(run.layer, run.B, run.structure, legend, end)
