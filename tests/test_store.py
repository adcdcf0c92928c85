"""The database: what is written comes back, bad runs leave nothing, others' files stay."""

import math
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cdbench.config import RunConfig
from cdbench.errors import MissingResultsError, StoreError
from cdbench.execution import execute
from cdbench.run import Run
from cdbench.store.database import Database, database_path, open_for_reading, open_for_writing
from cdbench.store.queries import epochs_of, newest_runs, spectra_of
from cdbench.store.record import end_sweep, record_run, start_sweep

TABLES = (
    "environment",
    "sweep",
    "run",
    "epoch",
    "condition_number",
    "spectrum",
    "spectrum_value",
)

INSERT_SWEEP = "INSERT INTO sweep (command_line, started_at) VALUES ('', '')"

TinyRun = Callable[..., Run]


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return open_for_writing(str(tmp_path / "runs.db"))


def select(database: Database, statement: str) -> list[Any]:
    with closing(sqlite3.connect(database.path)) as connection:
        return connection.execute(statement).fetchall()


def counts(database: Database) -> dict[str, int]:
    return {table: select(database, f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}


def in_order(run: Run) -> list[Any]:
    return sorted(run.spectra, key=lambda spectrum: (spectrum.layer, spectrum.kind, spectrum.epoch))


@pytest.mark.parametrize(
    "knobs",
    [
        {},
        {"layer": "dense", "seed": 2**32 - 1},
        {"dtype": "float32", "dropout": "alpha-cd", "hidden": (5, 3)},
        {"optimizer": "adam", "fisher_weight": 0.1, "fisher_form": "log-variance"},
    ],
)
def test_completed_run_comes_back_exactly(
    database: Database, tiny_run: TinyRun, knobs: dict[str, Any]
) -> None:
    run = tiny_run(**knobs)
    run_id = record_run(database, run)
    stored = newest_runs(database, [run.config])[run.config]
    assert (stored.run_id, stored.config) == (run_id, run.config)
    assert stored.widths == "→".join(map(str, run.widths))
    assert stored.n_parameters == run.n_parameters
    assert stored.training_loss == run.epochs[-1].training_loss
    assert stored.test_accuracy == run.epochs[-1].test_accuracy
    assert epochs_of(database, run_id) == run.epochs
    assert list(spectra_of(database, run_id)) == in_order(run)


def test_row_of_a_run_holds_its_plain_fields(database: Database, tiny_run: TinyRun) -> None:
    run = tiny_run()
    record_run(database, run)
    columns = "uuid, status, config_json, config_digest, group_digest, dataset_fingerprint"
    assert select(database, f"SELECT {columns} FROM run") == [
        (
            run.uuid,
            "completed",
            run.config.canonical_json(),
            run.config.digest(),
            run.config.group_digest(),
            run.dataset_fingerprint,
        )
    ]
    started = run.started_at.replace(tzinfo=None).isoformat(sep=" ")
    assert select(database, "SELECT started_at, duration_s, cpu_s FROM run") == [
        (started, run.duration_s, run.cpu_s)
    ]


def test_floats_come_back_bit_for_bit(database: Database, tiny_run: TinyRun) -> None:
    values = (math.inf, 1.7976931348623157e308, 0.1 + 0.2, 5e-324, 0.0)
    run = tiny_run()
    first = run.spectra[0]
    condition = replace(first.condition, kappa=math.inf, largest=math.inf, smallest=5e-324)
    run = replace(run, spectra=(replace(first, values=values, condition=condition),))
    run_id = record_run(database, run)
    (found,) = spectra_of(database, run_id)
    assert [value.hex() for value in found.values] == [value.hex() for value in values]
    assert found.condition == condition


def test_diverged_run_is_stored_with_the_epochs_before(
    database: Database, tiny_run: TinyRun
) -> None:
    epochs = tiny_run().epochs[:1]
    run = execute(RunConfig(dataset="iris", hidden=(3,), B=2, learning_rate=1e200))
    assert run.status == "diverged"
    run_id = record_run(database, replace(run, epochs=epochs))
    assert epochs_of(database, run_id) == epochs
    assert select(database, "SELECT status, error, diverged_epoch, diverged_step FROM run") == [
        ("diverged", run.error, run.diverged_epoch, run.diverged_step)
    ]


def test_interrupted_run_is_stored_with_its_epochs(database: Database) -> None:
    def interrupt(_metrics: object) -> None:
        raise KeyboardInterrupt

    run = execute(RunConfig(dataset="iris", hidden=(3,), B=2), interrupt)
    run_id = record_run(database, run)
    assert epochs_of(database, run_id) == run.epochs != ()
    assert select(database, "SELECT status, error, diverged_epoch FROM run") == [
        ("interrupted", run.error, None)
    ]
    assert newest_runs(database, [run.config]) == {}


def test_failed_run_is_stored_with_its_error(database: Database) -> None:
    run = execute(RunConfig(dataset="no such file.csv"))
    record_run(database, run)
    assert select(database, "SELECT status, error, widths, n_parameters FROM run") == [
        ("failed", run.error, None, None)
    ]
    assert "no such file.csv" in (run.error or "")


def spoilt(run: Run, how: str) -> Run:
    """Return a run that the schema must refuse, each in another table."""
    epoch, spectrum = run.epochs[-1], run.spectra[-1]
    match how:
        case "accuracy of 2":
            return replace(run, epochs=(*run.epochs[:-1], replace(epoch, test_accuracy=2.0)))
        case "NaN loss":
            return replace(run, epochs=(*run.epochs[:-1], replace(epoch, training_loss=math.nan)))
        case "NaN test loss":
            return replace(run, epochs=(*run.epochs[:-1], replace(epoch, test_loss=math.nan)))
        case "epoch twice":
            return replace(run, epochs=(*run.epochs, epoch))
        case "unknown status":
            return replace(run, status="running")
        case "diverged without its epoch":
            return replace(run, status="diverged")
        case "completed with a diverged epoch":
            return replace(run, diverged_epoch=1)
        case "NaN in a spectrum":
            values = (*spectrum.values[:-1], math.nan)
            return replace(run, spectra=(*run.spectra[:-1], replace(spectrum, values=values)))
        case "NaN condition number":
            condition = replace(spectrum.condition, kappa=math.nan)
            return replace(run, spectra=(*run.spectra[:-1], replace(spectrum, condition=condition)))
        case "spectrum twice":
            return replace(run, spectra=(*run.spectra, spectrum))
    raise AssertionError(how)


@pytest.mark.parametrize(
    "how",
    [
        "accuracy of 2",
        "NaN loss",
        "NaN test loss",
        "epoch twice",
        "unknown status",
        "diverged without its epoch",
        "completed with a diverged epoch",
        "NaN in a spectrum",
        "NaN condition number",
        "spectrum twice",
    ],
)
def test_run_that_violates_the_schema_leaves_nothing(
    database: Database, tiny_run: TinyRun, how: str
) -> None:
    with pytest.raises(StoreError, match="constraint failed") as caught:
        record_run(database, spoilt(tiny_run(), how))
    assert "\n" not in str(caught.value)
    assert str(database.path) in str(caught.value)
    assert counts(database) == dict.fromkeys(TABLES, 0)


def test_same_run_cannot_be_stored_twice(database: Database, tiny_run: TinyRun) -> None:
    run = tiny_run()
    record_run(database, run)
    before = counts(database)
    with pytest.raises(StoreError, match=r"UNIQUE constraint failed: run\.uuid"):
        record_run(database, run)
    assert counts(database) == before


def test_run_of_a_sweep_that_is_not_there_is_refused(database: Database, tiny_run: TinyRun) -> None:
    with pytest.raises(StoreError, match="FOREIGN KEY"):
        record_run(database, tiny_run(), sweep_id=7)
    assert counts(database) == dict.fromkeys(TABLES, 0)


def test_equal_environments_share_one_row(database: Database, tiny_run: TinyRun) -> None:
    run = tiny_run()
    record_run(database, run)
    record_run(database, tiny_run(seed=1))
    assert counts(database)["environment"] == 1
    other = replace(run.environment, git_commit=None, git_dirty=None)
    if other == run.environment:
        other = replace(run.environment, git_commit="0" * 40, git_dirty=True)
    record_run(database, replace(tiny_run(), environment=other))
    assert counts(database)["environment"] == 2
    assert select(database, "SELECT environment_id FROM run ORDER BY run_id") == [(1,), (1,), (2,)]


def test_deleting_a_run_deletes_all_of_it_and_nothing_else(
    database: Database, tiny_run: TinyRun
) -> None:
    kept = tiny_run()
    kept_id = record_run(database, kept)
    before = counts(database)
    run_id = record_run(database, tiny_run(seed=1))
    assert counts(database)["spectrum_value"] > before["spectrum_value"]
    with database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM run WHERE run_id = ?", (run_id,))
    assert counts(database) == before
    assert list(spectra_of(database, kept_id)) == in_order(kept)


def test_environment_in_use_cannot_be_deleted(database: Database, tiny_run: TinyRun) -> None:
    record_run(database, tiny_run())
    with pytest.raises(StoreError, match="FOREIGN KEY"), database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM environment")
    assert counts(database)["environment"] == 1


def test_sweep_has_its_command_and_its_times(database: Database, tiny_run: TinyRun) -> None:
    sweep_id = start_sweep(database, "cdbench sweep --B 1 3")
    assert select(database, "SELECT command_line, ended_at FROM sweep") == [
        ("cdbench sweep --B 1 3", None)
    ]
    record_run(database, tiny_run(), sweep_id)
    end_sweep(database, sweep_id)
    assert select(
        database,
        "SELECT run.sweep_id, ended_at >= sweep.started_at FROM run JOIN sweep USING (sweep_id)",
    ) == [(sweep_id, 1)]


def test_failing_transaction_is_rolled_back(database: Database) -> None:
    class Stop(Exception): ...  # noqa: N818

    def fail_half_way() -> None:
        with database.transaction() as connection:
            connection.exec_driver_sql(INSERT_SWEEP)
            raise Stop

    with pytest.raises(Stop):
        fail_half_way()
    assert counts(database)["sweep"] == 0


def test_database_opened_for_reading_cannot_be_written(
    database: Database, tiny_run: TinyRun
) -> None:
    before = database.path.read_bytes()
    reader = open_for_reading(str(database.path))
    with pytest.raises(StoreError, match="readonly"):
        record_run(reader, tiny_run())
    assert database.path.read_bytes() == before


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
        ("sqlite+pysqlite:///runs.db?timeout=5", "runs.db"),
    ],
)
def test_location_is_a_path_or_a_url_of_sqlite(location: str, path: str) -> None:
    assert database_path(location) == Path(path)


def test_home_folder_is_understood() -> None:
    assert database_path("~/runs.db") == Path.home() / "runs.db"


@pytest.mark.parametrize(
    "location",
    ["postgresql://me@host/runs", "mysql+pymysql://h/x", "sqlite://", "sqlite:///", "http://x/y"],
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


def test_opening_again_changes_nothing(database: Database, tiny_run: TinyRun) -> None:
    record_run(database, tiny_run())
    before = database.path.read_bytes()
    open_for_writing(str(database.path))
    open_for_reading(str(database.path))
    assert database.path.read_bytes() == before


def schema(path: Path) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        version = connection.execute("SELECT version_num FROM cdbench_version").fetchall()
        return version + connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()


def test_eight_threads_open_a_new_database_at_once(
    database: Database, tiny_run: TinyRun, tmp_path: Path
) -> None:
    path = tmp_path / "new.db"
    runs = [tiny_run(seed=0) for _ in range(8)]

    def record(run: Run) -> int:
        return record_run(open_for_writing(str(path)), run)

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(record, runs)) == list(range(1, 9))
    assert schema(path) == schema(database.path)


def test_four_processes_open_a_new_database_at_once(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    code = (
        "import sys, alembic.command, cdbench.store.models\n"
        "from cdbench.store.database import open_for_writing\n"
        "from cdbench.store.record import start_sweep\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "start_sweep(open_for_writing(sys.argv[1]), 'x')"
    )
    command = [sys.executable, "-c", code, str(path)]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
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
    assert [process.returncode for process in processes] == [0] * 4
    assert schema(path) == schema(database.path)
    assert counts(Database(path, read_only=True))["sweep"] == 4
