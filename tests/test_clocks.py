"""Clocks that are wrong: what is written last is the newest, whatever they said."""

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from sqlalchemy import MetaData, insert, select

from cdbench.claims import CLAIMS
from cdbench.config.diagnostics import Diagnostics
from cdbench.records.benchmark import Benchmark, Size, Timing
from cdbench.records.run import Run
from cdbench.store.audit_queries import covering_runs
from cdbench.store.benchmark_queries import stored_benchmark
from cdbench.store.database import Database, open_for_reading, open_for_writing
from cdbench.store.figure_queries import runs_with_spectra
from cdbench.store.ledger_queries import stored_claims
from cdbench.store.location import find_location
from cdbench.store.migrate import upgrade
from cdbench.store.queries import newest_runs
from cdbench.store.record import record_benchmark, record_run
from cdbench.store.upkeep.copying import copy_database
from cdbench.store.upkeep.merging import merge_database
from tests.cli_tools import Here, rows
from tests.postgres import PostgresServer
from tests.test_audit import SEEDS, Better

ASSETS = Path(__file__).parent / "assets"
TEN_YEARS = timedelta(days=3653)

TinyRun = Callable[..., Run]


@contextmanager
def clock_ahead(by: timedelta = TEN_YEARS) -> Iterator[None]:
    """Let the clock, as far as rows are numbered and judgements dated by it, be wrong."""
    real_ns = time.time_ns

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) + by

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time_ns", lambda: real_ns() + by // timedelta(microseconds=1) * 1000)
        patch.setattr("cdbench.claims.audit.datetime", Ahead)
        yield


def record_ahead(database: Database, run: Run) -> int:
    """Write a run that began by a clock that is ten years ahead."""
    with clock_ahead():
        return record_run(database, replace(run, started_at=run.started_at + TEN_YEARS))


def newest_by_every_query(database: Database, run: Run) -> set[int]:
    """Return the newest run of a configuration, as every part that wants it finds it."""
    config, needs = run.config, run.diagnostics or Diagnostics()
    with database.transaction() as connection:
        views = connection.exec_driver_sql(
            "SELECT run_id FROM latest_run UNION SELECT run_id FROM runs WHERE is_latest"
        )
        found = set(views.scalars())
    found.add(newest_runs(database, [config])[config].run_id)
    found.add(covering_runs(database, {config: needs})[config][0])
    found.add(runs_with_spectra(database, [config], ["weight"])[config])
    return found


def test_a_run_from_a_clock_that_is_ahead_hides_no_later_one(
    database: Database, tiny_run: TinyRun
) -> None:
    wrong = record_ahead(database, tiny_run())
    assert newest_by_every_query(database, tiny_run()) == {wrong}
    for _ in range(3):
        right = record_run(database, tiny_run())
        assert newest_by_every_query(database, tiny_run()) == {right}


def test_a_runs_number_is_the_time_of_writing_in_microseconds(
    database: Database, tiny_run: TinyRun
) -> None:
    before = datetime.now(UTC) - timedelta(microseconds=1)
    record_run(database, tiny_run())
    with database.transaction() as connection:
        number = connection.exec_driver_sql("SELECT sequence FROM run").scalar_one()
    written = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=number)
    assert before <= written <= datetime.now(UTC)


def test_a_clock_that_goes_back_turns_no_order_around(
    database: Database, tiny_run: TinyRun
) -> None:
    for hours in (0, -1, 5, -48, 2):
        with clock_ahead(timedelta(hours=hours)):
            newest = record_run(database, tiny_run())
        assert newest_by_every_query(database, tiny_run()) == {newest}


def benchmark(name: str, run: Run, began: datetime) -> Benchmark:
    timing = Timing(
        Size("float64", 4, 64, 8), "fft", 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 5, is_planned=True
    )
    return Benchmark(name, run.environment, began, 1.5, (timing,))


def test_a_benchmark_from_a_clock_that_is_ahead_hides_no_later_one(
    database: Database, tiny_run: TinyRun
) -> None:
    now = datetime.now(UTC)
    with clock_ahead():
        record_benchmark(database, benchmark("wrong", tiny_run(), now + TEN_YEARS))
    right = record_benchmark(database, benchmark("right", tiny_run(), now))
    name, _ = stored_benchmark(database)
    assert name.startswith(f"benchmark {right} of ")
    with database.transaction() as connection:
        latest = connection.exec_driver_sql("SELECT benchmark_id FROM benchmarks WHERE is_latest")
        assert latest.scalars().all() == [right]


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Here]:
    with mock.patch.dict(CLAIMS, {"better": Better()}, clear=True):
        yield Here(tmp_path, monkeypatch, capsys)


def test_a_judgement_from_a_clock_that_is_ahead_is_made_again_once_and_hides_nothing(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = here.folder / "runs.db"
    with clock_ahead():
        assert here("audit", *SEEDS).code == 0
    monkeypatch.setattr(Better, "rule", "another rule")
    assert "judging better" in here("audit", *SEEDS).err
    assert stored_claims(open_for_reading(str(path)))["better"].rule == "another rule"
    again = here("audit", *SEEDS)
    assert (again.code, again.err) == (0, "")
    assert rows(path, "SELECT count(*) FROM claim_result") == [(2,)]


@pytest.mark.long
@pytest.mark.parametrize("ahead_comes_first", [True, False])
def test_what_is_written_after_a_merge_is_newest(
    location: str, tmp_path: Path, tiny_run: TinyRun, *, ahead_comes_first: bool
) -> None:
    ahead, right = str(tmp_path / "ahead.db"), str(tmp_path / "right.db")
    record_ahead(open_for_writing(ahead), tiny_run())
    record_run(open_for_writing(right), tiny_run())
    for other in (ahead, right) if ahead_comes_first else (right, ahead):
        merge_database(location, other)
    database = open_for_writing(location)
    newest = record_run(database, tiny_run())
    assert newest_by_every_query(database, tiny_run()) == {newest}


def order_in(location: str) -> list[tuple[Any, ...]]:
    with open_for_reading(location).transaction() as connection:
        found = connection.exec_driver_sql("SELECT uuid, sequence FROM run ORDER BY uuid")
        return [tuple(row) for row in found]


@pytest.mark.long
def test_copies_and_merges_keep_the_order_of_writing(
    location: str, tmp_path: Path, tiny_run: TinyRun
) -> None:
    """Also of a run that was written to both, which stands where it was written first."""
    mine, theirs, other = (str(tmp_path / f"{name}.db") for name in ("mine", "theirs", "other"))
    shared = tiny_run()
    record_run(open_for_writing(mine), shared)
    record_ahead(open_for_writing(mine), tiny_run())
    record_run(open_for_writing(theirs), tiny_run())
    record_run(open_for_writing(theirs), shared)
    for target, parts in ((location, (mine, theirs)), (other, (theirs, mine))):
        for part in parts:
            merge_database(target, part)
    assert order_in(location) == order_in(other)
    first = dict(order_in(mine))
    assert {uuid: number for uuid, number in order_in(location) if uuid in first} == first
    copy = str(tmp_path / "copy.db")
    copy_database(location, copy)
    assert order_in(copy) == order_in(location)


def old_database(path: Path, *statements: str) -> str:
    """Make a database of the schema before, with more in it."""
    shutil.copy(ASSETS / "0004.db", path)
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
    return str(path)


AHEAD = "2126-01-01 00:00:00.000000"


def test_an_upgrade_numbers_rows_by_their_times_but_for_those_of_the_future(
    tmp_path: Path,
) -> None:
    path = tmp_path / "old.db"
    began = {key: f"2026-01-{day:02} 00:00:00.000001" for key, day in ((1, 3), (2, 9), (4, 5))}
    open_for_writing(
        old_database(
            path,
            f"UPDATE run SET started_at = '{AHEAD}'",
            *(
                f"UPDATE run SET started_at = '{t}' WHERE run_id = {key}"
                for key, t in began.items()
            ),
            "UPDATE run SET started_at = 'yesterday' WHERE run_id = 5",
            f"UPDATE claim_result SET measured_at = '{AHEAD}'",
        )
    )
    numbers = dict(rows(path, "SELECT run_id, sequence FROM run"))
    of = {
        key: int(datetime.fromisoformat(f"{t}+00:00").timestamp() * 1e6) for key, t in began.items()
    }
    assert numbers == {key: of[1 if key == 1 else 4 if key == 4 else 2] for key in numbers}
    assert rows(path, "SELECT sequence FROM claim_result") == [(0,), (0,)]
    before = dict(rows(path, "SELECT claim, claim_result_id FROM claims"))
    assert before == {"better": 1, "computed": 2}
    assert rows(path, "SELECT min(sequence) > 1700000000000000 FROM benchmark") == [(1,)]


SWEEP = (
    "INSERT INTO sweep (command_line, started_at) VALUES ('again', '2026-01-02 03:04:05.000006')"
)


def test_copies_that_were_upgraded_apart_still_know_their_sweeps_as_one(tmp_path: Path) -> None:
    one = old_database(tmp_path / "one.db", SWEEP, SWEEP)
    other = str(shutil.copy(one, tmp_path / "other.db"))
    open_for_writing(one)
    open_for_writing(other)
    sweeps = rows(Path(one), "SELECT uuid FROM sweep")
    assert len(set(sweeps)) == 3
    assert rows(Path(other), "SELECT uuid FROM sweep") == sweeps
    assert {found.came for found in merge_database(one, other)} == {0}


def move_to_server(path: Path, url: str) -> None:
    """Make a database of schema 0004 on a server, with the rows of a file."""
    server, file = (Database(find_location(place), read_only=False) for place in (url, str(path)))
    with server.migration() as writing, file.transaction() as reading:
        upgrade(writing, server.location, "0004")
        here, there = MetaData(), MetaData()
        here.reflect(writing)
        there.reflect(reading)
        for name in ("environment", "sweep", "run", "claim_result", "benchmark"):
            found = reading.execute(select(there.tables[name])).mappings().all()
            writing.execute(insert(here.tables[name]), [dict(row) for row in found])


@pytest.mark.server
def test_a_file_and_a_server_are_numbered_alike(tmp_path: Path, postgres: PostgresServer) -> None:
    path = tmp_path / "old.db"
    ahead = f"UPDATE run SET started_at = '{AHEAD}' WHERE run_id IN (1, 3)"
    old_database(path, ahead, SWEEP, SWEEP)
    url = postgres.new_database()
    move_to_server(path, url)
    file, server = open_for_writing(str(path)), open_for_writing(url)
    for question in (
        "SELECT run_id, sequence FROM run ORDER BY 1",
        "SELECT claim_result_id, sequence FROM claim_result ORDER BY 1",
        "SELECT benchmark_id, sequence FROM benchmark ORDER BY 1",
        "SELECT sweep_id, uuid FROM sweep ORDER BY 1",
    ):
        found = []
        for database in (file, server):
            with database.transaction() as connection:
                found.append(connection.exec_driver_sql(question).all())
        assert found[0] == found[1] != []
