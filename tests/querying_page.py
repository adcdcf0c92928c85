"""docs/querying.md: its commands with what they print, of the released results.

``python -m tests.querying_page DATABASE`` writes what they print into the page.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "querying.md"
COMMAND = re.compile(r"```sh\n(cdbench [^\n]*)\n```\n\n```text\n(.*?)```", re.DOTALL)


def commands() -> list[tuple[str, str]]:
    """Return each command of the page that has an answer, and the answer."""
    return COMMAND.findall(PAGE.read_text(encoding="utf-8"))


def words_of(command: str) -> list[str]:
    """Return the words of a command, without its name."""
    return shlex.split(command)[1:]


def of_any_schema(text: str) -> str:
    """Return what was printed, without that the released results are of an older schema."""
    return "".join(
        line for line in text.splitlines(keepends=True) if "has the older schema" not in line
    )


def write_answers(database: Path) -> None:
    """Put into the page what its commands print where ``runs.db`` is a copy of the database."""
    cdbench = Path(sys.executable).with_name("cdbench")

    def answered(match: "re.Match[str]") -> str:
        done = subprocess.run(
            [cdbench, *words_of(match[1])],
            cwd=database.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=os.environ | {"COLUMNS": "100", "CDBENCH_DATABASE": database.name},
            encoding="utf-8", timeout=60, check=False,
        )  # fmt: skip
        return f"```sh\n{match[1]}\n```\n\n```text\n{of_any_schema(done.stdout).rstrip()}\n```"

    PAGE.write_text(COMMAND.sub(answered, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write_answers(Path(sys.argv[1]))
