"""A connection's waits for its server, by a clock and a driver made for these tests."""

from collections.abc import Callable, Generator
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from psycopg import errors
from psycopg.pq import Ping, TransactionStatus
from psycopg.waiting import Ready

from cdbench.errors import StoreError
from cdbench.store import server_connection
from cdbench.store.server_connection import ServerConnection, _named, _until, _Watch
from tests.stopped_clock import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(server_connection, "time", clock)
    return clock


# Waiting for a statement


class Watched(_Watch):
    """A watch that is told what blocks the statement, and counts how often it asks."""

    asked, reason = 0, "is locked by process 7"

    def _reason(self) -> str:
        self.asked += 1
        return self.reason


def watch_for(clock: Clock, watch: Watched, seconds: int) -> None:
    for _ in range(10 * seconds):
        clock.pause(0.1)
        watch.look()


@pytest.fixture
def watch(clock: Clock) -> Watched:
    del clock  # before the watch is made
    connection: Any = SimpleNamespace(place="runs")
    return Watched(connection)


def test_who_holds_a_lock_is_asked_after_three_seconds_and_then_every_three(
    clock: Clock, watch: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    watch_for(clock, watch, 2)
    assert watch.asked == 0
    watch_for(clock, watch, 58)
    assert 15 < watch.asked <= 20
    assert [record.getMessage() for record in caplog.records] == [
        "runs is locked by process 7; waiting"
    ]


def test_a_lock_that_stays_is_given_up_after_ten_minutes(clock: Clock, watch: Watched) -> None:
    watch_for(clock, watch, 599)
    with pytest.raises(StoreError, match=r"^runs is locked by process 7 for 10 minutes; end that"):
        watch_for(clock, watch, 7)


def test_a_statement_that_is_only_long_is_not_given_up(clock: Clock, watch: Watched) -> None:
    watch.reason = ""
    watch_for(clock, watch, 1000)
    watch.reason = "is locked by process 7"
    watch_for(clock, watch, 590)
    watch.reason = ""
    watch_for(clock, watch, 10)
    watch.reason = "is locked by process 7"
    watch_for(clock, watch, 590)


def test_holders_of_a_lock_are_named_in_one_printable_line() -> None:
    assert _named(7, "me", "a\nreport") == "process 7 of me (a�report)"
    assert _named(7, None, None) == "process 7"


@pytest.mark.parametrize(
    ("holders", "reason"),
    [
        ([], ""),
        ([(7, "me", None)], "is locked by process 7 of me"),
        ([(7, None, None), (8, None, "psql")], "is locked by process 7 and process 8 (psql)"),
    ],
    ids=["nobody", "one", "two"],
)
def test_who_blocks_a_statement_is_asked_by_a_second_connection(
    holders: list[Any], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = SimpleNamespace(execute=lambda *_: SimpleNamespace(fetchall=lambda: holders))
    monkeypatch.setattr(psycopg, "connect", lambda *_, **__: nullcontext(second))
    info = SimpleNamespace(dsn="", password="", backend_pid=9)
    blocked: Any = SimpleNamespace(place="runs", info=info)
    assert _Watch(blocked)._reason() == reason


@pytest.mark.parametrize(("answer", "reason"), [(Ping.OK, ""), (Ping.REJECT, "does not answer")])
def test_a_second_connection_that_is_refused_does_not_mean_that_the_server_is_gone(
    answer: Ping, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise psycopg.OperationalError

    monkeypatch.setattr(psycopg, "connect", refuse)
    monkeypatch.setattr(server_connection, "PGconn", SimpleNamespace(ping=lambda _: answer))
    info = SimpleNamespace(dsn="", password="", backend_pid=9)
    blocked: Any = SimpleNamespace(place="runs", info=info)
    assert _Watch(blocked)._reason() == reason


# Steps of the driver


def steps(answers: list[Any], n: int) -> Generator[Any, Any, str]:
    """Wait n times; keep what was ready."""
    for number in range(n):
        ready = yield number
        answers.append(ready)
    return "result"


def driven(generator: Generator[Any, Any, Any], ready: Callable[[], Ready]) -> tuple[int, Any]:
    """Run steps; return how many there were, and their result."""
    n = 0
    try:
        assert next(generator) == 0
        while True:
            n += 1
            assert generator.send(ready()) == n
    except StopIteration as end:
        return n, end.value


@pytest.mark.parametrize("ready", [[Ready.R], [Ready.R, Ready.NONE], [Ready.NONE]], ids=str)
def test_watched_steps_are_sent_what_is_ready_and_give_their_result(
    ready: list[Ready], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = list[str]()
    for name in ("_Watch", "StatementWatch"):
        made = SimpleNamespace(look=lambda name=name: looked.append(name))
        monkeypatch.setattr(server_connection, name, lambda *_, made=made: made)
    sent, answers = (ready * 6)[:6], list[Any]()
    states = iter(sent)
    connection: Any = SimpleNamespace(place="runs")
    watched = ServerConnection._watched(connection, steps(answers, 6))
    assert driven(watched, lambda: next(states)) == (6, "result")
    assert answers == sent
    assert looked == ["StatementWatch", "_Watch"] * sent.count(Ready.NONE)


def test_steps_are_given_up_at_their_end_and_only_if_nothing_is_ready(clock: Clock) -> None:
    def waiting(ready: Ready) -> Ready:
        clock.pause(1)
        return ready

    assert driven(_until(steps([], 9), clock.now + 5), lambda: waiting(Ready.R)) == (9, "result")
    assert driven(_until(steps([], 5), clock.now + 5), lambda: waiting(Ready.NONE))[0] == 5
    with pytest.raises(psycopg.OperationalError, match="does not answer"):
        driven(_until(steps([], 9), clock.now + 5), lambda: waiting(Ready.NONE))


@pytest.mark.parametrize(
    ("error", "is_cancelled"),
    [(KeyboardInterrupt(), True), (StoreError(""), True), (errors.QueryCanceled(), False)],
)
def test_a_wait_that_is_given_up_cancels_its_statement(
    error: BaseException, is_cancelled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise error

    cancelled = list[Any]()
    connection: Any = SimpleNamespace(
        _watched=lambda gen: gen, _cancel=cancelled.append, pgconn=SimpleNamespace(socket=0)
    )
    monkeypatch.setattr(server_connection, "wait", fail)
    gen = steps([], 1)
    with pytest.raises(type(error)):
        ServerConnection.wait(connection, gen)
    assert cancelled == [gen] * is_cancelled


@pytest.mark.parametrize(
    ("error", "is_finished", "is_raised"),
    [
        (None, False, False),
        (errors.QueryCanceled(), False, False),
        (psycopg.OperationalError(), True, False),
        (OSError(), True, False),
        (KeyboardInterrupt(), True, True),
    ],
)
def test_a_connection_whose_statement_cannot_be_cancelled_is_closed(
    error: BaseException | None,
    is_finished: bool,
    is_raised: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def wait(*_: Any) -> None:
        if error is not None:
            raise error

    finished, asked = list[str](), list[float]()
    pgconn = SimpleNamespace(
        transaction_status=TransactionStatus.ACTIVE,
        finish=lambda: finished.append("finished"),
        socket=0,
    )
    connection: Any = SimpleNamespace(
        pgconn=pgconn, cancel_safe=lambda timeout: asked.append(timeout)
    )
    monkeypatch.setattr(server_connection, "wait", wait)
    if is_raised:
        with pytest.raises(KeyboardInterrupt):
            ServerConnection._cancel(connection, steps([], 1))
    else:
        ServerConnection._cancel(connection, steps([], 1))
    assert asked == [server_connection.ANSWER_WITHIN_S] == [5]
    assert finished == ["finished"] * is_finished
    pgconn.transaction_status = TransactionStatus.IDLE
    ServerConnection._cancel(connection, steps([], 1))
    assert len(asked) == 1


def test_nothing_is_rolled_back_on_a_closed_connection() -> None:
    connection: Any = SimpleNamespace(closed=True)
    ServerConnection.rollback(connection)
