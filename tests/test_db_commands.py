"""cdbench db: what its commands print, refuse and leave behind."""

import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from cdbench.records.run import Run
from cdbench.store.database import open_for_reading, open_for_writing
from cdbench.store.migrate import revisions
from cdbench.store.record import record_run
from cdbench.store.upkeep.checks import check_database
from cdbench.store.upkeep.copying import copy_database
from cdbench.store.upkeep.sources import open_as_it_is
from cdbench.store.upkeep.vacuuming import vacuum_database
from tests.cli_tools import Here, change, contents, rows

ASSETS = Path(__file__).parent / "assets"
NEWEST = revisions()[-1]
LONG = "é" * 128
"""One byte too long for a name, though not so many characters."""

TinyRun = Callable[..., Run]


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Here:
    shutil.copy(ASSETS / f"{NEWEST}.db", tmp_path / "runs.db")
    return Here(tmp_path, monkeypatch, capsys)


def test_info_says_what_there_is_and_changes_nothing(here: Here) -> None:
    shutil.copy(ASSETS / "0001.db", here.folder / "old.db")
    before = contents(here.folder)
    answer = here("db", "info")
    assert (answer.code, answer.err) == (0, "")
    assert re.search(
        r"^runs.db · SQLite 3\S+ · \S+ kB · schema 0018, the newest$", answer.out, re.M
    )
    for line in ("runs +all +17", "completed +11", "model +cdlinear B=2 +9", "beside +epochs +26"):
        assert re.search(rf"^ *{line}$", answer.out, re.M), answer.out
    old = here("db", "info", "--db", "old.db")
    assert "schema 0001, not the newest" in old.out
    assert "cdbench db upgrade" in old.out
    assert here("db", "info", "--format", "json").out.startswith("{")
    assert contents(here.folder) == before


def test_check_of_what_is_sound_and_of_what_is_not(here: Here) -> None:
    assert here("db", "check").out == "runs.db is sound: 17 runs\n"
    change(
        here.folder / "runs.db",
        "UPDATE configuration SET group_digest = 'x' WHERE configuration_id = 1",
    )
    answer = here("db", "check")
    assert answer.code == 3
    assert answer.out == (
        "runs.db: 4 runs: group_digest is not that of config_json (run 1); restore a backup, or "
        "delete them and train them again\n"
    )


def test_upgrade_says_from_which_to_which_and_where_the_backup_is(here: Here) -> None:
    assert here("db", "upgrade").out == "runs.db is already of schema 0018\n"
    shutil.copy(ASSETS / "0002.db", here.folder / "old.db")
    answer = here("db", "upgrade", "--db", "old.db")
    assert (answer.code, answer.out) == (0, "old.db: schema 0002 → 0018, every row kept\n")
    assert "as it was: old.schema-0002.db" in answer.err
    kept = here.folder / "old.schema-0002.db"
    question = "SELECT * FROM run JOIN cdbench_version"
    assert rows(kept, question) == rows(ASSETS / "0002.db", question)


def test_upgrade_makes_views_again_that_check_finds_changed(here: Here) -> None:
    change(here.folder / "runs.db", "DROP VIEW claims")
    assert "the view claims is missing" in here("db", "check").out
    assert "made again: claims" in here("db", "upgrade").out
    assert here("db", "check").code == 0


def test_backup_is_whole_and_takes_no_name_that_is_taken(here: Here) -> None:
    answer = here("db", "backup")
    (name,) = re.findall(r"wrote (runs\.\d{4}-\d\d-\d\dT\d{6}\.db), \S+ kB", answer.out)
    assert rows(here.folder / name, "SELECT * FROM run") == rows(
        here.folder / "runs.db", "SELECT * FROM run"
    )
    before = contents(here.folder)
    answer = here("db", "backup", name)
    assert (answer.code, answer.err) == (
        3,
        f"cdbench: {name} already exists; name another file\n",
    )
    assert here("db", "backup", "no/such.db").code == 3
    assert contents(here.folder) == before


def test_backup_of_a_damaged_file_is_not_made(here: Here) -> None:
    whole = (here.folder / "runs.db").read_bytes()
    (here.folder / "runs.db").write_bytes(whole[:20480] + b"\xff" * 4096 + whole[24576:])
    before = contents(here.folder)
    answer = here("db", "backup", "copy.db")
    assert answer.code == 3
    assert "damaged" in answer.err
    assert contents(here.folder) == before


def test_backup_while_others_write_is_whole(here: Here) -> None:
    """The writer's two sweeps always come together; no backup has one without the other."""
    path = here.folder / "runs.db"
    writer = (
        "import sqlite3, sys, time\n"
        "db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    db.execute('BEGIN IMMEDIATE')\n"
        "    for _ in range(2):\n"
        "        db.execute('INSERT INTO sweep (uuid, command_line, started_at) '\n"
        "            'VALUES (hex(randomblob(9)), 1, 2026)')\n"
        "    db.execute('COMMIT')\n"
        "    time.sleep(0.02)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", writer, str(path)], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        for number in range(4):
            assert here("db", "backup", f"{number}.db").code == 0
            ((count,),) = rows(here.folder / f"{number}.db", "SELECT count(*) FROM sweep")
            assert count % 2 == 1
    finally:
        process.kill()
        process.wait(60)
        process.stdout.close()  # type: ignore[union-attr]


@pytest.mark.server
def test_backup_of_a_server_is_a_file(
    here: Here, postgres: object, request: pytest.FixtureRequest
) -> None:
    location = request.getfixturevalue("postgres").new_database()
    copy_database("runs.db", location)
    answer = here("db", "backup", "copy.db", "--db", location)
    assert answer.code == 0
    assert rows(here.folder / "copy.db", "SELECT * FROM run") == rows(
        here.folder / "runs.db", "SELECT * FROM run"
    )
    assert here("db", "info", "--db", location).code == 0
    assert here("db", "check", "--db", location).code == 0
    for command in ("info", "check", "upgrade", "vacuum"):
        answer = here("db", command, "--db", location)
        assert answer.code == 0
        assert "p%25ss" not in answer.out + answer.err


def test_vacuum_removes_exactly_what_belongs_to_nothing(tmp_path: Path, tiny_run: TinyRun) -> None:
    path = tmp_path / "runs.db"
    shutil.copy(ASSETS / f"{NEWEST}.db", path)
    kept = tmp_path / "kept.db"
    shutil.copy(path, kept)
    with closing(sqlite3.connect(kept)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("DELETE FROM run WHERE run_id <= 14")
        connection.execute("DELETE FROM configuration WHERE configuration_id <= 8")
        connection.execute("DELETE FROM diagnostics WHERE diagnostics_id <> 2")
    database = open_for_writing(str(path))
    for one in (path, kept):
        change(one, "INSERT INTO sweep VALUES (7, 'running', '2026-11-24 01:02:03', NULL, 'u')")
    change(path, "DELETE FROM run WHERE run_id <= 14")  # foreign keys are off
    done = vacuum_database(str(path))
    tables = [name for (name,) in rows(path, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        assert rows(path, f"SELECT * FROM {table}") == rows(kept, f"SELECT * FROM {table}")
    assert done.removed["configuration"] == 8
    assert {"epoch", "condition_number", "spectrum", "spectrum_value", "curvature"} < set(
        done.removed
    )
    assert done.n_bytes_after == path.stat().st_size < done.n_bytes_before
    assert vacuum_database(str(path)).removed == {}
    assert record_run(database, tiny_run()) > 0


def test_vacuum_keeps_runs_whose_sweep_is_gone_and_drops_unnamed_environments(here: Here) -> None:
    path = here.folder / "runs.db"
    change(path, "DELETE FROM sweep")
    change(
        path,
        "INSERT INTO environment SELECT 7, 'x', python_version, numpy_version, scipy_version, "
        "scikit_learn_version, cdbench_version, blas, blas_threads, cpu, n_cores, "
        "operating_system, git_commit, git_dirty, simd FROM environment",
    )
    answer = here("db", "vacuum")
    assert re.match(r"environment +1 rows that belonged to nothing\nruns.db: ", answer.out)
    assert rows(path, "SELECT count(*), count(sweep_id) FROM run") == [(19, 0)]
    assert check_database(open_for_reading(str(path))).findings == ()


def test_vacuum_refuses_a_damaged_file(here: Here) -> None:
    whole = (here.folder / "runs.db").read_bytes()
    (here.folder / "runs.db").write_bytes(whole[:20480] + b"\xff" * 4096 + whole[24576:])
    before = contents(here.folder)
    answer = here("db", "vacuum")
    assert answer.code == 3
    assert "is damaged" in answer.err
    assert contents(here.folder) == before


def test_merge_and_copy_say_what_they_did(here: Here) -> None:
    answer = here("db", "copy", "runs.db", "new.db")
    assert answer.code == 0
    assert re.search(r"^run +19 rows  SHA-256 \w{16}…  equal$", answer.out, re.M)
    answer = here("db", "merge", "runs.db", "--db", "new.db")
    assert "runs                     0 came, 19 were there already" in answer.out
    answer = here("db", "merge", "new.db", "--db", "third.db")
    assert "runs                    19 came\n" in answer.out


OWN = (
    "CREATE TABLE notes (x integer)",
    "CREATE VIEW mine AS SELECT run_id FROM run",
    "CREATE INDEX by_dataset ON run (dataset)",
    "CREATE INDEX by_half ON run (seed) WHERE seed > 3",
    "CREATE INDEX of_notes ON notes (x)",
    "ALTER TABLE run ADD COLUMN remark text",
)
NAMED = (
    "not copied, because it is your own: a column run.remark, an index by_dataset, "
    "an index by_half, a table notes, {trigger}a view mine\n"
)


@pytest.mark.long
def test_what_is_the_users_own_is_named_by_a_copy(here: Here) -> None:
    """And the check names the same; of cdbench's own nothing is named."""
    assert here("db", "copy", "runs.db", "plain.db").err == ""
    for statement in OWN:
        change(here.folder / "runs.db", statement)
    change(here.folder / "runs.db", "CREATE TRIGGER t AFTER DELETE ON run BEGIN SELECT 1; END")
    named = NAMED.format(trigger="a trigger t on run, ")
    answer = here("db", "copy", "runs.db", "new.db")
    assert (answer.code, answer.err) == (0, f"cdbench: runs.db: {named}")
    things = named.partition(": ")[2].rstrip("\n").split(", ")
    assert re.findall(r"^note: there is (.+) of your own$", here("db", "check").out, re.M) == things
    assert rows(here.folder / "new.db", "SELECT count(*) FROM run") == [(19,)]
    assert here("db", "backup", "whole.db").err == ""
    assert rows(here.folder / "whole.db", "SELECT count(*) FROM mine") == [(19,)]


@pytest.mark.server
def test_what_is_the_users_own_on_a_server_is_named_by_copies_and_backups(
    here: Here, request: pytest.FixtureRequest
) -> None:
    location = request.getfixturevalue("postgres").new_database()
    assert here("db", "copy", "runs.db", location).err == ""
    with open_for_writing(location).transaction() as connection:
        for statement in OWN:
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql(
            "CREATE TRIGGER t BEFORE UPDATE ON run FOR EACH ROW "
            "EXECUTE FUNCTION suppress_redundant_updates_trigger()"
        )
    named = NAMED.format(trigger="a trigger t on run, ")
    for line in (f"db copy {location} new.db", f"db backup copy.db --db {location}"):
        answer = here(*line.split())
        assert answer.code == 0
        assert answer.err.startswith("cdbench: postgresql://")
        assert answer.err.endswith(f": {named}")
        assert "p%25ss" not in answer.err
    things = named.partition(": ")[2].rstrip("\n").split(", ")
    check = here("db", "check", "--db", location)
    assert re.findall(r"^note: there is (.+) of your own$", check.out, re.M) == things


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("info --db missing.db", 3, "missing.db: there is no such database"),
        ("check --db missing.db", 3, "no such database"),
        ("backup --db missing.db", 3, "no such database"),
        ("upgrade --db missing.db", 3, "no such database"),
        ("vacuum --db missing.db", 3, "no such database"),
        ("info --db .", 3, "is a folder"),
        ("check --db notes.txt", 3, "is not a SQLite database"),
        ("info --db empty.db", 3, "is empty, expected a cdbench database"),
        ("merge missing.db", 3, "missing.db: there is no such database"),
        ("merge runs.db", 3, "cannot be merged with itself"),
        ("merge ./runs.db", 3, "cannot be merged with itself"),
        ("merge .", 3, "is a folder"),
        ("merge mysql://h/x", 3, "expected a path"),
        ("merge", 2, "OTHER"),
        ("copy runs.db", 2, "TARGET"),
        ("copy runs.db runs.db", 3, "cannot be copied to itself"),
        ("copy missing.db new.db", 3, "no such database"),
        ("copy runs.db no/new.db", 3, "there is no folder"),
        ("copy runs.db .", 3, "is a folder"),
        (f"backup {LONG}", 3, "File name too long"),
        (f"backup {LONG}/x", 3, "there is no folder"),
        (f"copy runs.db {LONG}", 3, "File name too long"),
        (f"copy runs.db {LONG}/x", 3, "File name too long"),
        (f"copy {LONG} new.db", 3, "cannot be looked for (File name too long)"),
        ("backup runs.db/x", 3, "there is no folder"),
        ("backup -", 3, "a database cannot be a stream"),
        ("copy runs.db runs.db/x", 3, "there is no folder"),
        ("nosuch", 2, "nosuch"),
    ],
)
def test_bad_input_is_refused_in_one_line(here: Here, line: str, code: int, said: str) -> None:
    (here.folder / "notes.txt").write_text("notes")
    (here.folder / "empty.db").touch()
    before = contents(here.folder)
    answer = here("db", *line.split())
    assert (answer.code, answer.out) == (code, "")
    assert answer.err.startswith("cdbench: ")
    assert len(answer.err.splitlines()) == 1
    assert said in answer.err
    assert contents(here.folder) == before


def test_databases_of_the_file_and_of_the_environment_are_used(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here.folder / "runs.db").rename(here.folder / "mine.db")
    (here.folder / "cdbench.toml").write_text("database = 'mine.db'")
    assert "mine.db is sound" in here("db", "check").out
    (here.folder / "cdbench.toml").unlink()
    monkeypatch.setenv("CDBENCH_DATABASE", "mine.db")
    assert "mine.db is sound" in here("db", "check").out
    assert open_as_it_is("mine.db").label == "mine.db"
