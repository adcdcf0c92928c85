"""Writing to a server that is away for a while: what is written again, and for how long."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from cdbench.errors import DatabaseGoneError, StoreError
from cdbench.store import steadfast
from cdbench.store.steadfast import written
from tests.stopped_clock import Clock, stopped

AWAY = StoreError("runs: gone")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return stopped(steadfast, monkeypatch)


class Server:
    """A database whose server is away for some of the first transactions."""

    def __init__(self, *, away: float, is_away: bool = True) -> None:
        self.left, self.location = away, SimpleNamespace(is_away=lambda _error: is_away)

    @contextmanager
    def transaction(self) -> Iterator[str]:
        yield "connection"
        self.left -= 1
        if self.left >= 0:
            raise AWAY


def write(server: Any, find: Callable[[Any], Any] = lambda _: None) -> tuple[Any, int]:
    """Write to a server; return the result, and how often it was written."""
    times = list[Any]()

    def insert(connection: Any) -> str:
        times.append(connection)
        return "written"

    return written(server, insert, find), len(times)


def test_what_is_written_at_once_is_not_looked_for(clock: Clock) -> None:
    assert write(Server(away=0), lambda _: pytest.fail("looked for")) == ("written", 1)
    assert clock.pauses == []


def test_pauses_grow_from_the_first_to_the_longest_and_one_warning_is_given(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    assert write(Server(away=8)) == ("written", 9)
    assert clock.pauses[0] == steadfast.PAUSES_S[0] == 0.2
    assert clock.pauses[-1] == steadfast.PAUSES_S[1] == 2
    for one, next_one in zip(clock.pauses, clock.pauses[1:], strict=False):
        assert next_one == min(2 * one, 2)
    assert [record.getMessage() for record in caplog.records] == [
        "runs: gone; trying again for 10 minutes"
    ]


def test_what_arrived_although_its_answer_did_not_is_not_written_again(clock: Clock) -> None:
    assert write(Server(away=1), lambda _: "found") == ("found", 1)
    assert len(clock.pauses) == 1


def test_an_error_of_a_server_that_is_there_is_told_at_once(clock: Clock) -> None:
    with pytest.raises(StoreError) as caught:
        write(Server(away=9, is_away=False))
    assert caught.value is AWAY
    assert clock.pauses == []


def test_a_server_that_stays_away_is_given_up_after_ten_minutes(clock: Clock) -> None:
    with pytest.raises(DatabaseGoneError, match="runs: gone; tried again for 10 minutes, and"):
        write(Server(away=float("inf")))
    assert 600 < sum(clock.pauses) <= 602
