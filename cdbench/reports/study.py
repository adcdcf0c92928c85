"""A study as tables: the answer for each part and size, and every family beside narrower dense."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from cdbench.comparison.words import ALPHA, how_sure
from cdbench.config import families
from cdbench.records.comparison import NARROWER, ComparedModel, Difference, label_of
from cdbench.reports.comparison import MARKS
from cdbench.reports.formats import Report
from cdbench.statistics.measures import MEASURES, Measure
from cdbench.store.study_queries import StoredStudy

OURS = families.DEFAULT
"""The family that the project is about."""

WIDTH, FAMILY, GAP = 80, 28, 3
"""Columns of a terminal, of the longest family's name, and between two columns of a table."""

MARKED = (
    "* sure over seeds, ** on new data of the kind too: p below 5 % by Holm's correction for the "
    "models of the part and size."
)

NOTE = (
    "Of the narrower dense network its score. Families by their mean place over all parts of the "
    f"size. {MARKED} In brackets seeds that were lost by divergence."
)


DETAILS = "Every family in every part: --details."


@dataclass(frozen=True)
class _Case:
    """A part at a budget."""

    part: str
    budget: float
    lines: tuple[ComparedModel, ...]
    measure: Measure

    @property
    def whole(self) -> list[ComparedModel]:
        """Models that every seed trained: a mean of the seeds that were left flatters."""
        n_seeds = max(line.n_seeds for line in self.lines)
        return [line for line in self.lines if line.n_seeds == n_seeds]

    def best(self) -> ComparedModel | None:
        """Return the best model; None if none trained with every seed."""
        able = [line for line in self.whole if line.score is not None]
        return max(able, key=lambda line: self.measure.merit(_score(line)), default=None)

    def of(self, family: str) -> ComparedModel | None:
        """Return the model of a family, or None if it has none here."""
        return next((line for line in self.lines if _label(line) == family), None)


def study_reports(found: StoredStudy, width: int = WIDTH, *, details: bool = True) -> list[Report]:
    """Return a study's tables: the answers and, with ``details``, the families at each budget.

    They hold no time, so that the same runs give the same text wherever they were made. A table of
    families is at most ``width`` letters wide; parts that do not fit have another.
    """
    cases = _cases(found)
    answers = _answers(found, cases)
    if not details:
        return [replace(answers, notes=[*answers.notes, DETAILS])]
    budgets = sorted({case.budget for case in cases}, reverse=True)
    tables = [
        _families(found, own, some)
        for own in ([case for case in cases if case.budget == budget] for budget in budgets)
        for some in _abreast(own, width)
    ]
    return [answers, *tables[:-1], *(replace(last, notes=[NOTE]) for last in tables[-1:])]


def _cases(found: StoredStudy) -> list[_Case]:
    cases = []
    for part in found.options:
        own = found.parts.get(part)
        lines = () if own is None else own.lines
        for budget in dict.fromkeys(line.budget for line in lines if line.role != "dense"):
            at = tuple(one for one in lines if one.budget == budget and one.role != "dense")
            assert own is not None
            cases.append(_Case(part, budget, at, MEASURES[own.measure]))
    return cases


def _answers(found: StoredStudy, cases: Sequence[_Case]) -> Report:
    left = [part for part in found.options if part not in found.parts]
    notes = [
        "Of each part and size the family that is best, all at their own best rates; and by how "
        f"much it and {OURS} are ahead of a dense network made as small, in points; of a text in "
        f"bits per character, of which fewer are better. {MARKED}"
    ]
    if left:
        again = shlex.join(["cdbench", "compare", "--study", found.name, "--only", *left])
        notes.append(f"Not there yet: {', '.join(left)}; to make them: {again}")
    return Report(
        title=f"Study {found.name}: the best at each size",
        columns=["Part", "Best", "Size", "Gap", OURS],
        rows=[_answer(case) for case in cases],
        notes=notes,
        records=[record for case in cases for record in _records(case)],
        text_columns=2,
        lead=_lead(cases),
    )


def _answer(case: _Case) -> list[str]:
    best, own = case.best(), case.of(OURS)
    return [
        case.part,
        "–" if best is None else _label(best),
        f"{case.budget:g}",
        "–" if best is None else _gap(case, best),
        "–" if own is None else _gap(case, own),
    ]


def _abreast(cases: Sequence[_Case], width: int) -> list[list[_Case]]:
    """Return the cases in groups that fit side by side into a width."""
    groups: list[list[_Case]] = []
    room = 0
    for case in cases:
        needed = len(case.part) + GAP
        if needed > room:
            groups.append([])
            room = width - FAMILY
        groups[-1].append(case)
        room -= needed
    return groups


def _families(found: StoredStudy, every: Sequence[_Case], cases: Sequence[_Case]) -> Report:
    """Return a table of some parts at a budget, with the families in the order over every part."""
    families = dict.fromkeys(_label(line) for case in cases for line in case.lines)
    ordered = sorted(families, key=lambda family: (family != NARROWER, _place(family, every)))
    return Report(
        title=f"Study {found.name}, size {cases[0].budget:g}: less the narrower dense network",
        columns=["Family", *(case.part for case in cases)],
        rows=[
            [family, *(_cell(case, case.of(family), family) for case in cases)]
            for family in ordered
        ],
        notes=[],
        records=[record for case in cases for record in _records(case)],
        text_columns=1,
    )


def _place(family: str, cases: Sequence[_Case]) -> float:
    """Return the mean place of a family over the parts that have it, as a share; 0 is the best."""
    places = []
    for case in cases:
        scored = [line for line in case.lines if line.score is not None]
        ordered = sorted(scored, key=lambda line: -case.measure.merit(_score(line)))
        labels = [_label(line) for line in ordered]
        if family in labels:
            places.append(labels.index(family) / len(labels))
    return sum(places) / len(places) if places else 1.0


def _cell(case: _Case, line: ComparedModel | None, family: str) -> str:
    if line is None or line.score is None:
        return "–"
    n_seeds = max(other.n_seeds for other in case.lines)
    lost = f" ({n_seeds - line.n_seeds})" if line.n_seeds < n_seeds else ""
    return (case.measure.format(line.score) if family == NARROWER else _gap(case, line)) + lost


def _lead(cases: Sequence[_Case]) -> list[str]:
    """Say in how many cases each family is surely ahead of, or behind, narrower dense."""
    if not cases:
        return []
    counts: dict[str, list[int]] = {}
    for case in cases:
        for line in case.lines:
            found = _difference(line)
            if found is not None:
                own = counts.setdefault(_label(line), [0, 0, 0])
                own[0] += 1
                if found.p_holm < ALPHA:
                    own[1 if case.measure.merit(found.difference) > 0 else 2] += 1
    told = []
    if OURS in counts:
        n, ahead, behind = counts[OURS]
        cases_of = "case" if n == 1 else "cases"
        told.append(
            f"In {n} {cases_of} (a part at a size), {OURS} is surely ahead of a dense network of "
            f"the same size in {ahead} and surely behind in {behind}."
        )
    # Of one that takes part in few cases its share would say little.
    enough = max(own[0] for own in counts.values()) / 2
    others = {f: own for f, own in counts.items() if f != OURS and own[0] >= enough}
    if others:
        family, (n, ahead, behind) = max(
            others.items(), key=lambda item: (item[1][1] - item[1][2]) / item[1][0]
        )
        if ahead:
            told.append(
                f"Of the other families {family} does best by this count: ahead in {ahead} and "
                f"behind in {behind} of {n}."
            )
    return told


def _label(line: ComparedModel) -> str:
    return label_of(line.role, line.layer, line.structure)


def _gap(case: _Case, line: ComparedModel) -> str:
    found = _difference(line)
    if found is None:
        return "–"
    return case.measure.format_gap(found.difference) + MARKS.get(how_sure(found), "").strip()


def _difference(line: ComparedModel) -> Difference | None:
    return next((one for one in line.differences if one.against == NARROWER), None)


def _score(line: ComparedModel) -> float:
    assert line.score is not None
    return line.score


def _records(case: _Case) -> list[dict[str, Any]]:
    records = []
    for line in case.lines:
        found = _difference(line)
        records.append(
            {
                "part": case.part,
                "budget": case.budget,
                "measure": case.measure.name,
                "family": _label(line),
                "model": line.model,
                "hidden": line.hidden,
                "n_parameters": line.n_parameters,
                "multiply_adds": line.multiply_adds,
                "learning_rate": line.learning_rate,
                "n_seeds": line.n_seeds,
                "score": line.score,
                "low": line.low,
                "high": line.high,
                "wide_low": line.wide_low,
                "wide_high": line.wide_high,
                "less_narrower": None if found is None else found.difference,
                "less_narrower_low": None if found is None else found.low,
                "less_narrower_high": None if found is None else found.high,
                "p_holm": None if found is None else found.p_holm,
            }
        )
    return records
