"""A clock for tests of what takes minutes: it goes on only while something pauses."""


class Clock:
    """A clock that stands still but for the pauses that are made."""

    def __init__(self) -> None:
        self.now, self.pauses = 1000.0, list[float]()

    def monotonic(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
