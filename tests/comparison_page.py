"""docs/comparison.md: sections of prose, each with the queries that its numbers come from.

``python -m tests.comparison_page DATABASE`` writes the answers of a database into the page.
"""

import re
import sys
from pathlib import Path
from typing import NamedTuple

from tests.recipes import in_the_shell

PAGE = Path(__file__).parents[1] / "docs" / "comparison.md"
SECTION = re.compile(r"^## .*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)
QUERY = re.compile(r"```sql\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", re.DOTALL)
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
        if queries:
            found.append(Section(title, BLOCK.sub("", rest), queries))
    return found


def write_answers(database: Path) -> None:
    """Put the answers of a database into the page."""

    def answered(match: "re.Match[str]") -> str:
        answer = in_the_shell(database, match[1], "-box")
        return f"```sql\n{match[1]}```\n\n```text\n{answer}```\n"

    PAGE.write_text(QUERY.sub(answered, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write_answers(Path(sys.argv[1]))
