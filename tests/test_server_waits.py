"""A server that lets wait, goes away, or takes nothing: said, interruptible, and nothing lost."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cdbench.errors import DatabaseGoneError, StoreError
from cdbench.records.benchmark import Benchmark
from cdbench.records.judgement import ClaimResult, Judgement
from cdbench.records.run import Run
from cdbench.store import server_connection, steadfast
from cdbench.store.database import Database, open_for_reading, open_for_writing
from cdbench.store.queries import newest_runs
from cdbench.store.record import (
    record_benchmark,
    record_claim,
    record_run,
    record_runs,
    start_sweep,
)
from tests.chaos import Command, together, wait_until
from tests.cli_tools import for_real
from tests.postgres import QUOTED_PASSWORD, PostgresServer

pytestmark = pytest.mark.server

TINY = ("--dataset", "iris", "--hidden", "4", "--B", "2", "--epochs", "3")
SWEEP = ("sweep", *TINY, "--seeds", "0..19", "--jobs", "2")
LONG = (*("4000" if word == "3" else word for word in SWEEP), "--no-history")
"""Seconds long, though runs train side by side, so that the server can end in the middle of it."""

TinyRun = Callable[..., Run]


def name_of(url: str) -> str:
    return url.rpartition("/")[2]


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    """Return the URL of a database of the newest schema."""
    return postgres.prepared_database()


@contextmanager
def locked(url: str, statement: str = "LOCK TABLE run") -> Iterator[int]:
    """Hold a lock in another session; give the process that serves it."""
    plain = url.replace("+psycopg", "")
    with psycopg.connect(plain, application_name="a report") as connection:
        connection.execute(statement)
        yield connection.info.backend_pid
        connection.rollback()


def is_notice(line: str, url: str, holder: int) -> bool:
    return (
        line.startswith("cdbench: postgresql://")
        and f"/{name_of(url)} is locked by process {holder} of cdbench (a report)" in line
        and line.endswith("; waiting")
    )


def wait_and_go_on(folder: Path, url: str, *words: str) -> None:
    with locked(url) as holder:
        command = Command(folder, *words, "--db", url)
        wait_until(lambda: command.errors, "a notice")
        assert is_notice(command.errors[0], url, holder), command.errors
    with command:
        assert command.wait() == 0, command.text
    assert len(command.errors) == 1, command.errors


def test_another_sessions_lock_is_waited_for_and_named(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    urls = [postgres.prepared_database() for _ in range(2)]
    words = (("train", *TINY), ("db", "info"))
    together(
        wait_and_go_on, [(tmp_path, url, *each) for url, each in zip(urls, words, strict=True)]
    )
    assert postgres.ask(name_of(urls[0]), "SELECT count(*) FROM run") == "1"


def interrupt(folder: Path, postgres: PostgresServer, url: str, number: int, code: int) -> None:
    """Interrupt a command that has trained nothing yet, or reads."""
    with locked(url), Command(folder, "db", "info", "--db", url) as command:
        wait_until(lambda: command.errors, "a notice")
        command.process.send_signal(number)
        since = time.monotonic()
        assert command.wait() == code, command.text
        assert time.monotonic() - since < 5
        assert command.errors[1:] == ["cdbench: interrupted"]
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND "
        assert postgres.ask("postgres", f"{waiting} datname = '{name_of(url)}'") == "0"


def give_up_sweep(folder: Path, postgres: PostgresServer, url: str, *, twice: bool) -> None:
    """Interrupt a sweep that waits to store what was trained."""
    with Command(folder, *SWEEP, "--db", url) as command:
        wait_until(lambda: command.said(": completed"), "a first run")
        with locked(url):
            wait_until(lambda: command.errors, "a notice")
            command.process.send_signal(signal.SIGINT)
            word = "still waiting to store what was trained; interrupt again to discard it"
            wait_until(lambda: command.said(word), "its answer")
            assert not command.ended()
            if twice:
                command.process.send_signal(signal.SIGINT)
                assert command.wait() == 130, command.text
        assert command.wait() == 130, command.text
        command.assert_nothing_left()
    n_stored = command.said(": completed") + command.said(": interrupted")
    assert postgres.ask(name_of(url), "SELECT count(*) FROM run") == str(n_stored)
    assert for_real(folder, *SWEEP, "--resume", "--db", url).code == 0
    completed = "SELECT count(*), count(DISTINCT config_digest) FROM run WHERE status = 'completed'"
    assert postgres.ask(name_of(url), completed) == "40|40"


def test_an_interrupt_ends_the_waiting_for_a_servers_lock_where_nothing_was_trained(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    cases = ((signal.SIGINT, 130), (signal.SIGTERM, 143))
    together(
        interrupt, [(tmp_path, postgres, postgres.prepared_database(), *each) for each in cases]
    )


def test_what_was_trained_waits_for_a_servers_lock_through_one_interrupt_not_through_two(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    together(
        lambda url, twice: give_up_sweep(tmp_path, postgres, url, twice=twice),
        [(postgres.prepared_database(), twice) for twice in (False, True)],
    )


def short(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NOTICE_AFTER_S", "LOOK_EVERY_S"):
        monkeypatch.setattr(server_connection, name, 0.1)
    monkeypatch.setattr(server_connection, "PATIENCE_S", 1)


def test_a_lock_that_stays_is_given_up_in_one_line_and_the_connection_is_whole(
    url: str, tiny_run: TinyRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    short(monkeypatch)
    database = open_for_writing(url)
    for statement in ("LOCK TABLE run", "LOCK TABLE epoch"):  # an INSERT, and a COPY
        with locked(url, statement) as holder:
            with pytest.raises(StoreError, match=f"is locked by process {holder} .*for 0 m") as it:
                record_run(database, tiny_run())
            assert "\n" not in str(it.value)
    record_run(database, tiny_run())
    with database.transaction() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM run").scalar() == 1


def test_a_statement_that_is_only_long_is_not_given_up(
    url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    short(monkeypatch)
    with open_for_writing(url).transaction() as connection:
        connection.exec_driver_sql("SELECT pg_sleep(2.5)")
    assert caplog.messages == []


# A server that goes away


@pytest.fixture(scope="module")
def restarted() -> Iterator[PostgresServer]:
    """Return a server that only these tests use, because they end it."""
    server = PostgresServer()
    yield server
    server.stop()


def test_a_restart_of_the_server_in_a_sweep_loses_no_run_and_trains_none_twice(
    restarted: PostgresServer, tmp_path: Path
) -> None:
    url = restarted.new_database()
    with Command(tmp_path, *LONG, "--db", url) as command:
        wait_until(lambda: command.said(": completed") > 2, "some runs")
        restarted.stop(folder_too=False)
        wait_until(lambda: command.said("trying again for 10 minutes"), "its notice")
        time.sleep(1)
        assert not command.ended()
        restarted.start()
        assert command.wait() == 0, command.text
    assert len(command.errors) == 1, command.errors
    assert QUOTED_PASSWORD not in command.text
    whole = "SELECT count(*), count(DISTINCT config_digest), count(DISTINCT uuid) FROM run"
    assert restarted.ask(name_of(url), whole) == "40|40|40"
    assert restarted.ask(name_of(url), "SELECT count(*), count(ended_at) FROM sweep") == "1|1"


def test_a_sweep_whose_server_stays_away_is_given_up_by_the_second_interrupt(
    restarted: PostgresServer, tmp_path: Path
) -> None:
    url = restarted.new_database()
    with Command(tmp_path, *LONG, "--db", url) as command:
        wait_until(lambda: command.said(": completed") > 2, "some runs")
        restarted.stop(folder_too=False)
        try:
            wait_until(lambda: command.said("trying again for 10 minutes"), "its notice")
            command.process.send_signal(signal.SIGINT)
            wait_until(lambda: command.said("interrupt again to discard it"), "its answer")
            command.process.send_signal(signal.SIGINT)
            assert command.wait() == 130, command.text
        finally:
            restarted.start()
    assert command.said("to go on: cdbench sweep") == 1
    n_stored = command.said(": completed")
    assert restarted.ask(name_of(url), "SELECT count(*) FROM run") == str(n_stored)


@contextmanager
def answer_lost(database: Database) -> Iterator[None]:
    """Let a connection break once, after its COMMIT has arrived and before that is known."""
    real, broken = database.transaction, list[int]()

    @contextmanager
    def transaction() -> Iterator[Any]:
        with real() as connection:
            yield connection
        if not broken:
            broken.append(1)
            lost = psycopg.OperationalError("server closed the connection unexpectedly")
            raise StoreError(str(lost)) from lost

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "transaction", transaction)
        patch.setattr(steadfast, "PAUSES_S", (0.01, 0.01))
        yield
    assert broken


def test_a_commit_whose_answer_was_lost_is_found_and_not_made_twice(
    url: str, tiny_run: TinyRun
) -> None:
    database, run = open_for_writing(url), tiny_run()
    judgement = Judgement("holds", "1", "It is one.")
    result = ClaimResult(
        *("c", 1, "what", "rule", "0", "digest", judgement), (), (), run.environment,
        run.started_at, 1.0,
    )  # fmt: skip
    benchmark = Benchmark("b", run.environment, run.started_at, 1.0, ())
    keys = []
    for write in (
        lambda: record_runs(database, [run, tiny_run()])[0],
        lambda: start_sweep(database, "cdbench sweep").sweep_id,
        lambda: record_claim(database, result),
        lambda: record_benchmark(database, benchmark),
    ):
        with answer_lost(database):
            keys.append(write())
    assert keys == [1, 1, 1, 1]
    with database.transaction() as connection:
        for table, n in (("run", 2), ("sweep", 1), ("claim_result", 1), ("benchmark", 1)):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == n


def test_a_server_that_stays_away_is_given_up_after_a_while(
    url: str, tiny_run: TinyRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = open_for_writing(url)
    monkeypatch.setattr(steadfast, "PATIENCE_S", 0.5)
    monkeypatch.setattr(database.location, "is_away", lambda _error: True)
    with locked(url):
        short(monkeypatch)
        with pytest.raises(DatabaseGoneError, match="what was waiting to be stored was not stored"):
            record_run(database, tiny_run())


def test_a_connection_that_died_is_replaced_and_a_user_that_is_refused_is_not_tried_again(
    postgres: PostgresServer, url: str, tiny_run: TinyRun, caplog: pytest.LogCaptureFixture
) -> None:
    role = f"writer_{name_of(url)}"
    postgres.ask(name_of(url), f"CREATE ROLE {role} SUPERUSER LOGIN PASSWORD 'w'")
    own = url.replace(f"cdbench:{QUOTED_PASSWORD}@", f"{role}:w@")
    writer, reader = open_for_writing(own), open_for_reading(own)
    end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'"
    postgres.ask(name_of(url), end)
    record_run(writer, tiny_run())
    assert newest_runs(reader, [tiny_run().config]).keys() == {tiny_run().config}
    postgres.ask(name_of(url), f"{end}; ALTER ROLE {role} PASSWORD 'x'")
    with pytest.raises(StoreError, match="authentication failed"):
        record_run(writer, tiny_run())
    assert caplog.messages == []


# A server that takes nothing


def test_without_leave_to_write_nothing_is_trained(
    postgres: PostgresServer, url: str, tmp_path: Path
) -> None:
    role, name = f"reader_{name_of(url)}", name_of(url)
    postgres.ask(
        name,
        f"CREATE ROLE {role} LOGIN PASSWORD 'r'; GRANT SELECT ON ALL TABLES IN SCHEMA public "
        f"TO {role}",
    )
    own = url.replace(f"cdbench:{QUOTED_PASSWORD}@", f"{role}:r@")
    answer = for_real(tmp_path, "train", *TINY, "--db", own)
    assert (answer.code, answer.out) == (3, "")
    assert "lacks the right INSERT on comparison and " in answer.err
    assert answer.err.count("\n") == 1
    for grant, lacking in (
        ("INSERT ON ALL TABLES IN SCHEMA public", "UPDATE on sweep"),
        ("UPDATE ON sweep, comparison, study_part", "DELETE on comparison_run"),
        (
            "DELETE ON comparison_run, comparison_line",
            "USAGE on public.comparison_comparison_id_seq",
        ),
    ):
        postgres.ask(name, f"GRANT {grant} TO {role}")
        with pytest.raises(StoreError, match=f"lacks the right {lacking}"):
            open_for_writing(own)
    postgres.ask(name, f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}")
    assert for_real(tmp_path, "train", *TINY, "--db", own).code == 0
    open_for_reading(own)


def test_a_server_that_is_only_read_is_said_so_before_anything_is_trained(
    postgres: PostgresServer, url: str
) -> None:
    read_only = f"ALTER DATABASE {name_of(url)} SET default_transaction_read_only = on"
    postgres.ask("postgres", read_only)
    with pytest.raises(StoreError, match="accepts no writes"):
        open_for_writing(url)
    open_for_reading(url)
