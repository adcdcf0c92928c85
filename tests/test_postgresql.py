"""PostgreSQL: the same numbers as in a file, in every view, report and figure's query."""

import logging
import math
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, insert, select, text

from cdbench.config.run_config import RunConfig
from cdbench.errors import MissingResultsError, StoreError
from cdbench.records.run import Run
from cdbench.running.execution import execute
from cdbench.store.database import Database, open_for_reading, open_for_writing
from cdbench.store.location import find_location
from cdbench.store.migrate import VERSION_TABLE, revisions, upgrade
from cdbench.store.models import Base
from cdbench.store.queries import newest_runs
from cdbench.store.record import record_run, record_runs, start_sweep
from cdbench.store.upkeep.sources import open_as_it_is
from cdbench.store.views import VIEWS
from tests.cli_tools import ASSETS, CDBENCH, SMALL, Here, for_real, plain_environment
from tests.postgres import PASSWORD, QUOTED_PASSWORD, PostgresServer
from tests.test_migrations import MEASURED, QUERIES

pytestmark = pytest.mark.server

TinyRun = Callable[..., Run]


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    """Return the URL of an empty database."""
    return postgres.new_database()


def name_of(url: str) -> str:
    return url.rpartition("/")[2]


@pytest.fixture(scope="module")
def both(
    postgres: PostgresServer, paper_runs: list[Run], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Database, Database]:
    """Return a file and a server's database with the same runs, claims and benchmark."""
    locations = (str(tmp_path_factory.mktemp("both") / "runs.db"), postgres.new_database())
    databases = tuple(map(open_for_writing, locations))
    for database in databases:
        sweep = start_sweep(database, "cdbench sweep --B 4 8")
        record_runs(database, paper_runs, sweep)
    assert len(databases) == 2
    return databases


def comparable(value: Any) -> Any:
    """Return a value as both databases would give it, sums to their last digits but two."""
    if isinstance(value, bool | Decimal):
        value = float(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, int | float):
        return value if value == 0 or math.isinf(value) else float(f"{value:.13e}")
    return value


def rows(database: Database, question: str) -> list[dict[str, Any]]:
    with database.transaction() as connection:
        found = connection.execute(text(question)).mappings().all()
    plain = [{name: comparable(value) for name, value in row.items()} for row in found]
    return sorted(plain, key=lambda row: [str(value) for value in row.values()])


VOLATILE = {"sweep": ("uuid", "started_at", "ended_at"), "run": ("sequence",)}
"""What differs because the two databases were filled one after the other."""


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_holds_the_same_rows_on_both(both: tuple[Database, Database], view: str) -> None:
    file, server = (rows(database, f"SELECT * FROM {view}") for database in both)
    assert file == server
    assert [list(row) for row in file[:1]] == [list(row) for row in server[:1]]


@pytest.mark.parametrize("table", [table.name for table in Base.metadata.sorted_tables])
def test_every_table_holds_the_same_rows_on_both(
    both: tuple[Database, Database], table: str
) -> None:
    file, server = (rows(database, f"SELECT * FROM {table}") for database in both)
    for row in (*file, *server):
        for name in VOLATILE.get(table, ()):
            del row[name]
    assert file == server


def test_queries_give_equal_runs_bit_for_bit_but_for_averages(
    both: tuple[Database, Database], paper_runs: list[Run]
) -> None:
    configs = [run.config for run in paper_runs]
    file, server = (newest_runs(database, configs) for database in both)
    assert file.keys() == server.keys() == set(configs)
    for config in configs:
        for name, value in vars(file[config]).items():
            found = getattr(server[config], name)
            if name in ("published_kappa", "weight_kappa", "seconds_per_epoch"):
                assert found == pytest.approx(value, rel=1e-14)
            else:
                assert found == value


def test_migrations_make_the_models(url: str) -> None:
    database = open_for_writing(url)
    with database.transaction() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": VERSION_TABLE,
                "compare_type": True,
                "compare_server_default": True,
            },
        )
        assert compare_metadata(context, Base.metadata) == []


def constraints(postgres: PostgresServer, url: str) -> list[str]:
    question = (
        "SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) "
        "FROM pg_constraint WHERE connamespace = 'public'::regnamespace "
        f"AND conrelid::regclass::text <> '{VERSION_TABLE}' ORDER BY 1"
    )
    return postgres.ask(name_of(url), question).splitlines()


def test_migrations_make_the_models_constraints(postgres: PostgresServer, url: str) -> None:
    made = postgres.new_database()
    location = find_location(made)
    with Database(location, read_only=False).transaction() as connection:
        Base.metadata.create_all(connection)
    open_for_writing(url)
    found = constraints(postgres, url)
    assert found == constraints(postgres, made)
    assert any("ck_run_diverged" in line for line in found)
    assert not any("layer" in line for line in found if line.startswith("run "))


@pytest.mark.parametrize("revision", ["0004", "0009", "0013", revisions()[-2]])  # the first is all
def test_database_of_a_released_schema_is_upgraded_and_keeps_its_rows(
    url: str, revision: str, tiny_run: TinyRun
) -> None:
    location = find_location(url)
    with Database(location, read_only=False).migration() as connection:
        upgrade(connection, location, revision)
    database = open_for_writing(url)
    record_run(database, tiny_run())
    again = open_for_writing(url)
    assert len(newest_runs(again, [tiny_run().config])) == 1


def test_noise_floors_of_a_released_schema_are_moved_as_in_a_file(url: str, tmp_path: Path) -> None:
    path = Path(shutil.copy(ASSETS / "0007.db", tmp_path / "runs.db"))
    location = find_location(url)
    with (
        Database(location, read_only=False).migration() as writing,
        open_as_it_is(str(path)).transaction() as reading,
    ):
        upgrade(writing, location, "0007")
        there, here = MetaData(), MetaData()
        there.reflect(reading)
        here.reflect(writing)
        for name in ("environment", "sweep", "run", "condition_number", "noise_floor"):
            rows = reading.execute(select(there.tables[name])).mappings().all()
            writing.execute(insert(here.tables[name]), [dict(row) for row in rows])
    found = []
    for place in (url, str(path)):
        question = (
            "SELECT run_id, layer, kind, epoch, level, damped_kappa, cut_kappa, n_left "
            "FROM noise_floors ORDER BY run_id, layer, kind, epoch, level"
        )
        with open_for_writing(place).transaction() as connection:
            found.append(connection.exec_driver_sql(question).all())
    assert found[0] == found[1]
    assert len(found[0]) == 144


def test_shared_texts_of_a_released_schema_are_those_of_a_file(url: str, tmp_path: Path) -> None:
    path = Path(shutil.copy(ASSETS / "0015.db", tmp_path / "runs.db"))
    location = find_location(url)
    with (
        Database(location, read_only=False).migration() as writing,
        open_as_it_is(str(path)).transaction() as reading,
    ):
        upgrade(writing, location, "0015")
        there, here = MetaData(), MetaData()
        there.reflect(reading)
        here.reflect(writing)
        for name in ("environment", "sweep", "configuration", "run", "claim_result", "measurement"):
            found = reading.execute(select(there.tables[name])).mappings().all()
            writing.execute(insert(here.tables[name]), [dict(row) for row in found])
    for question in (QUERIES, MEASURED):
        answers = []
        for place in (url, str(path)):
            with open_for_writing(place).transaction() as connection:
                answers.append(connection.exec_driver_sql(question).all())
        assert answers[0] == answers[1] != []


def test_users_own_view_survives_an_upgrade(postgres: PostgresServer, url: str) -> None:
    database = open_for_writing(url)
    view = "CREATE VIEW \"my % view\" AS SELECT model, seed FROM runs WHERE error NOT LIKE '%x'"
    postgres.ask(name_of(url), view)
    with database.migration() as connection:
        upgrade(connection, database.location)
    assert postgres.ask(name_of(url), 'SELECT count(*) FROM "my % view"') == "0"


@pytest.mark.usefixtures("other_families")
def test_views_name_a_model_by_its_structure_there_too(postgres: PostgresServer, url: str) -> None:
    tiny: dict[str, Any] = {"dataset": "iris", "epochs": 1, "hidden": (4,)}
    database = open_for_writing(url)
    for layer in ("dense", "cdlinear:2", "low-rank:2"):
        record_run(database, execute(RunConfig(**tiny, layer=layer)))
    question = (
        "SELECT string_agg(model || '/' || coalesce(structure, ''), ' ' ORDER BY run_id) FROM "
    )
    named = "dense/ cdlinear B=2/ low-rank rank=2/rank=2"
    assert postgres.ask(name_of(url), f"{question} runs") == named
    assert postgres.ask(name_of(url), "SELECT count(*) FROM against_dense") == "2"


def test_interrupted_migration_leaves_nothing(
    postgres: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Exception): ...  # noqa: N818

    def break_down(_connection: object) -> None:
        raise Broken

    monkeypatch.setattr("cdbench.store.migrate.create_views", break_down)
    with pytest.raises(Broken):
        open_for_writing(url)
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    assert postgres.ask(name_of(url), tables) == "0"
    monkeypatch.undo()
    open_for_writing(url)


def test_empty_database_has_no_results_yet(url: str) -> None:
    with pytest.raises(MissingResultsError, match="cdbench sweep --B 1"):
        open_for_reading(url)


def test_database_of_another_program_is_refused(postgres: PostgresServer, url: str) -> None:
    postgres.ask(name_of(url), "CREATE TABLE run (x int)")
    for open_it in (open_for_writing, open_for_reading):
        with pytest.raises(StoreError, match="another program"):
            open_it(url)


def test_database_of_the_future_is_refused(postgres: PostgresServer, url: str) -> None:
    open_for_writing(url)
    postgres.ask(name_of(url), f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    for open_it in (open_for_writing, open_for_reading):
        with pytest.raises(StoreError, match="newer cdbench"):
            open_it(url)


def test_commands_work_and_nothing_shows_the_password(
    here: Here, postgres: PostgresServer, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = url.replace(QUOTED_PASSWORD, f"not{QUOTED_PASSWORD}")
    gone = url + "_gone"
    said = []
    for code, words in (
        (3, f"report --table1 --db {url}"),
        (0, f"train {' '.join(SMALL)} --db {url}"),
        (0, f"sweep {' '.join(SMALL)} --B 2 --seeds 0 1 --jobs 2 --db={url}"),
        (0, f"sweep {' '.join(SMALL)} --B 2 --seeds 0 1 --resume --dry-run --db {url}"),
        (1, f"sweep {' '.join(SMALL)} --B 2 --seeds 0 --learning-rate 1e200 --db {url}"),
        (3, f"report --table1 --db {wrong}"),
        (3, f"sweep --db {gone}"),
        (3, f"report --table1 --db {url.replace('127.0.0.1', 'no-such-host.invalid')}"),
        (3, f"report --table1 --db {url.replace('@127.0.0.1:', '@127.0.0.1:x')}"),
    ):
        answer = here(*words.split())
        assert answer.code == code, (words, answer)
        said.append(answer.out + answer.err)
        if code == 3:
            assert len(answer.err.splitlines()) == 1
            assert "Traceback" not in answer.err
    stored = postgres.ask(name_of(url), "SELECT command_line FROM sweep")
    assert stored.count("***") == 2
    for secret in (PASSWORD, QUOTED_PASSWORD):
        assert secret not in "".join(said) + stored
    assert "***" in "".join(said)


@pytest.mark.parametrize(
    "password", ["wrong-QQQQ", "QQQQ@XXXX", "QQ QQ'XX\\XX", "QQ%QQ:/?#[]XX", "QQQQ=XXXX host=XXXX"]
)
def test_errors_of_the_driver_tell_no_password(here: Here, url: str, password: str) -> None:
    quoted = quote(password, safe="")
    database = name_of(url)
    authority = url.replace(QUOTED_PASSWORD, quoted)
    open_port = url.rpartition("/")[0].replace(f":{QUOTED_PASSWORD}", "")
    for wrong in (
        authority,  # of this user
        authority.replace("cdbench:", "nobody:"),
        re.sub(r":\d+/", ":1/", authority),
        authority + "?sslmode=require",  # which this server has not
        authority + "?sslcert=/none&sslkey=/none",
        f"{open_port}/{database}?password={quoted}",
        f"{open_port}/{database}?passw%6Frd={quoted}&options=-c%20x",
    ):
        answer = here("report", "--table1", "--db", wrong)
        assert (answer.code, answer.err.count("\n")) == (3, 1), answer
        assert not {"QQ", "XX"} & {answer.err[i : i + 2] for i in range(len(answer.err))}


def test_real_process_stores_by_environment_and_toml(
    tmp_path: Path, postgres: PostgresServer, url: str
) -> None:
    settings = tmp_path / "cdbench.toml"
    settings.write_text(f'database = "{url}"\n')
    answer = for_real(tmp_path, "train", *SMALL)
    assert (answer.code, answer.err) == (0, f"cdbench: from {settings}: database\n")
    other = for_real(tmp_path, "train", *SMALL, "--seed", "1", extra={"CDBENCH_DATABASE": url})
    assert other.code == 0
    assert QUOTED_PASSWORD not in answer.out + other.out
    assert postgres.ask(name_of(url), "SELECT count(*), max(seed) FROM run") == "2|1"


def test_eight_processes_make_and_fill_a_database_at_once(
    tmp_path: Path, postgres: PostgresServer, url: str
) -> None:
    def train(seed: int) -> tuple[int, str]:
        answer = for_real(tmp_path, "train", *SMALL, "--seed", str(seed), "--db", url)
        # On a busy machine they tell of waiting for each other.
        errors = [line for line in answer.err.splitlines() if not line.endswith("; waiting")]
        return answer.code, "".join(errors)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(train, range(8))) == [(0, "")] * 8
    assert postgres.ask(name_of(url), "SELECT count(*), count(DISTINCT seed) FROM run") == "8|8"
    assert postgres.ask(name_of(url), "SELECT count(*) FROM environment") == "1"


def test_server_that_goes_away_is_told_in_one_line_and_stored_runs_stay(tmp_path: Path) -> None:
    server = PostgresServer()
    try:
        url = server.new_database()
        assert for_real(tmp_path, "train", *SMALL, "--db", url).code == 0
    finally:
        server.stop()
    answer = for_real(tmp_path, "train", *SMALL, "--db", url)
    assert answer.code == 3
    assert re.fullmatch(r"cdbench: postgresql://.*refused.*\n", answer.err), answer.err


def test_large_numbers_of_a_run_fit(url: str, tiny_run: TinyRun) -> None:
    database = open_for_writing(url)
    run = replace(
        tiny_run(seed=2**32 - 1),
        peak_memory_bytes=2**40,
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    record_run(database, run)
    found = rows(database, "SELECT seed, peak_memory_bytes, started_at FROM run")
    assert found == [
        {
            "seed": float(2**32 - 1),
            "peak_memory_bytes": 2.0**40,
            "started_at": "2026-01-01 00:00:00",
        }
    ]


def table1(folder: Path, location: str) -> str:
    answer = for_real(folder, "report", "--table1", "--db", location)
    assert (answer.code, answer.err) == (0, "")
    return answer.out


def test_papers_sweep_killed_and_resumed_gives_the_files_table(
    tmp_path: Path, postgres: PostgresServer, url: str
) -> None:
    words = ["sweep", "--B", "4", "8", "--seeds", "0", "1", "2"]
    assert for_real(tmp_path, *words).code == 0
    completed = "SELECT count(*) FROM run WHERE status = 'completed'"
    kills, before = 0, 0
    for delay_s in (0.9, 1.3, 1.6):
        child = subprocess.Popen(
            [CDBENCH, *words, "--resume", "--db", url],
            cwd=tmp_path,
            env=plain_environment(),
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(delay_s)
        if child.poll() is None:
            kills += 1
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        if postgres.ask(name_of(url), "SELECT to_regclass('run') IS NULL") == "f":
            now = int(postgres.ask(name_of(url), completed))
            assert now >= before, "a finished run was lost"
            before = now
    assert kills
    assert for_real(tmp_path, *words, "--resume", "--db", url).code == 0
    whole = "SELECT count(*), count(DISTINCT config_digest) FROM run WHERE status = 'completed'"
    assert postgres.ask(name_of(url), whole) == "9|9"
    assert postgres.ask(name_of(url), "SELECT count(*) FROM epoch") == str(9 * 25)
    assert table1(tmp_path, url) == table1(tmp_path, "runs.db")
