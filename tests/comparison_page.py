"""docs/comparison.md: sections of prose, each with the queries that its numbers come from.

``python -m tests.comparison_page DATABASE`` writes the answers of a database into the page, the
ledger into docs/audit.md, and its short form into the README.
"""

import re
import sys
from pathlib import Path
from typing import NamedTuple

from cdbench.api.ledger import claims_report
from cdbench.claims import CLAIMS
from cdbench.reports.claims import shortened, with_conditions
from cdbench.reports.formats import Report, render
from cdbench.reports.study import study_reports
from cdbench.store.database import open_for_reading
from cdbench.store.study_queries import stored_study
from tests.recipes import in_the_shell

ROOT = Path(__file__).parents[1]
PAGE, README = ROOT / "docs" / "comparison.md", ROOT / "README.md"
AUDIT = ROOT / "docs" / "audit.md"
SECTION = re.compile(r"^## .*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)
QUERY = re.compile(r"```sql\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", re.DOTALL)
STUDY = "```sh\ncdbench report --study released --details\n```\n"
REPORT = re.compile(re.escape(STUDY) + r"(?:\n```text\n(.*?)```\n)?", re.DOTALL)
LEDGER = re.compile(r"(?<=\n)\|  \| Claim \| Verdict \|.*\n(?:\|.*\n)+")
BLOCK = re.compile(r"```.*?```", re.DOTALL)
MEASURED = re.compile(r"(?<![\w./])\d+\.\d+")
"""Numbers that are measured: those with decimals."""


class Section(NamedTuple):
    """A part of the page: its heading, its prose, and its queries with the answers there."""

    title: str
    prose: str
    queries: list[tuple[str, str]]


def sections() -> list[Section]:
    """Return the sections that have queries."""
    found = []
    for match in SECTION.finditer(PAGE.read_text(encoding="utf-8")):
        title, _, rest = match[0].partition("\n")
        queries = [(own[1], own[2] or "") for own in QUERY.finditer(rest)]
        queries += [(STUDY, own[1] or "") for own in REPORT.finditer(rest)]
        if queries:
            found.append(Section(title, BLOCK.sub("", rest), queries))
    return found


def answer_of(database: Path, question: str) -> str:
    """Return what a database answers to a query, or all tables of the released study."""
    if question != STUDY:
        return in_the_shell(database, question, "-box")
    reports = study_reports(stored_study(open_for_reading(str(database)), "released"))
    return "\n".join(render(one, "table") for one in reports)


def ledgers(database: Path) -> dict[Path, str]:
    """Return the lines of the ledger's table in Markdown, by the page that has this form of it."""
    whole = claims_report(list(CLAIMS), open_for_reading(str(database)))
    return {README: _table(shortened(whole)), AUDIT: _table(with_conditions(whole))}


def _table(report: Report) -> str:
    lines = render(report, "markdown").splitlines(keepends=True)
    return "".join(line for line in lines if line[0] == "|")


def write_answers(database: Path) -> None:
    """Put the answers of a database into the page."""

    def answered(match: "re.Match[str]") -> str:
        return f"```sql\n{match[1]}```\n\n```text\n{answer_of(database, match[1])}```\n"

    text = QUERY.sub(answered, PAGE.read_text(encoding="utf-8"))
    whole = f"{STUDY}\n```text\n{answer_of(database, STUDY)}```\n"
    PAGE.write_text(REPORT.sub(lambda _: whole, text), encoding="utf-8")
    for page, table in ledgers(database).items():
        found = page.read_text(encoding="utf-8")
        page.write_text(LEDGER.sub(table.replace("\\", r"\\"), found), encoding="utf-8")


if __name__ == "__main__":
    write_answers(Path(sys.argv[1]))
