"""Reports as LaTeX: a document that compiles as it stands, with tables to be copied from it."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from math import ceil
from typing import TYPE_CHECKING

from cdbench.reports.escaping import latex_escape, latex_numbers

if TYPE_CHECKING:
    from cdbench.reports.formats import Report

PAGE = 40
"""Lines of a table that fit a page; a longer one goes on over several, which a float cannot."""

LINE = 150
"""Characters that fit a line, in small type, of a page in landscape."""

_TAIL = re.compile(r" [±(✓✗!*].*| +$|\*+ *$")
"""What follows the number of a cell: its deviation, its interval, its mark."""


def latex_document(reports: Sequence["Report"]) -> str:
    """Return a document with a table for each report."""
    tables = [line for report in reports for line in _table(report)]
    long = any(_is_long(report) for report in reports)
    lines = [
        r"\documentclass{article}",
        r"\usepackage[T1]{fontenc}",
        r"\usepackage[utf8]{inputenc}",
        r"\usepackage{booktabs}",
        *[r"\usepackage{longtable}"] * long,
        r"\usepackage[landscape,margin=15mm]{geometry}",
        r"\pagestyle{empty}",
        r"\begin{document}",
        r"% To use it in a paper of your own: \usepackage{booktabs}"
        + r" and {longtable}" * long
        + ", and copy from here ...",
        *tables,
        r"% ... to here.",
        r"\end{document}",
    ]
    return "\n".join(lines) + "\n"


def label_of(title: str) -> str:
    """Return a table's label: the first words of its title, such as ``tab:table-1``."""
    return "tab:" + re.sub(r"[^a-z0-9]+", "-", title.split("·")[0].lower()).strip("-")


def _table(report: "Report") -> Iterator[str]:
    caption = rf"\caption{{{latex_escape(report.caption or report.title)}}}"
    label = rf"\label{{{report.label or label_of(report.title)}}}"
    columns = _columns(report)
    heading = " & ".join(map(latex_escape, report.columns)) + r" \\"
    lead = [f"{latex_escape(sentence)}\n" for sentence in report.lead]
    notes = [f"\n{latex_escape(note)}" for note in report.notes if note]
    if _is_long(report):
        yield from [r"\begingroup", r"\small", *lead, rf"\begin{{longtable}}{{{columns}}}"]
        yield from [caption + label + r" \\", r"\toprule", heading, r"\midrule", r"\endfirsthead"]
        yield from [r"\toprule", heading, r"\midrule", r"\endhead", r"\bottomrule", r"\endfoot"]
        yield from [*_rows(report), r"\end{longtable}", *notes, r"\endgroup"]
    else:
        yield from [r"\begin{table}", r"\centering", r"\small", *lead, caption, label]
        yield from [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", heading, r"\midrule"]
        yield from [*_rows(report), r"\bottomrule", r"\end{tabular}"]
        yield from [*[r"\par\raggedright"] * bool(notes), *notes, r"\end{table}"]


def _columns(report: "Report") -> str:
    """Return the columns' kinds; many texts share the width of the page."""
    share = 0.98 / len(report.columns) - 0.017  # which is what stands between two columns
    text = rf"p{{{share:.3f}\linewidth}}" if report.text_columns > 2 else "l"
    return "".join(text if report.is_text(i) else "r" for i in range(len(report.columns)))


def _is_long(report: "Report") -> bool:
    room = LINE / len(report.columns) if report.text_columns > 2 else LINE
    return sum(max(ceil(len(cell) / room) for cell in row or [""]) for row in report.rows) > PAGE


def _rows(report: "Report") -> Iterator[str]:
    # Text columns are our own words only in the ledger, where every column is text.
    every_text = report.text_columns == len(report.columns) or report.numbers is not None
    own = 0 if every_text else report.text_columns
    pads = [_padding(report, place) for place in range(len(report.columns))]
    for row in report.rows:
        if row:
            cells = [
                latex_escape(cell) if place < own else _number(cell, pads[place])
                for place, cell in enumerate(row)
            ]
            yield " & ".join(cells) + r" \\"
        else:
            yield r"\addlinespace"


def _padding(report: "Report", place: int) -> "Counter[str]":
    """Return which characters the tails of a column's cells have at most; none of texts."""
    widest: Counter[str] = Counter()
    if not report.is_text(place):
        for row in filter(None, report.rows):
            widest |= _characters(row[place])
    return widest


def _characters(cell: str) -> "Counter[str]":
    tail = _TAIL.search(cell)
    return Counter(re.sub(r"\d", "0", tail[0].rstrip()) if tail else "")


def _number(cell: str, widest: "Counter[str]") -> str:
    """Return a number, with room for what others of its column have behind theirs."""
    missing = widest - _characters(cell)
    shown = latex_numbers(cell.rstrip())
    if not missing or cell in ("", "–"):
        return shown
    blanks = "~" * missing.pop(" ", 0)
    return rf"{shown}\phantom{{{blanks}{latex_escape(''.join(missing.elements()))}}}"
