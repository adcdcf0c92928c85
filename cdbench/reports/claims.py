"""The ledger of the paper's claims."""

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from cdbench.records.judgement import CONDITIONAL, NOT_MEASURED, Measurement
from cdbench.reports.formats import Report
from cdbench.reports.measurements import with_intervals
from cdbench.statistics.estimands import NEW_DATA, SPLITS
from cdbench.store.ledger_queries import StoredClaim

COLUMNS = (
    "", "Claim", "Published", "Measured", "First number", "Seeds", "Verdict", "Replicated",
)  # fmt: skip

SIGNIFICANT = 0.05
"""Level of the tests, and of all of them together."""


def ledger(
    titles: Mapping[str, tuple[int, str, str]],
    stored: Mapping[str, StoredClaim],
    source: str,
    *,
    replications: Mapping[str, StoredClaim] = MappingProxyType({}),
    decisive: Mapping[str, Measurement] = MappingProxyType({}),
    adjusted: Mapping[str, float] = MappingProxyType({}),
    about_new_data: Collection[str] = (),
) -> Report:
    """Build the ledger: one row per claim, in the paper's order, even without a result.

    Parameters
    ----------
    titles : mapping
        Position in the paper's order, title and published value of each claim, by name.
    stored : mapping
        The stored judgements, by name.
    source : str
        Source of the judgements, for the title.
    replications : mapping
        The judgements of a second block of seeds, by name.
    decisive : mapping
        The first measurement of each judgement, by name.
    adjusted : mapping
        p of those that were tested, adjusted for their number, by name.
    about_new_data : collection of str
        Names of the claims whose verdicts rest on the intervals for new data of the kind.
    """
    rows, records = [], []
    for name, (position, title, published) in titles.items():
        found = stored.get(name)
        verdict, measured = _verdict(found), found.judgement.measured if found else "–"
        seeds = found.seeds if found else "–"
        again = _replicated(found, replications.get(name))
        first = with_intervals(decisive[name]) if name in decisive else "–"
        rows.append([str(position), title, published, measured, first, seeds, verdict, again])
        records.append(
            _record(position, name, title, published, found)
            | _second(found, replications.get(name))
            | _numbers(found, decisive.get(name), adjusted.get(name))
            | {"about_new_data": name in about_new_data}
        )
    return Report(
        title=f"The claims of arXiv 2605.08171, judged one by one · {source}",
        columns=COLUMNS,
        rows=rows,
        notes=(
            "Verdicts: reproduced, the published numbers come out again; holds, the measurements "
            "support the claim as it is stated; holds if, they do where the condition is met; not "
            "supported, they can tell neither that it is true nor that it is false; contradicted, "
            "they show that it is false.",
            f"Intervals: 95 % bootstrap over seeds, which are for {SPLITS}; for {NEW_DATA} they "
            "are wider. Both are shown of the number that comes first in each claim; --explain "
            f"shows all. {_resting(titles, about_new_data)}"
            + _after_holm(stored, adjusted)
            + "Replicated: whether a second block of seeds gave the same verdict by the same rule, "
            f"else which (cdbench audit --replicate{_second_seeds(replications)}). One claim in "
            "full, with its rule and numbers: cdbench audit --claim NAME --explain, and with the "
            "SQL that derives them: --sql. Names: " + ", ".join(titles) + ".",
        ),
        records=records,
        text_columns=len(COLUMNS),
    )


def shortened(report: Report) -> Report:
    """Return the ledger's short form: of each claim its verdict and its result in numbers.

    That a verdict has a condition is said; which, :func:`with_conditions` and the ledger say.
    """
    rows = _cells(report, "", "Claim", "Verdict", "Measured")
    for row in rows:
        row[2] = re.sub(r"^holds if: .*", CONDITIONAL, row[2])
    meanings, _ = report.notes
    return replace(
        report,
        columns=("", "Claim", "Verdict", "In numbers"),
        rows=rows,
        notes=(
            meanings.replace("holds if, they do", f"{CONDITIONAL}, they do"),
            "In brackets 95 % intervals over seeds. The conditions, and whether a second block of "
            "seeds gave the same: cdbench report --claims.",
        ),
        text_columns=4,
    )


def with_conditions(report: Report) -> Report:
    """Return the ledger with verdicts, their conditions and replications, without numbers."""
    columns = ("", "Claim", "Verdict", "Replicated")
    rows = _cells(report, *columns)
    for row in rows:  # that the condition is another is said; which, the whole ledger says
        row[-1] = re.sub(r"^yes, if: .*", "yes, with another condition", row[-1])
        row[-1] = re.sub(r"if: .*", "under a condition", row[-1])
    return replace(report, columns=columns, rows=rows, text_columns=len(columns))


def _cells(report: Report, *columns: str) -> list[list[str]]:
    """Return these columns of the ledger's rows."""
    kept = [COLUMNS.index(name) for name in columns]
    return [[row[i] for i in kept] for row in report.rows]


def _resting(titles: Collection[str], about_new_data: Collection[str]) -> str:
    """Return which of these claims' verdicts rest on intervals for new data."""
    named = ", ".join(name for name in titles if name in about_new_data)
    return f"Verdicts that rest on those for {NEW_DATA}: {named}. " if named else ""


def _second_seeds(replications: Mapping[str, StoredClaim]) -> str:
    """Return ``: seeds 30..59``, where there is a second block."""
    seeds = {again.seeds for again in replications.values() if again.seeds[0].isdigit()}
    return f": seeds {', '.join(sorted(seeds))}" if seeds else ""


def _replicated(found: StoredClaim | None, again: StoredClaim | None) -> str:
    """Return ``yes``, or else the other verdict, or the other condition, of the second block."""
    if found is None or again is None:
        return "–"
    first, second = found.judgement, again.judgement
    if first.verdict != second.verdict:
        return f"no: {_verdict(again)}"
    if again.seeds == found.seeds:
        return "computed"
    return "yes" if first.condition == second.condition else f"yes, if: {second.condition}"


def _second(found: StoredClaim | None, again: StoredClaim | None) -> dict[str, Any]:
    same = found and again and found.judgement.verdict == again.judgement.verdict
    return {
        "replicated": None if again is None else bool(same),
        "replication_seeds": again.seeds if again else None,
        "replication_verdict": again.judgement.verdict if again else None,
        "replication_condition": again.judgement.condition if again else None,
        "replication_measured": again.judgement.measured if again else None,
    }


def _numbers(
    found: StoredClaim | None, decisive: Measurement | None, adjusted: float | None
) -> dict[str, Any]:
    """Return the first measurement with both intervals, and its p."""
    names = ("quantity", "subject", "baseline", "statistic", "estimate", "n", "estimand")
    ends = ("low", "high", "interval", "wide_low", "wide_high")
    return {name: getattr(decisive, name, None) for name in (*names, *ends)} | {
        "p": found.p_value if found else None,
        "p_holm": adjusted,
    }


def _after_holm(stored: Mapping[str, StoredClaim], adjusted: Mapping[str, float]) -> str:
    """Return which tests no longer speak once their number is counted."""
    if not adjusted:
        return ""
    lost = [
        name for name, p in adjusted.items() if p > SIGNIFICANT >= (stored[name].p_value or 0.0)
    ]
    named = (
        f"these are no longer significant: {', '.join(sorted(lost))}"
        if lost
        else "all that were significant stay so"
    )
    return f"Of {len(adjusted)} whose deciding number is tested, by Holm's correction {named}. "


def _verdict(found: StoredClaim | None) -> str:
    if found is None:
        return NOT_MEASURED
    judgement = found.judgement
    if judgement.verdict == CONDITIONAL:
        return f"holds if: {judgement.condition}"
    return judgement.verdict


def _record(
    position: int, name: str, title: str, published: str, found: StoredClaim | None
) -> dict[str, Any]:
    judgement = found.judgement if found else None
    return {
        "position": position,
        "claim": name,
        "title": title,
        "published": published,
        "measured": judgement.measured if judgement else None,
        "verdict": judgement.verdict if judgement else NOT_MEASURED,
        "condition": judgement.condition if judgement else None,
        "reason": judgement.reason if judgement else None,
        "rule": found.rule if found else None,
        "rule_version": found.rule_version if found else None,
        "seeds": found.seeds if found else None,
    }
