"""Statements that never end, as a hostile database can have them: an interrupt ends them."""

import signal
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from cdbench.store.views import VIEWS
from tests.chaos import Command, ask, cpu_s, wait_until
from tests.cli_tools import SMALL, for_real

if sys.platform == "win32":
    pytest.skip("signals of POSIX", allow_module_level=True)

pytestmark = pytest.mark.chaos

ENDLESS = "WITH RECURSIVE t(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM t) SELECT max(v) FROM t"

QUICKLY_S = 5.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a database with one run."""
    assert for_real(tmp_path, "train", *SMALL, "--B", "2").code == 0
    return tmp_path / "runs.db"


def spoil(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def wait_for_work(command: Command) -> None:
    """Wait until it works at a statement: long past what starting takes."""
    wait_until(lambda: cpu_s([command.pid]) > 2, "the statement")


def test_a_view_without_an_end_is_left_by_an_interrupt(path: Path) -> None:
    select = VIEWS["runs"].select
    spoil(
        path,
        "DROP VIEW runs",
        f"CREATE VIEW runs AS SELECT r.* FROM ({ENDLESS}) AS endless CROSS JOIN ({select}) AS r",
    )
    with Command(path.parent, "report", "--table1") as command:
        wait_for_work(command)
        began = time.monotonic()
        command.process.send_signal(signal.SIGINT)
        assert command.wait() == 130
        assert time.monotonic() - began < QUICKLY_S
        assert command.errors == ["cdbench: interrupted"]


def test_a_trigger_without_an_end_is_left_by_the_second_interrupt(path: Path) -> None:
    """The first says that something which was trained waits to be stored."""
    spoil(
        path,
        "CREATE TABLE mine (v)",
        f"CREATE TRIGGER endless AFTER INSERT ON epoch BEGIN INSERT INTO mine {ENDLESS}; END",
    )
    with Command(path.parent, "train", *SMALL, "--B", "2") as command:
        wait_for_work(command)
        time.sleep(3)
        command.process.send_signal(signal.SIGINT)
        wait_until(lambda: command.said("interrupt again"), "the first answer", 10)
        command.process.send_signal(signal.SIGINT)
        assert command.wait() == 130
        assert command.errors[-1].endswith("what was waiting to be stored was not stored")
    assert ask(path, "SELECT count(*) FROM run") == [(1,)]


@pytest.mark.parametrize("words", [("db", "check"), ("db", "backup", "copy.db"), ("db", "vacuum")])
def test_looking_after_a_large_database_is_left_by_an_interrupt(
    path: Path, words: tuple[str, ...]
) -> None:
    """Large enough that each takes seconds; what was half done is undone."""
    spoil(
        path,
        "CREATE TABLE mine (v)",
        "WITH RECURSIVE t(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM t WHERE v < 1500000) "
        "INSERT INTO mine SELECT hex(v * 7919 % 1000003) || v FROM t",
        "CREATE INDEX of_mine ON mine (v)",
    )
    before = path.read_bytes()
    with Command(path.parent, *words) as command:
        wait_until(lambda: cpu_s([command.pid]) > 1.1, "the work")
        began = time.monotonic()
        command.process.send_signal(signal.SIGINT)
        assert command.wait() == 130
        assert time.monotonic() - began < QUICKLY_S
        assert "Traceback" not in command.text
    assert path.read_bytes() == before
    assert sorted(one.name for one in path.parent.iterdir()) == ["runs.db"]
