"""Upgrades of released databases: backed up before, whole or not at all, and nobody's own lost."""

import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from cdbench.errors import CdbenchError
from cdbench.store import database
from cdbench.store.database import open_for_writing
from cdbench.store.migrate import revisions
from tests.chaos import Command, wait_until
from tests.cli_tools import SMALL, Here, plain_environment
from tests.test_migrations import ASSETS, rows, schema
from tests.upgrade_victims import count_moments

OLD = [revisions()[place] for place in (0, 6, -2)]
"""The oldest meets every migration, the youngest the last alone; test_migrations has them all."""
EVERY = ("table", "index", "view", "trigger")

THE_USERS_OWN = r"""
    CREATE TABLE notes (run_id INTEGER REFERENCES run, note TEXT);
    INSERT INTO notes VALUES (1, '100% sure; --'), (2, NULL);
    CREATE TABLE seen (what TEXT);
    CREATE INDEX "my 100% ""index"" 1" ON condition_number (kappa);
    CREATE INDEX errors ON run (error);
    CREATE VIEW mine AS SELECT model, status, test_accuracy FROM runs;
    CREATE VIEW "my ""100%s"" %(view)s" AS SELECT model || ' 50%s ''%%''' AS "%d" FROM mine;
    CREATE TRIGGER "see ""%s"" 1" AFTER UPDATE ON run BEGIN INSERT INTO seen VALUES ('100%'); END;
    CREATE TRIGGER refuse BEFORE UPDATE ON run WHEN new.seed IS NOT 77
        BEGIN SELECT RAISE(ABORT, 'not mine to change'); END;
    CREATE TRIGGER measured AFTER INSERT ON condition_number
        BEGIN INSERT INTO seen SELECT count(*) FROM mine; END;
    CREATE TRIGGER through INSTEAD OF DELETE ON mine BEGIN INSERT INTO seen VALUES ('mine'); END;
"""


def old_database(folder: Path, revision: str) -> Path:
    """Return a released database, into which a user has put things."""
    folder.mkdir(exist_ok=True)
    path = Path(shutil.copy(ASSETS / f"{revision}.db", folder / "runs.db"))
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(THE_USERS_OWN)
    return path


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that gives the undisturbed upgrade of a revision; it is only to be read."""
    known: dict[str, Path] = {}

    def give(revision: str) -> Path:
        if revision not in known:
            path = old_database(tmp_path_factory.mktemp(revision), revision)
            open_for_writing(str(path))
            known[revision] = path
        return known[revision]

    return give


def assert_sound(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def assert_upgraded(path: Path, revision: str, wanted: Path) -> None:
    """Compare with an undisturbed upgrade; there is one backup, and it is what was there before."""
    assert rows(path) == rows(wanted)
    assert schema(path, EVERY) == schema(wanted, EVERY)
    assert_sound(path)
    backup = path.with_name(f"runs.schema-{revision}.db")
    assert {file.name for file in path.parent.iterdir() if file.is_file()} == {
        "runs.db",
        backup.name,
    }
    assert not any(file.name.startswith(".") for file in path.parent.iterdir())  # no left-overs
    old = old_database(path.parent / "before", revision)
    assert rows(backup) == rows(old)
    assert schema(backup, EVERY) == schema(old, EVERY)
    assert_sound(backup)


@pytest.mark.parametrize("revision", OLD)
def test_upgrade_keeps_what_is_the_users_own(revision: str, upgraded: Any, tmp_path: Path) -> None:
    path, old = upgraded(revision), old_database(tmp_path / "old", revision)
    fresh = Path(open_for_writing(str(tmp_path / "fresh.db")).name)
    own = schema(old, EVERY).keys() - schema(ASSETS / f"{revision}.db", EVERY).keys()
    assert len(own) == 10
    now, before = schema(path, EVERY), schema(old, EVERY)
    assert {name: now[name] for name in own} == {name: before[name] for name in own}
    assert {name: now[name] for name in now.keys() - own} == schema(fresh, EVERY)
    found = rows(path)
    assert found["notes"] == rows(old)["notes"]
    assert found["seen"] == []  # a migration's changes are none that a trigger should see
    changed = Path(shutil.copy(path, tmp_path / "changed.db"))
    with closing(sqlite3.connect(changed)) as connection:
        connection.execute("UPDATE run SET seed = 77 WHERE run_id = 1")
        connection.execute("DELETE FROM mine")
        found_there = connection.execute("SELECT DISTINCT what FROM seen").fetchall()
        assert found_there == [("100%",), ("mine",)]
        assert connection.execute('SELECT * FROM "my ""100%s"" %(view)s"').fetchall()


@pytest.mark.parametrize("revision", revisions())
def test_command_line_backs_up_before_it_upgrades(
    revision: str, upgraded: Any, tmp_path: Path, here: Here
) -> None:
    words = {"0001": "db vacuum", "0002": "db upgrade", "0003": "db vacuum"}
    path = old_database(tmp_path, revision)
    answer = here(*words.get(revision, "db upgrade").split(), "--db", str(path))
    assert answer.code == 0
    if revision == revisions()[-1]:
        assert "as it was" not in answer.err
        assert [file.name for file in tmp_path.iterdir()] == ["runs.db"]
        return
    backup = tmp_path / f"runs.schema-{revision}.db"
    said = f"schema {revision} → {revisions()[-1]}; as it was: {backup}"
    assert said in answer.err.replace("\n", "")
    assert_upgraded(path, revision, upgraded(revision))


def test_upgrade_by_training_adds_a_run_and_no_more(
    upgraded: Any, tmp_path: Path, here: Here
) -> None:
    path = old_database(tmp_path, "0001")
    assert here("train", *SMALL, "--db", str(path)).code == 0
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("DELETE FROM run WHERE run_id = (SELECT max(run_id) FROM run)")
    found, wanted = rows(path), rows(upgraded("0001"))
    assert found.pop("seen")  # the trigger of the user's own saw it
    assert len(found.pop("environment")) <= len(wanted["environment"]) + 1
    for shared in ("configuration", "diagnostics"):  # until vacuumed
        assert len(found.pop(shared)) == len(wanted[shared]) + 1
    assert found == {name: wanted[name] for name in found}


def test_backup_that_differs_is_never_overwritten(tmp_path: Path, upgraded: Any) -> None:
    path = old_database(tmp_path, "0002")
    other = Path(shutil.copy(ASSETS / "0002.db", tmp_path / "runs.schema-0002.db"))
    (tmp_path / "runs.schema-0002-2.db").symlink_to(path)  # no copy, though it has the same rows
    (tmp_path / "runs.schema-0002-3.db").mkdir()
    (tmp_path / "runs.schema-0002-4.db").write_text("not a database")
    (tmp_path / "runs.schema-0002-5.db").symlink_to("nowhere")
    open_for_writing(str(path))
    assert rows(path) == rows(upgraded("0002"))
    assert other.read_bytes() == (ASSETS / "0002.db").read_bytes()
    assert (tmp_path / "runs.schema-0002-4.db").read_text() == "not a database"
    before = rows(old_database(tmp_path / "before", "0002"))
    assert rows(tmp_path / "runs.schema-0002-6.db") == before


def test_upgrade_that_another_did_first_is_not_done_again(
    upgraded: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real = old_database(tmp_path, "0001"), database._upgrade

    def late(one: database.Database) -> None:
        real(one)  # another process, between this one's look at the schema and its lock
        real(one)

    monkeypatch.setattr(database, "_upgrade", late)
    open_for_writing(str(path))
    assert_upgraded(path, "0001", upgraded("0001"))


class Stopped(Exception):  # noqa: N818
    """A failure in the middle of an upgrade."""


def upgrade_until(path: Path, statement: int, error: BaseException | None) -> int:
    """Upgrade a database through SQLAlchemy; raise ahead of a statement; return how many ran."""
    n = 0

    def count(*_: Any) -> None:
        nonlocal n
        n += 1
        if n == statement and error is not None:
            raise error

    event.listen(Engine, "before_cursor_execute", count)
    try:
        open_for_writing(str(path))
    finally:
        event.remove(Engine, "before_cursor_execute", count)
    return n


@pytest.mark.chaos
@pytest.mark.parametrize("revision", OLD)
def test_upgrade_that_fails_at_any_statement_leaves_the_bytes(
    revision: str, upgraded: Any, tmp_path: Path, here: Here
) -> None:
    n = upgrade_until(old_database(tmp_path / "whole", revision), 0, None)
    path = old_database(tmp_path / "victim", revision)
    before = path.read_bytes()
    # One transaction: a failure at one statement is like one at the next. The oldest schema meets
    # statements of every migration.
    for statement in range(1, n + 1, 7 if revision == OLD[0] else 41):
        error = [Stopped(), KeyboardInterrupt(), sqlite3.OperationalError("x")][statement % 3]
        with pytest.raises((Stopped, KeyboardInterrupt, CdbenchError)):
            upgrade_until(path, statement, error)
        assert path.read_bytes() == before
    assert here("db", "upgrade", "--db", str(path)).code == 0
    assert_upgraded(path, revision, upgraded(revision))


@pytest.fixture(scope="module")
def kill() -> Iterator[Callable[[Path, int, int], None]]:
    """Return a function that upgrades a database in a process that is killed at a moment of it."""
    forker = subprocess.Popen(
        [sys.executable, "-m", "tests.upgrade_victims"],
        cwd=Path(__file__).parent.parent,
        env=plain_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    )
    assert forker.stdin is not None
    assert forker.stdout is not None

    def do(path: Path, moment: int, cache_pages: int) -> None:
        forker.stdin.write(f"{path} {moment} {cache_pages}\n")  # type: ignore[union-attr]
        forker.stdin.flush()  # type: ignore[union-attr]
        assert forker.stdout.readline() == f"{-signal.SIGKILL}\n"  # type: ignore[union-attr]

    yield do
    forker.communicate(timeout=60)


@pytest.mark.chaos
def test_upgrade_that_was_killed_is_done_by_the_next_command(
    upgraded: Any, tmp_path: Path, here: Here, kill: Any, record_property: Callable[..., None]
) -> None:
    n_kills = n_journals = n_torn = n_rows = 0
    for place, revision in enumerate(OLD):
        n = count_moments(old_database(tmp_path / revision, revision))
        # The oldest schema meets every migration; of the others each is killed at another part.
        parts: dict[int, tuple[float, ...]] = {1: (place / len(OLD),)}
        if revision == OLD[0]:
            parts = {1: (0, 0.2, 0.4, 0.6, 0.8, 1), 2000: (0.5, 1)}
        for cache_pages, shares in parts.items():
            for moment in [1 + round(share * (n - 1)) for share in shares]:
                folder = tmp_path / f"{revision}-{cache_pages}-{moment}"
                path = old_database(folder, revision)
                before = path.read_bytes()
                kill(path, moment, cache_pages)
                journal = folder / "runs.db-journal"
                n_kills += 1
                if journal.exists() and journal.read_bytes()[:1] > b"\0":
                    n_journals += 1
                    n_torn += path.read_bytes() != before
                answer = here("db", "upgrade", "--db", str(path))
                assert answer.code == 0, answer.err
                assert_upgraded(path, revision, upgraded(revision))
                n_rows += sum(map(len, rows(path).values()))
    counts = {"kills": n_kills, "hot journals": n_journals, "torn files": n_torn, "rows": n_rows}
    for name, value in counts.items():
        record_property(name, value)
    print(counts)  # noqa: T201
    assert n_torn >= 6


INTERRUPTED = """
import os, signal, sys
from sqlalchemy import Engine, event
from cdbench.cli import run
left = iter(range(int(sys.argv[2]) - 1, -1, -1))
@event.listens_for(Engine, "before_cursor_execute")
def count(*_):
    if next(left, None) == 0:
        os.kill(os.getpid(), signal.SIGINT)
sys.exit(run(["db", "upgrade", "--db", sys.argv[1]]))
"""


@pytest.mark.chaos
def test_ctrl_c_in_an_upgrade_undoes_it(upgraded: Any, tmp_path: Path, here: Here) -> None:
    path = old_database(tmp_path / "victim", "0001")
    before = path.read_bytes()
    for statement in (15, 60):
        done = subprocess.run(
            [sys.executable, "-c", INTERRUPTED, path, str(statement)],
            env=plain_environment(),
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert (done.returncode, "Traceback" in done.stderr) == (130, False), done.stderr
        assert path.read_bytes() == before
    assert here("db", "upgrade", "--db", str(path)).code == 0
    assert_upgraded(path, "0001", upgraded("0001"))


@pytest.mark.chaos
def test_eight_processes_upgrade_once(upgraded: Any, tmp_path: Path) -> None:
    path = old_database(tmp_path, "0001")
    with ExitStack() as stack:
        with closing(sqlite3.connect(path)) as holder:
            holder.execute("BEGIN IMMEDIATE")  # until all of them wait at the door
            words = ("db", "upgrade", "--db", "runs.db")
            commands = [stack.enter_context(Command(tmp_path, *words)) for _ in range(8)]
            for command in commands:
                wait_until(partial(command.said, "waiting"), "its waiting for the lock")
        assert [command.wait() for command in commands] == [0] * 8
        said = sum(command.said("as it was: runs.schema-0001.db") for command in commands)
    assert said == 1
    assert_upgraded(path, "0001", upgraded("0001"))
