"""Waiting for SQLite's locks, by a clock made for it, and what is said about who holds them."""

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from cdbench.errors import StoreError
from cdbench.store import locks
from cdbench.store.locks import patiently, uri
from tests.stopped_clock import Clock, stopped

PATH = Path("/there/runs.db")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return stopped(locks, monkeypatch)


class Locked:
    """A connection whose first statements are refused with an error code."""

    def __init__(self, times: float, code: int = sqlite3.SQLITE_BUSY) -> None:
        self.left, self.code, self.asked = times, code, list[str]()

    def execute(self, statement: str) -> None:
        self.asked.append(statement)
        self.left -= 1
        if self.left >= 0:
            error = sqlite3.OperationalError("refused")
            error.sqlite_errorcode = self.code
            raise error


def wait_for(connection: Any) -> None:
    patiently(connection, "COMMIT", PATH)


def test_what_is_free_is_taken_without_a_pause(clock: Clock) -> None:
    wait_for(connection := Locked(0))
    assert connection.asked == ["COMMIT"]
    assert clock.pauses == []


@pytest.mark.parametrize(
    "code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_SNAPSHOT, sqlite3.SQLITE_BUSY_RECOVERY]
)
def test_a_lock_is_waited_for_in_pauses_that_grow_to_a_twentieth_of_a_second(
    clock: Clock, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    wait_for(connection := Locked(30, code))
    assert connection.asked == ["COMMIT"] * 31
    assert clock.pauses == sorted(clock.pauses)
    assert clock.pauses[0] == 0.001
    for number, pause in enumerate(clock.pauses):
        assert pause == pytest.approx(min(0.001 + sum(clock.pauses[:number]) / 4, 0.05))
    assert clock.pauses[-1] == 0.05
    assert not caplog.records  # it took less than three seconds


def test_who_holds_the_lock_is_told_once_after_three_seconds(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    wait_for(Locked(70))
    assert 2 < sum(clock.pauses) < 3
    assert not caplog.records
    wait_for(Locked(400))
    assert [record.getMessage() for record in caplog.records] == [
        f"{PATH} is locked by another process; waiting"
    ]


def test_a_lock_that_stays_is_given_up_after_ten_minutes(clock: Clock) -> None:
    with pytest.raises(StoreError) as caught:
        wait_for(Locked(float("inf")))
    assert str(caught.value) == (
        f"{PATH}: locked for 10 minutes by another process; end that, and try again"
    )
    assert 600 < sum(clock.pauses) < 600.2


@pytest.mark.parametrize("code", [sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL])
def test_an_error_that_is_no_lock_is_not_waited_for(clock: Clock, code: int) -> None:
    with pytest.raises(sqlite3.OperationalError, match="refused"):
        wait_for(Locked(1, code))
    assert clock.pauses == []


def test_what_a_killed_process_left_is_undone_and_the_statement_tried_again(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    undone = list[Path]()
    monkeypatch.setattr(locks, "_roll_back_what_was_left", undone.append)
    wait_for(connection := Locked(1, sqlite3.SQLITE_READONLY_ROLLBACK))
    assert undone == [PATH]
    assert connection.asked == ["COMMIT"] * 2


@pytest.mark.parametrize(
    ("code", "is_told"), [(sqlite3.SQLITE_BUSY_RECOVERY, False), (sqlite3.SQLITE_READONLY, True)]
)
def test_undoing_needs_leave_to_write_unless_another_process_does_it(
    code: int, is_told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[tuple[Any, ...]]()

    class Connection(Locked):
        def close(self) -> None:
            asked.append(("closed",))

    def connect(name: str, **options: Any) -> Connection:
        asked.append((name, options))
        return Connection(1, code)

    monkeypatch.setattr(sqlite3, "connect", connect)
    if is_told:
        with pytest.raises(StoreError, match=r"permission to write .* \(refused\); make them"):
            locks._roll_back_what_was_left(PATH)
    else:
        locks._roll_back_what_was_left(PATH)
    assert asked == [(uri(PATH, "rw"), {"uri": True}), ("closed",)]


def test_the_path_in_a_uri_has_no_character_with_a_meaning() -> None:
    assert uri(Path("/a b/c?d#e%.db"), "ro") == "file:/a%20b/c%3Fd%23e%25.db?mode=ro"


# Who holds a lock


def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, **commands: bytes) -> str:
    """What is said about a file's locks, of a table of locks and the processes' command lines."""
    path = tmp_path / "runs.db"
    path.touch()
    place = f"00:2a:{path.stat().st_ino}"
    text = table.replace("HERE", place).replace("MINE", str(os.getpid()))

    def read_bytes(asked: Path) -> bytes:
        if asked.parent.name not in commands:
            raise FileNotFoundError
        return commands[asked.parent.name]

    monkeypatch.setattr(Path, "read_text", lambda _: text)
    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    return locks._holders(path)


def test_all_processes_with_a_lock_on_the_file_are_named_but_not_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = """\
1: POSIX  ADVISORY  WRITE 71 HERE 0 EOF
2: POSIX  ADVISORY  READ 8 HERE 0 EOF
3: POSIX  ADVISORY  READ 71 HERE 9 10
4: POSIX  ADVISORY  WRITE 9 00:2a:5 0 EOF
5: FLOCK  ADVISORY  WRITE MINE HERE 0 EOF
6: FLOCK  ADVISORY  WRITE 1
"""
    assert told(tmp_path, monkeypatch, table) == "process 71 and process 8"
    commands = {"71": b"cdbench\0sweep\0", "8": b"a\nb"}
    named = told(tmp_path, monkeypatch, table, **commands)
    assert named == "process 71 (cdbench sweep) and process 8 (a�b)"


def test_a_process_that_cannot_be_told_is_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert locks._holders(tmp_path / "missing.db") == "another process"
    for table in ("", "1: FLOCK  ADVISORY  WRITE MINE HERE 0 EOF"):
        assert told(tmp_path, monkeypatch, table) == "another process"


def test_a_long_command_is_cut_and_shows_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = "1: POSIX  ADVISORY  WRITE 7 HERE 0 EOF"
    for length, shown in ((60, "x" * 60), (61, "x" * 60 + "…")):
        named = told(tmp_path, monkeypatch, line, **{"7": b"x" * length})
        assert named == f"process 7 ({shown})"
    words = b"cdbench\0--db=postgresql://me:secret@host/runs\0"
    named = told(tmp_path, monkeypatch, line, **{"7": words})
    assert named == "process 7 (cdbench --db=postgresql://me:***@host/runs)"
