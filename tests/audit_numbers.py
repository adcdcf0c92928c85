"""docs/audit-numbers.md: tables of statements, what is asked under each, and the answers.

``python -m tests.audit_numbers DATABASE`` writes the answers of a database into the page. Those of
commands are put there by hand, because they take long or need other databases.
"""

import re
import sys
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from tests.recipes import in_the_shell

PAGE = Path(__file__).parents[1] / "docs" / "audit-numbers.md"
QUERY = re.compile(r"```sql\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", re.DOTALL)
COMMANDS = re.compile(r"```sh\n(.*?)```\n\n```text\n(.*?)```\n", re.DOTALL)
TABLE = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)
MARKED = re.compile(r"`([^`]*)`")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


class Query(NamedTuple):
    """One query and the answer that the page has."""

    sql: str
    answer: str


class Commands(NamedTuple):
    """What to type, and what is printed then."""

    typed: str
    answer: str


class Statements(NamedTuple):
    """One table of the page with the queries and commands under it."""

    rows: list[list[str]]
    queries: list[Query]
    commands: list[Commands]

    @property
    def answers(self) -> list[str]:
        """All answers under the table."""
        return [query.answer for query in self.queries] + [own.answer for own in self.commands]


def statements() -> list[Statements]:
    """Return every table with what is asked between it and the next one."""
    text = PAGE.read_text(encoding="utf-8")
    tables = list(TABLE.finditer(text))
    ends = [*(table.start() for table in tables[1:]), len(text)]
    return [
        Statements(
            [_cells(line) for line in table[0].splitlines()[2:]],
            [Query(found[1], found[2] or "") for found in QUERY.finditer(text, table.end(), end)],
            [Commands(*found.groups()) for found in COMMANDS.finditer(text, table.end(), end)],
        )
        for table, end in zip(tables, ends, strict=True)
    ]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def numbers(text: str) -> list[Decimal]:
    """Return the numbers in a text, as people or as the shell write them."""
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", text).replace("−", "-")
    return [Decimal(number) for number in NUMBER.findall(plain)]


def marked(row: list[str]) -> list[Decimal]:
    """Return those numbers of a row that are said to come from the answers."""
    return [number for cell in row[1:] for span in MARKED.findall(cell) for number in numbers(span)]


def answered(answers: list[str]) -> dict[str, list[Decimal]]:
    """Return the numbers in the answers, by what their first column says: the row's number.

    Other lines than the shell's tables have are a program's; their numbers are under "".
    """
    found: dict[str, list[Decimal]] = {}
    for line in (line for answer in answers for line in answer.splitlines()):
        first, *others = line.strip("│").split("│") if line.startswith("│") else ("", line)
        own = found.setdefault(first.strip(), [])
        own.extend(number for cell in others for number in numbers(cell))
    return found


def shows(number: Decimal, found: list[Decimal]) -> bool:
    """Whether a number is one of those, rounded to as many digits as it has."""
    half = Decimal(1).scaleb(int(number.as_tuple().exponent)) / 2
    return any(abs(number - other) <= half for other in found)


def write_answers(database: Path) -> None:
    """Put the answers of a database into the page."""

    def with_answer(match: "re.Match[str]") -> str:
        answer = in_the_shell(database, match[1], "-box")
        return f"```sql\n{match[1]}```\n\n```text\n{answer}```\n"

    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(QUERY.sub(with_answer, text), encoding="utf-8")


if __name__ == "__main__":
    write_answers(Path(sys.argv[1]))
