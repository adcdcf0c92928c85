"""Running the command line in tests: here, or for real in a process of its own."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from cdbench.cli import run
from cdbench.store.migrate import revisions

CDBENCH = str(Path(sys.executable).with_name("cdbench"))
"""The console script as it is installed."""

ASSETS = Path(__file__).parent / "assets"
NEWEST = ASSETS / f"{revisions()[-1]}.db"
"""A database of each released schema, and that of the newest."""

SMALL_NETWORK = ("--dataset", "iris", "--hidden", "8")
SMALL = (*SMALL_NETWORK, "--epochs", "2")
"""A run of milliseconds."""

THE_SWEEP = "sweep --B 1 3 4 5 7 8 --seeds 0 1 2"
"""The paper's experiment, as the README gives it."""


@dataclass(frozen=True)
class Answer:
    """What a command gave: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


def plain_environment(**extra: str) -> dict[str, str]:
    """Return the environment without what would change a command's words or its width."""
    dropped = ("FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS", "TERMINAL_WIDTH", "NO_COLOR")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CDBENCH_", "_CDBENCH")) and name not in dropped
    }
    return kept | {"COLUMNS": "120", "TERM": "xterm", "PYTHONUTF8": "1"} | extra


def for_real(folder: Path, *words: str, extra: Mapping[str, str] | None = None) -> Answer:
    """Run ``cdbench`` with these words in a process of its own."""
    return _answer([CDBENCH, *words], folder, extra or {})


def by_shell(folder: Path, script: str, *words: str, **extra: str) -> Answer:
    """Run a line of shell, to which ``"$0" "$@"`` is ``cdbench`` with these words."""
    return _answer(["bash", "-c", script, CDBENCH, *words], folder, extra, errors="replace")


def _answer(
    command: list[str], folder: Path, extra: Mapping[str, str], errors: str = "strict"
) -> Answer:
    done = subprocess.run(
        command,
        cwd=folder,
        env=plain_environment(**extra),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors=errors,
        timeout=120,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


class Here:
    """Runs commands in this process, in a folder of its own."""

    def __init__(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self.folder = folder
        self._capsys = capsys
        monkeypatch.chdir(folder)
        for name in list(os.environ):
            if name.startswith("CDBENCH_"):
                monkeypatch.delenv(name)
        monkeypatch.setenv("COLUMNS", "120")

    def __call__(self, *words: str) -> Answer:
        self._capsys.readouterr()
        with mock.patch.object(sys, "argv", ["cdbench", *words]):
            code = run(list(words))
        captured = self._capsys.readouterr()
        return Answer(code, captured.out, captured.err)


def rows(database: Path, question: str) -> list[tuple[Any, ...]]:
    """Ask a database by hand, as ``sqlite3 runs.db "select ..."`` does."""
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(question).fetchall()


def change(database: Path, statement: str) -> None:
    """Change a database behind cdbench's back."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(statement)


def contents(folder: Path) -> dict[str, bytes | None]:
    """Return everything under a folder: bytes of files by name, None for folders."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


_paper: list[tuple[Path, Answer]] = []


def paper_folder(factory: pytest.TempPathFactory) -> tuple[Path, Answer]:
    """Return a folder in which the paper's sweep was run, once for all tests, and what it said."""
    if not _paper:
        folder = factory.mktemp("paper")
        _paper.append((folder, for_real(folder, *THE_SWEEP.split())))
    return _paper[0]


def copy_paper_database(factory: pytest.TempPathFactory, folder: Path) -> Path:
    """Copy the database of the paper's sweep into a folder, as ``runs.db``."""
    return Path(shutil.copy(paper_folder(factory)[0] / "runs.db", folder / "runs.db"))


def processes_of_session(leader: int) -> list[int]:
    """Return the living processes of a session; zombies are dead already."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, _, session = stat.read_text().rpartition(")")[2].split()[:4]
            if int(session) == leader and state != "Z":
                found.append(int(stat.parent.name))
    return found
