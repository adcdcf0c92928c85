"""Every report that can be asked for: each in every form, narrow and wide, and what is refused."""

import csv
import io
import json
import re
from collections import Counter

import pytest
from rich.cells import cell_len

from cdbench.cli import report as report_command
from cdbench.cli import run
from cdbench.reports.formats import Report, render, render_together
from tests.released import released_database

ASKED = (
    "",
    "--list",
    "--table1",
    "--claims",
    "--claims --short",
    "--claims --name accuracy figure-2",
    "--compare --details",
    "--compare --name digits wine",
    "--study released",
    "--sweep",
    "--benchmark",
    "--group-by dataset family --baseline dense",
    "--group-by learning_rate --value weight_kappa --baseline 0.1",
    "--group-by status dropout --value duration_s",
)
"""Each report, as it is asked for."""


def tables(asked: str, monkeypatch: pytest.MonkeyPatch) -> list[Report]:
    """Return the tables of a report of the released results."""
    made: list[list[Report]] = []
    monkeypatch.setattr(report_command, "_write", lambda tables, *_: made.append(tables))
    assert run(["report", *asked.split(), "--db", str(released_database())]) == 0
    return made[0]


@pytest.mark.parametrize("asked", ASKED)
def test_every_report_fits_any_terminal_whole_and_has_every_form(
    asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = tables(asked, monkeypatch)
    for report in reports:
        cells = Counter(word for row in report.rows for cell in row for word in _words(cell))
        for width in (60, 80, 100, 120):
            shown = render(report, "table", width)
            assert max(map(cell_len, shown.splitlines())) <= width
            assert not cells - Counter(_words(shown))
    first = reports[0]
    document = json.loads(render(first, "json"))
    lines = list(csv.DictReader(io.StringIO(render(first, "csv"))))
    assert len(lines) == len(document["records"]) > 0
    assert list(lines[0]) == list(document["records"][0])
    assert render(first, "markdown").count("\n|") >= 2 + sum(map(bool, first.rows))
    assert render_together(reports, "latex").count(r"\documentclass") == 1


def _words(text: str) -> list[str]:
    """Return what no line may break: the words, and the parts of a network's widths."""
    return re.findall(r"[^ \n→]+→?", text)
