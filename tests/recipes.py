"""docs/recipes.md: its questions with their SQL, and the answers beside them.

``python -m tests.recipes DATABASE`` writes the answers of a database into the page.
"""

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "recipes.md"
QUESTION = re.compile(r"## (\d+ [^\n]*)\n\n```sql\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", re.DOTALL)


def recipes() -> list[tuple[str, str, str]]:
    """Return question, SQL and answer of each recipe, as the page has them."""
    found = QUESTION.finditer(PAGE.read_text(encoding="utf-8"))
    return [(match[1], match[2], match[3] or "") for match in found]


def in_the_shell(database: Path, sql: str, *options: str) -> str:
    """Return what the shell ``sqlite3`` answers."""
    command = ["sqlite3", "-readonly", *options, str(database), sql]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, timeout=60)
    return done.stdout


def write_answers(database: Path) -> None:
    """Put the answers of a database into the page."""

    def answered(match: "re.Match[str]") -> str:
        question, sql, _ = match.groups()
        answer = in_the_shell(database, sql, "-box")
        return f"## {question}\n\n```sql\n{sql}```\n\n```text\n{answer}```\n"

    PAGE.write_text(QUESTION.sub(answered, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write_answers(Path(sys.argv[1]))
