"""Another database put in the place of the one that is written to: noticed, and left as it is."""

import shutil
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from cdbench.errors import DatabaseGoneError
from cdbench.records.run import Run
from cdbench.store.database import open_for_writing
from cdbench.store.record import end_sweep, record_runs, start_sweep, store_runs
from cdbench.store.upkeep.backups import back_up
from tests.chaos import Command, together, wait_until
from tests.cli_tools import for_real, rows

TINY = ("--dataset", "iris", "--hidden", "4", "--B", "2", "--epochs", "3")
SWEEP = ("sweep", *TINY, "--seeds", "0..19")
TRAIN = ("train", *TINY[:-1], "2000")

TinyRun = Callable[..., Run]


def stranger(folder: Path) -> Path:
    """Make a database of ours with an ended sweep under the key that the next one will have."""
    other = folder / "stranger.db"
    answer = for_real(folder, "sweep", *TINY, "--seeds", "7", "--jobs", "1", "--db", other.name)
    assert (answer.code, answer.err) == (0, "")
    return other


def stopped_between_transactions(command: Command, path: Path) -> bool:
    """Stop a command; let it go on where it has a lock of its database."""
    command.process.send_signal(signal.SIGSTOP)
    wait_until(lambda: state_of(command.pid) == "T", "its stop")
    try:
        with closing(sqlite3.connect(path, timeout=0)) as connection:
            connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        command.process.send_signal(signal.SIGCONT)
        return False
    return True


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]


def replace_midway(folder: Path, what: str, *words: str) -> None:
    """Move another database over a command's own in its middle."""
    folder.mkdir()
    path, other = folder / "runs.db", folder / "stranger.db"
    if what == "stranger":
        stranger(folder)
    with Command(folder, *words) as command:
        wait_until(lambda: command.said(": completed") > 3 or command.said("0.0"), "a beginning")
        wait_until(lambda: stopped_between_transactions(command, path), "a pause")
        if what == "backup":
            back_up(str(path), other)
        before = other.read_bytes()
        path.rename(folder / "moved.db")
        other.rename(path)
        command.process.send_signal(signal.SIGCONT)
        assert command.wait() == 3, command.text
        command.assert_nothing_left()
    assert path.read_bytes() == before
    (line,) = command.errors
    assert line.startswith("cdbench: runs.db: another database was put in its place"), line
    assert "earlier results are in the original" in line
    n_stored = command.said(": completed")
    assert rows(folder / "moved.db", "SELECT count(*) FROM run") == [(n_stored,)]
    (folder / "moved.db").rename(path)
    if words[0] == "sweep":
        assert "move it back and continue with --resume" in line
        assert for_real(folder, *words, "--resume").code == 0
        distinct = "SELECT count(*), count(DISTINCT config_digest) FROM run"
        assert rows(path, distinct) == [(40, 40)]


@pytest.mark.chaos
def test_a_database_moved_over_a_commands_own_is_noticed_and_not_written_to(
    tmp_path: Path,
) -> None:
    cases = (
        ("backup", *SWEEP, "--jobs", "2"),
        ("stranger", *SWEEP, "--jobs", "1"),
        ("backup", *TRAIN),
    )
    together(replace_midway, [(tmp_path / f"{n}", *case) for n, case in enumerate(cases)])


def test_a_sweep_writes_to_the_database_that_it_was_begun_in_only(
    location: str, tmp_path: Path, tiny_run: TinyRun
) -> None:
    """Also where no file was moved: its contents were replaced, or a server's were restored."""
    database = open_for_writing(location)
    begun = start_sweep(database, "cdbench sweep")
    record_runs(database, [tiny_run()], begun)
    with database.transaction() as connection:
        connection.exec_driver_sql("UPDATE sweep SET uuid = 'a stranger', ended_at = started_at")
        ended = connection.exec_driver_sql("SELECT ended_at FROM sweep").scalar()
    two = [tiny_run(), tiny_run()]
    for write in (
        lambda: record_runs(database, two, begun),
        lambda: store_runs(database, two, begun),
        lambda: end_sweep(database, begun),
    ):
        with pytest.raises(DatabaseGoneError, match="another database was put in its place") as it:
            write()
        assert "\n" not in str(it.value)
    with database.transaction() as connection:
        found = connection.exec_driver_sql("SELECT count(*), max(ended_at) FROM run, sweep").one()
    assert tuple(found) == (1, ended)


def test_an_open_file_is_written_to_under_its_name_only(tmp_path: Path, tiny_run: TinyRun) -> None:
    path = tmp_path / "runs.db"
    database = open_for_writing(str(path))
    record_runs(database, [tiny_run()])
    copy = Path(shutil.copy(path, tmp_path / "copy.db"))
    before = copy.read_bytes()
    copy.rename(path)
    with pytest.raises(DatabaseGoneError, match="put in its place"):
        record_runs(database, [tiny_run()])
    assert path.read_bytes() == before
    record_runs(open_for_writing(str(path)), [tiny_run()])


def test_vacuuming_and_upgrading_leave_a_file_what_it_was(
    tmp_path: Path, tiny_run: TinyRun
) -> None:
    path = Path(shutil.copy(Path(__file__).parent / "assets" / "0004.db", tmp_path / "runs.db"))
    database = open_for_writing(str(path))
    database.compact()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM")
    assert record_runs(database, [tiny_run()])
