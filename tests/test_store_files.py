"""The database as a file: what is not ours stays as it was, and many may open it at once."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cdbench.errors import MissingResultsError, StoreError
from cdbench.records.run import Run
from cdbench.store.database import Database, open_for_reading, open_for_writing
from cdbench.store.location import find_location
from cdbench.store.migrate import revisions
from cdbench.store.queries import epochs_of
from cdbench.store.record import record_run

TinyRun = Callable[..., Run]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the file of a new database."""
    open_for_writing(str(tmp_path / "runs.db"))
    return tmp_path / "runs.db"


def test_database_opened_for_reading_cannot_be_written(path: Path, tiny_run: TinyRun) -> None:
    before = path.read_bytes()
    reader = open_for_reading(str(path))
    with pytest.raises(StoreError, match="read-only"):
        record_run(reader, tiny_run())
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["with space", "100%", "a?b=c", "a#b", "ünï·κ", "%41", "'quo\"te"])
def test_any_file_name_works(tmp_path: Path, tiny_run: TinyRun, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    location = str(folder / f"{name}.db")
    run_id = record_run(open_for_writing(location), tiny_run())
    assert epochs_of(open_for_reading(location), run_id) == tiny_run().epochs
    assert [path.name for path in folder.iterdir()] == [f"{name}.db"]


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("runs.db", "runs.db"),
        ("a/b%.db", "a/b%.db"),
        ("sqlite:///a/runs.db", "a/runs.db"),
        ("sqlite:////tmp/runs.db", "/tmp/runs.db"),
        ("sqlite+pysqlite:///runs.db", "runs.db"),
        ("SQLite:///runs.db", "runs.db"),
    ],
)
def test_location_is_a_path_or_a_url_of_sqlite(location: str, path: str) -> None:
    assert find_location(location).path == Path(path)


def test_home_folder_is_understood() -> None:
    assert find_location("~/runs.db").path == Path.home() / "runs.db"


@pytest.mark.parametrize(
    "location",
    ["mysql+pymysql://h/x", "sqlite://", "sqlite:///", "http://x/y"],
)
@pytest.mark.parametrize("open_it", [open_for_writing, open_for_reading])
def test_url_of_another_kind_is_refused(
    open_it: Callable[[str], Database],
    location: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match="expected a path"):
        open_it(location)
    assert not list(tmp_path.iterdir())


def foreign_file(path: Path, kind: str) -> None:
    """Write a file that is not ours to touch."""
    match kind:
        case "text":
            path.write_text("label,x\na,1\n")
        case "shorter than a header":
            path.write_bytes(b"SQLite")
        case "header, then rubbish":
            path.write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 40)
        case "another program's":
            with closing(sqlite3.connect(path)) as connection:
                connection.executescript("CREATE TABLE run (x); INSERT INTO run VALUES (1)")
        case "another program's Alembic":
            with closing(sqlite3.connect(path)) as connection:
                connection.executescript(
                    "CREATE TABLE alembic_version (version_num); "
                    "INSERT INTO alembic_version VALUES ('0001')"
                )
        case "the future":
            open_for_writing(str(path))
            with closing(sqlite3.connect(path)) as connection:
                connection.executescript("UPDATE cdbench_version SET version_num = '9999'")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("text", "not a SQLite database"),
        ("shorter than a header", "not a SQLite database"),
        ("header, then rubbish", "database"),
        ("another program's", "another program"),
        ("another program's Alembic", "another program"),
        ("the future", "newer cdbench"),
    ],
)
@pytest.mark.parametrize("open_it", [open_for_writing, open_for_reading])
def test_foreign_file_is_refused_and_left_as_it_was(
    open_it: Callable[[str], Database], kind: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "theirs.db"
    foreign_file(path, kind)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=said) as caught:
        open_it(str(path))
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert not isinstance(caught.value, MissingResultsError)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_database_of_the_future_is_told_the_newest_schema_that_is_known(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    foreign_file(path, "the future")
    with pytest.raises(StoreError) as caught:
        open_for_reading(str(path))
    assert f"(schema 9999, this one knows up to {revisions()[-1]})" in str(caught.value)


@pytest.mark.parametrize("open_it", [open_for_writing, open_for_reading])
def test_folder_is_refused(open_it: Callable[[str], Database], tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is a folder"):
        open_it(str(tmp_path))
    assert not list(tmp_path.iterdir())


def test_missing_folder_is_refused_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no folder"):
        open_for_writing(str(tmp_path / "no" / "runs.db"))
    assert not list(tmp_path.iterdir())


def test_reading_what_is_not_there_creates_nothing(tmp_path: Path) -> None:
    for path in (tmp_path / "runs.db", tmp_path / "no" / "runs.db"):
        with pytest.raises(MissingResultsError, match="cdbench sweep --B 1"):
            open_for_reading(str(path))
    assert not list(tmp_path.iterdir())


def test_reading_an_empty_file_leaves_it_empty(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    path.touch()
    with pytest.raises(MissingResultsError, match="no results yet"):
        open_for_reading(str(path))
    assert path.read_bytes() == b""


def test_opening_again_changes_nothing(path: Path, tiny_run: TinyRun) -> None:
    record_run(open_for_writing(str(path)), tiny_run())
    before = path.read_bytes()
    open_for_writing(str(path))
    open_for_reading(str(path))
    assert path.read_bytes() == before


def schema(path: Path) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        version = connection.execute("SELECT version_num FROM cdbench_version").fetchall()
        return version + connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()


def test_eight_threads_open_a_new_database_at_once(
    path: Path, tiny_run: TinyRun, tmp_path: Path
) -> None:
    new = tmp_path / "new.db"
    runs = [tiny_run(seed=0) for _ in range(8)]

    def record(run: Run) -> int:
        return record_run(open_for_writing(str(new)), run)

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(record, runs)) == list(range(1, 9))
    assert schema(new) == schema(path)


@pytest.mark.long
def test_eight_processes_open_a_new_database_at_once(path: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.db"
    code = (
        "import sys, alembic.command, cdbench.store.models\n"
        "from cdbench.store.database import open_for_writing\n"
        "from cdbench.store.record import start_sweep\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "start_sweep(open_for_writing(sys.argv[1]), 'x')"
    )
    command = [sys.executable, "-c", code, str(new)]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
    assert [process.returncode for process in processes] == [0] * 8
    assert schema(new) == schema(path)
    with closing(sqlite3.connect(new)) as connection:
        assert connection.execute("SELECT count(*) FROM sweep").fetchall() == [(8,)]
