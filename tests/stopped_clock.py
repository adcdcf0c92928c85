"""A clock for tests of what takes minutes: it goes on only while something pauses."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest

LONGEST_S = 10_000.0
"""Nothing that is tested pauses for as long."""


class Clock:
    """A clock that stands still but for the pauses that are made."""

    def __init__(self) -> None:
        # A machine may have been started a moment ago.
        self.now, self.pauses = 50.0, list[float]()

    def monotonic(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        assert self.now < LONGEST_S, "this waits for ever"
        self.pauses.append(seconds)
        self.now += seconds

    @contextmanager
    def waiting(self) -> Iterator[Callable[[float], None]]:
        yield self.pause


def stopped(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return a clock by which a module waits."""
    clock = Clock()
    monkeypatch.setattr(module, "waiting", clock.waiting)
    monkeypatch.setattr(module, "time", clock)
    return clock
