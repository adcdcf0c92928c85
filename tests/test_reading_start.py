"""What commands that read load: no part of SQLAlchemy that they do not use, and no arithmetic."""

import subprocess
import sys
from pathlib import Path

from tests.cli_tools import plain_environment
from tests.released import released_database

RELEASED = str(released_database())

PRINTED = (
    "runs list",
    "runs list --by model --where 'B > 3'",
    "runs show 19180",
    "report",
    "report --table1",
    "report --group-by model",
    "report --study released",
    "report --benchmark",
)
"""Commands that print what is stored, and compute nothing but means."""

NEVER = {"sqlalchemy.orm", "alembic", "scipy", "sklearn", "matplotlib", "pandas"}
ARITHMETIC = {"numpy", "cdbench.engine", "cdbench.datasets"}


def loaded(folder: Path, commands: tuple[str, ...]) -> set[str]:
    """Return the modules that a process has loaded after these commands."""
    script = f"""
import io, shlex, sys
from contextlib import redirect_stdout
from cdbench.cli import run
for words in {commands!r}:
    with redirect_stdout(io.StringIO()):
        assert run([*shlex.split(words), "--db", {RELEASED!r}]) == 0, words
print("\\n".join(sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env=plain_environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_what_prints_stored_numbers_loads_no_orm_and_no_arithmetic(tmp_path: Path) -> None:
    assert loaded(tmp_path, PRINTED) & (NEVER | ARITHMETIC) == set()


def test_what_computes_intervals_loads_no_orm_either(tmp_path: Path) -> None:
    known = loaded(
        tmp_path, ("report --sweep", "report --claims --short", "runs diff 19179 latest")
    )
    assert known & NEVER == set()
    assert "numpy" in known
