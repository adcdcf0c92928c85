"""The ledger of the paper's claims, and one claim in full."""

from collections.abc import Mapping, Sequence
from typing import Any

from cdbench.judgement import CONDITIONAL, NOT_MEASURED, Measurement
from cdbench.numerals import format_number, format_points, format_range
from cdbench.reports.formats import Report
from cdbench.store.audit_queries import StoredClaim

SHARE = ", share"
"""Suffix of quantities that are shares of 1, which are printed in percent."""

COLUMNS = ("", "Claim", "Published", "Measured", "Seeds", "Verdict")


def ledger(
    titles: Mapping[str, tuple[int, str, str]], stored: Mapping[str, StoredClaim], source: str
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
    """
    rows, records = [], []
    for name, (position, title, published) in titles.items():
        found = stored.get(name)
        verdict, measured = _verdict(found), found.judgement.measured if found else "–"
        seeds = found.seeds if found else "–"
        rows.append([str(position), title, published, measured, seeds, verdict])
        records.append(_record(position, name, title, published, found))
    return Report(
        title=f"The claims of arXiv 2605.08171, judged one by one · {source}",
        columns=COLUMNS,
        rows=rows,
        notes=(
            "Verdicts: reproduced, the published numbers come out again; holds, the measurements "
            "support the claim as it is stated; holds if, they do where the condition is met; not "
            "supported, they can tell neither that it is true nor that it is false; contradicted, "
            "they show that it is false.",
            "Intervals: 95 % bootstrap over seeds unless said otherwise. One claim in full, with "
            "its rule and its numbers: cdbench audit --claim NAME --explain, and with the SQL that "
            "derives them: --sql. Names: " + ", ".join(titles) + ".",
        ),
        records=records,
        text_columns=len(COLUMNS),
    )


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
        "seeds": found.seeds if found else None,
    }


def measurements_table(
    measurements: Sequence[Measurement], title: str = "Measurements", notes: Sequence[str] = ()
) -> Report:
    """Build the table of statistics with their intervals."""
    return Report(
        title=title,
        columns=("Quantity", "Of", "Statistic", "Estimate", "Interval", "n"),
        rows=[
            [
                found.quantity.removesuffix(SHARE),
                _subject(found),
                found.statistic,
                _estimate(found),
                _interval(found),
                str(found.n),
            ]
            for found in measurements
        ],
        notes=notes,
        records=[],
        text_columns=3,
    )


def _subject(found: Measurement) -> str:
    """Return ``dense / cdlinear B=4`` for a ratio; for a difference, with a minus sign."""
    if found.baseline is None:
        return found.subject
    if "correlation" in found.statistic:
        return f"{found.subject}, {found.baseline}"
    joint = " / " if "ratio" in found.statistic else " − "
    return f"{found.subject}{joint}{found.baseline}"


def _estimate(found: Measurement) -> str:
    """Return the estimate; shares are in percent, differences of shares in points."""
    if not _in_percent(found):
        return format_number(found.estimate)
    if found.baseline is not None:
        return f"{format_points([found.estimate])[0]} points"
    return f"{100 * found.estimate:.2f} %"


def _interval(found: Measurement) -> str:
    if found.low is None or found.high is None:
        return "–"
    if _in_percent(found):
        signed = found.baseline is not None
        ends = " … ".join(format_points([found.low, found.high], signed=signed))
    else:
        ends = format_range(found.low, found.high)
    return f"{ends} ({found.interval})" if found.interval == "quartiles" else ends


def _in_percent(found: Measurement) -> bool:
    """Whether the statistic is a share or a difference of two, but no ratio and no Δ."""
    plain = ("ratio", "Δ", "exponent", "correlation")
    return found.quantity.endswith(SHARE) and not any(word in found.statistic for word in plain)
