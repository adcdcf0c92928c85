"""What was found of an installation: a page for people, a table, or data."""

import textwrap
from collections.abc import Sequence
from itertools import groupby

from cdbench.records.health import FAULT, NOTE, WELL, Finding, is_well
from cdbench.reports.formats import Report
from cdbench.system.printable import printable

MARKS = {WELL: "✓", NOTE: "–", FAULT: "×"}
COLOURS = {WELL: "32", NOTE: "33", FAULT: "1;31"}
"""Of the marks, as numbers of a terminal."""

ALL_WELL = "All is well."


def verdict(findings: Sequence[Finding]) -> str:
    """Return the sentence that sums up the findings."""
    faults = [finding for finding in findings if finding.state == FAULT]
    if is_well(findings):
        return ALL_WELL
    what = ", ".join(f"{fault.of.lower()}, {fault.what}" for fault in faults)
    return f"Not well, in {len(faults)} thing{'s' * (len(faults) > 1)}: {what}."


def health_report(findings: Sequence[Finding]) -> Report:
    """Return the findings as a table; its lead is the verdict."""
    rows: list[tuple[str, ...]] = []
    for of, group in groupby(findings, key=lambda finding: finding.of):
        rows += [()] if rows else []
        for number, one in enumerate(group):
            rows.append((of if number == 0 else "", one.what, one.state, _sentence(one)))
    return Report(
        title="cdbench doctor",
        columns=("", "", "State", "Found"),
        rows=rows,
        notes=(),
        records=[
            {
                "of": one.of,
                "what": one.what,
                "state": one.state,
                "found": one.said,
                "advice": one.advice or None,
            }
            for one in findings
        ],
        text_columns=4,
        lead=(verdict(findings),),
    )


def health_page(findings: Sequence[Finding], width: int, *, styled: bool) -> str:
    """Return the findings as a page for a terminal, ending with the verdict.

    Parameters
    ----------
    findings : sequence of Finding
        Those of a part one after another.
    width : int
        Columns of the terminal.
    styled : bool
        Whether it shows colours and bold text.
    """

    def style(text: str, codes: str) -> str:
        return f"\x1b[{codes}m{text}\x1b[0m" if styled else text

    indent = 4 + max((len(one.what) for one in findings), default=0) + 2
    lines = []
    for of, group in groupby(findings, key=lambda finding: finding.of):
        lines.append(style(of, "1"))
        for one in group:
            # Filled with a plain mark, which is as wide; its colour takes no columns.
            filled = textwrap.fill(
                printable(_sentence(one)),
                max(width, indent + 20),
                initial_indent=f"  {MARKS[one.state]} {one.what}".ljust(indent),
                subsequent_indent=" " * indent,
                break_long_words=False,
                break_on_hyphens=False,
            )
            lines.append(f"  {style(MARKS[one.state], COLOURS[one.state])}{filled[3:]}")
        lines.append("")
    lines.append(style(verdict(findings), "1;32" if is_well(findings) else "1;31"))
    return "\n".join(lines) + "\n"


def _sentence(one: Finding) -> str:
    return f"{one.said}; {one.advice}" if one.advice else one.said
