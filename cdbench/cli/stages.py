"""The stage of a long measurement: one line on a terminal, with the seconds passed so far."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE_S = 0.5
"""Stages that end sooner are not shown."""


@contextmanager
def stages(doing: str = "measuring the") -> Iterator[Callable[[str], None]]:
    """Yield a function to call with the name of each stage that begins, and "" when it ends.

    The line is shown on standard error, if that is a terminal, and removed when the stage ends.
    """
    import sys

    if not sys.stderr.isatty():
        yield lambda what: None
        return
    line = _Line(doing)
    try:
        yield line.show
    finally:
        line.show("")


class _Line:
    def __init__(self, doing: str) -> None:
        self._doing = doing
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def show(self, what: str) -> None:
        """End the present stage, if any, and begin this one, unless its name is empty."""
        if self._thread is not None:
            self._ended.set()
            self._thread.join()
            self._thread = None
        if what:
            self._ended.clear()
            self._thread = threading.Thread(target=self._draw, args=(what,), daemon=True)
            self._thread.start()

    def _draw(self, what: str) -> None:
        from rich.console import Console

        began = time.monotonic()
        if self._ended.wait(PATIENCE_S):
            return
        with Console(stderr=True).status("") as status:
            while True:
                status.update(f"{self._doing} {what} · {time.monotonic() - began:.0f} s")
                if self._ended.wait(0.5):
                    return
