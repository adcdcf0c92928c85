"""Backups to one name at once, stopped, killed and interrupted: one has the name, and is whole."""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from cdbench.store import sqlite_files
from cdbench.store.migrate import revisions
from cdbench.store.sqlite_files import copy_file
from tests.cli_tools import CDBENCH, for_real, plain_environment

pytestmark = pytest.mark.chaos

ASSETS = Path(__file__).parent / "assets"
N_BYTES = 30_000_000

REFUSED = "cdbench: copy.db already exists; name another file\n"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database that takes a moment to copy, because of a table of the user's own."""
    path = tmp_path_factory.mktemp("large") / "runs.db"
    shutil.copy(ASSETS / f"{revisions()[-1]}.db", path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE notes (number INTEGER PRIMARY KEY, text BLOB)")
        blobs = [(os.urandom(N_BYTES // 60),) for _ in range(60)]
        connection.executemany("INSERT INTO notes (text) VALUES (?)", blobs)
    return path


@pytest.fixture
def folder(large: Path, tmp_path: Path) -> Path:
    shutil.copy(large, tmp_path / "runs.db")
    return tmp_path


@contextmanager
def backup(folder: Path, name: str = "copy.db") -> Iterator["subprocess.Popen[str]"]:
    """Give a backup under way."""
    process = subprocess.Popen(
        [CDBENCH, "db", "backup", name],
        cwd=folder,
        env=plain_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def unfinished(folder: Path) -> list[Path]:
    return list(folder.glob(".cdbench-*.tmp/new"))


def begun(folder: Path) -> bool:
    return any(path.stat().st_size > 0 for path in unfinished(folder))


def copied(folder: Path) -> bool:
    """Return whether all of the bytes are there, which are then checked."""
    whole = (folder / "runs.db").stat().st_size
    return any(path.stat().st_size == whole for path in unfinished(folder))


def send_when(
    process: "subprocess.Popen[str]", number: int, folder: Path, moment: Callable[[Path], bool]
) -> None:
    """Send a signal at a moment of the work."""
    while not moment(folder):
        assert process.poll() is None, "it ended before the moment came"
        time.sleep(0.0005)
    process.send_signal(number)


def assert_one_whole_copy(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {"runs.db", "copy.db"}
    with closing(sqlite3.connect(folder / "copy.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("SELECT sum(length(text)) FROM notes").fetchall() == [(N_BYTES,)]


def test_of_four_backups_to_one_name_exactly_one_has_it(folder: Path) -> None:
    with backup(folder) as a, backup(folder) as b, backup(folder) as c, backup(folder) as d:
        said = [process.communicate(timeout=120) for process in (a, b, c, d)]
        codes = [process.returncode for process in (a, b, c, d)]
    assert sorted(codes) == [0, 3, 3, 3]
    for code, (out, err) in zip(codes, said, strict=True):
        assert err == ("" if code == 0 else REFUSED)
        assert bool(re.fullmatch(r"wrote copy\.db, 3\d\.\d MB\n", out)) == (code == 0)
    assert_one_whole_copy(folder)


@pytest.mark.parametrize("moment", [begun, copied])
def test_a_backup_that_was_stopped_meanwhile_takes_no_name_that_is_taken(
    folder: Path, moment: Callable[[Path], bool]
) -> None:
    with backup(folder) as first:
        send_when(first, signal.SIGSTOP, folder, moment)
        assert for_real(folder, "db", "backup", "copy.db").code == 0
        whole = (folder / "copy.db").read_bytes()
        first.send_signal(signal.SIGCONT)
        assert first.communicate(timeout=120) == ("", REFUSED)
        assert first.returncode == 3
    assert (folder / "copy.db").read_bytes() == whole
    assert_one_whole_copy(folder)


@pytest.mark.parametrize("moment", [begun, copied])
def test_what_a_killed_backup_left_goes_with_the_next(
    folder: Path, moment: Callable[[Path], bool]
) -> None:
    with backup(folder, "other.db") as first:
        send_when(first, signal.SIGKILL, folder, moment)
        first.wait(60)
    assert unfinished(folder)
    assert not (folder / "other.db").exists()
    assert for_real(folder, "db", "backup", "copy.db").code == 0
    assert_one_whole_copy(folder)


def test_a_backup_that_is_interrupted_leaves_nothing(folder: Path) -> None:
    with backup(folder) as process:
        send_when(process, signal.SIGINT, folder, begun)
        assert process.communicate(timeout=60) == ("", "cdbench: interrupted\n")
        assert process.returncode == 130
    assert [path.name for path in folder.iterdir()] == ["runs.db"]


def test_an_interrupt_ends_copying_between_two_steps(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = []

    def interrupt(_status: int, n_left: int, _pages: int) -> None:
        left.append(n_left)
        if len(left) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(sqlite_files, "_pass", interrupt)
    with pytest.raises(KeyboardInterrupt):
        copy_file(folder / "runs.db", folder / "copy.db")
    assert left[0] > left[1] > left[2] > 500
    assert [path.name for path in folder.iterdir()] == ["runs.db"]
