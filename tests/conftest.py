"""What several test files start from: trained runs, and databases that hold them."""

import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from threadpoolctl import threadpool_limits
from typer.main import get_command

from cdbench.config import plugins
from cdbench.config.run_config import RunConfig
from cdbench.records.run import Run
from cdbench.reports.table1 import table1_configs
from cdbench.running.execution import execute
from cdbench.store import sqlite_files
from cdbench.store.database import Database, open_for_writing
from cdbench.store.record import record_run
from cdbench.system import interrupts
from tests.cli_tools import Here
from tests.new_databases import make_by_statements
from tests.other_families import other_families
from tests.postgres import PostgresServer

__all__ = ["other_families"]

TINY: dict[str, Any] = {"dataset": "iris", "epochs": 2, "hidden": (3,), "B": 2}


# How long an example takes says more of what else the machine does than of the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(autouse=True, scope="session")
def new_databases_at_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give new databases their schema without migrating each of them."""
    with pytest.MonkeyPatch.context() as patched:
        make_by_statements(tmp_path_factory.mktemp("template") / "new.db", patched)
        yield


@pytest.fixture(autouse=True, scope="session")
def nothing_waits_for_the_disk() -> Iterator[None]:
    """Let the system choose when a database of this process is on disk: no test cuts the power."""

    def connected(path: Path, mode: str) -> sqlite3.Connection:
        connection = sqlite_files.connect(path, mode)
        if mode != "ro":
            with suppress(sqlite3.Error):  # it reads the file, which may be locked, or no database
                connection.execute("PRAGMA synchronous = OFF")
        return connection

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("cdbench.store.sqlite.connect", connected)
        yield


@pytest.fixture(autouse=True, scope="session")
def commands_are_built_once() -> Iterator[None]:
    """Build the commands with their options once, as a process of cdbench does."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("typer.main.get_command", cache(get_command))
        yield


@pytest.fixture(autouse=True, scope="session")
def pytorch_has_one_thread() -> None:
    """Keep PyTorch, where tests have imported it, from waiting for cores that other tests use."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(autouse=True)
def nothing_is_left_of_a_test() -> Iterator[None]:
    """Forget a test's signals, plug-ins and variables, which must not come up in the next."""
    before = dict(os.environ)
    yield
    interrupts._STATE.__init__()  # type: ignore[misc]
    plugins.forget()
    Database.last = None
    for name in (os.environ.keys() - before.keys()) - {"PYTEST_CURRENT_TEST"}:
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(scope="module")
def one_blas_thread() -> Iterator[None]:
    """As in an audit."""
    with threadpool_limits(1, "blas"):
        yield


@pytest.fixture
def fewer_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough for made-up numbers that are far from the thresholds, or amid them."""
    for module in ("estimates", "exponents", "rank_correlation"):
        monkeypatch.setattr(f"cdbench.statistics.{module}.RESAMPLES", 999)


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Here:
    """Return what runs commands in this process, in a folder of its own."""
    return Here(tmp_path, monkeypatch, capsys)


@cache
def _executed(config: RunConfig) -> Run:
    return execute(config)


@pytest.fixture(scope="session")
def tiny_run() -> Callable[..., Run]:
    """Return a function that gives a real run of a tiny network; each with a uuid of its own."""
    numbers = iter(range(10**6))

    def make(**knobs: Any) -> Run:
        values = TINY | knobs
        if values.get("layer") == "dense":
            del values["B"]
        return replace(_executed(RunConfig(**values)), uuid=f"tiny-{next(numbers)}")

    return make


@pytest.fixture(scope="session")
def paper_runs() -> list[Run]:
    """Return the runs of Table 1: dense, B = 4 and B = 8 with the seeds 0, 1 and 2."""
    return [execute(config) for configs in table1_configs().values() for config in configs]


@pytest.fixture(scope="session")
def paper_path(paper_runs: list[Run], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database of the paper's nine runs; it is only to be read."""
    path = tmp_path_factory.mktemp("paper") / "paper.db"
    database = open_for_writing(str(path))
    for run in paper_runs:
        record_run(database, run)
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Return a PostgreSQL server that was started for the tests."""
    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where a database is or can be made: once a file, once on a server."""
    if request.param == "sqlite":
        return str(tmp_path / "runs.db")
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.prepared_database()


@pytest.fixture
def database(location: str) -> Database:
    """Return a new database: once a file, once on a server."""
    return open_for_writing(location)
