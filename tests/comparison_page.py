"""docs/comparison.md: sections of prose, each with the queries that its numbers come from.

``python -m tests.comparison_page DATABASE`` writes the answers of a database into the page, and the
first table of the study into the README, and the ledger into that and docs/audit.md.
"""

import re
import sys
from pathlib import Path
from typing import NamedTuple

from cdbench.api.ledger import claims_report
from cdbench.claims import CLAIMS
from cdbench.reports.claims import shortened
from cdbench.reports.formats import render
from cdbench.reports.study import study_reports
from cdbench.store.database import open_for_reading
from cdbench.store.study_queries import stored_study
from tests.recipes import in_the_shell

ROOT = Path(__file__).parents[1]
PAGE, README = ROOT / "docs" / "comparison.md", ROOT / "README.md"
AUDIT = ROOT / "docs" / "audit.md"
SECTION = re.compile(r"^## .*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)
QUERY = re.compile(r"```sql\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", re.DOTALL)
STUDY = "```sh\ncdbench report --study released\n```\n"
REPORT = re.compile(re.escape(STUDY) + r"(?:\n```text\n(.*?)```\n)?", re.DOTALL)
LEDGER = re.compile(r"(?<=\n)\|  \| Claim \| Verdict \|.*\n(?:\|.*\n)+")
FIRST_TABLE = re.compile("(" + re.escape(STUDY) + r"\n)((?:\|.*\n)+)")
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


def first_table(database: Path) -> str:
    """Return the lines of the first table of the released study in Markdown."""
    first, *_ = study_reports(stored_study(open_for_reading(str(database)), "released"))
    return "".join(
        line for line in render(first, "markdown").splitlines(keepends=True) if line[0] == "|"
    )


def ledger(database: Path) -> str:
    """Return the lines of the short ledger's table in Markdown."""
    short = shortened(claims_report(list(CLAIMS), open_for_reading(str(database))))
    return "".join(
        line for line in render(short, "markdown").splitlines(keepends=True) if line[0] == "|"
    )


def write_answers(database: Path) -> None:
    """Put the answers of a database into the page."""

    def answered(match: "re.Match[str]") -> str:
        return f"```sql\n{match[1]}```\n\n```text\n{answer_of(database, match[1])}```\n"

    text = QUERY.sub(answered, PAGE.read_text(encoding="utf-8"))
    whole = f"{STUDY}\n```text\n{answer_of(database, STUDY)}```\n"
    PAGE.write_text(REPORT.sub(lambda _: whole, text), encoding="utf-8")
    table = first_table(database)
    text = FIRST_TABLE.sub(lambda match: match[1] + table, README.read_text(encoding="utf-8"))
    README.write_text(LEDGER.sub(lambda _: ledger(database), text), encoding="utf-8")
    text = AUDIT.read_text(encoding="utf-8")
    AUDIT.write_text(LEDGER.sub(lambda _: ledger(database), text), encoding="utf-8")


if __name__ == "__main__":
    write_answers(Path(sys.argv[1]))
