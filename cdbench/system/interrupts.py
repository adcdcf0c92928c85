"""Ctrl-C, SIGTERM and SIGHUP at the right moment: held back during work that must be completed.

All raise KeyboardInterrupt. They are held back by a flag, which the handler checks, and by a mask.
The flag works even if another thread receives the signal; the mask is inherited by new processes.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from cdbench.start_up import SIGNALS, end_at_once

SOON_S = 3
"""Seconds after which something counts as waiting, which an interrupt can end."""

MOMENT_S = 0.01
"""Seconds for the main thread to leave a finaliser in which an interrupt was swallowed."""

_LOG = logging.getLogger("cdbench")


@dataclass
class _State:
    first: int | None = None  # signal that arrived first
    held: bool = False
    pending: bool = False  # a signal arrived while they were held
    ignored: bool = False
    waiting: bool = False
    n_while_waiting: int = 0  # arrived while waiting, if they were held or ignored


_STATE = _State()


def catch_interrupts() -> None:
    """From here on, let the signals raise KeyboardInterrupt instead of ending the process.

    Until now there was nothing to lose, so they ended it, since ``start_up.end_on_signals``.
    Handlers installed by others stay, and ignored signals stay ignored, as under ``nohup``.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in SIGNALS:
        if signal.getsignal(number) is end_at_once:
            signal.signal(number, _interrupt)
            sys.unraisablehook = _raise_again


def _raise_again(unraisable: "sys.UnraisableHookArgs") -> None:
    """Repeat, a moment later, an interrupt raised where no exception can propagate.

    An example is an object's finaliser, which Python may call at any time.
    """
    if unraisable.exc_type is KeyboardInterrupt:
        again = threading.Timer(MOMENT_S, os.kill, [os.getpid(), interrupted_by()])
        again.daemon = True
        again.start()
    else:
        sys.__unraisablehook__(unraisable)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    _STATE.first = _STATE.first or number
    _STATE.pending = not _STATE.ignored
    if _STATE.waiting and (_STATE.held or _STATE.ignored):
        _STATE.n_while_waiting += 1
        if _STATE.n_while_waiting == 1:
            _LOG.warning("still waiting to store what was trained; interrupt again to discard it")
    _raise_pending()


def _raise_pending() -> None:
    if _STATE.pending and not _STATE.held:
        _STATE.pending = False
        raise KeyboardInterrupt


def interrupted_by() -> int:
    """Return the number of the first signal that arrived, or that of Ctrl-C if none was caught."""
    return _STATE.first or signal.SIGINT


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Hold interrupts back until the end of the block; processes started in it never see one.

    This affects only the main thread, which is the one that Python interrupts. An exception that
    leaves the outermost block ends the work just as the interrupt would have. The interrupt is then
    dropped, because it must not appear in whatever follows.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before, _STATE.held = _STATE.held, True
    try:
        with _masked(block=True):
            yield
    except BaseException:
        _STATE.pending &= before
        raise
    finally:
        _STATE.held = before
    _raise_pending()


@contextmanager
def interrupts_let_through() -> Iterator[None]:
    """Let interrupts through in this block, inside one that holds them back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = _STATE.held
    with _masked(block=False):
        try:
            _STATE.held = False
            _raise_pending()
            yield
        finally:
            _STATE.held = before


@contextmanager
def _masked(*, block: bool) -> Iterator[None]:
    """Block or unblock the signals themselves; unlike a handler, new processes inherit this."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    how = signal.SIG_BLOCK if block else signal.SIG_UNBLOCK
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(how, SIGNALS)  # raises pending signals
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def waiting() -> Iterator[Callable[[float], None]]:
    """Give a function that sleeps, for a block that waits for another process.

    Interrupts get through while it sleeps. If they are held back or ignored, something is waiting
    to be stored. The first interrupt then only tells the user so; the second one, and any sleep
    after it, raises KeyboardInterrupt.
    """
    if threading.current_thread() is not threading.main_thread():
        yield time.sleep
        return
    before, _STATE.waiting = _STATE.waiting, True
    try:
        yield _pause
    finally:
        _STATE.waiting = before


def _pause(seconds: float) -> None:
    with _masked(block=False):
        time.sleep(0 if _STATE.n_while_waiting > 1 else seconds)
    if _STATE.n_while_waiting > 1:
        _STATE.pending = False
        raise interruption()


def interruption() -> KeyboardInterrupt:
    """Return the interrupt that ends a statement or a wait; it says what is lost, if anything."""
    lost = _STATE.n_while_waiting > 1
    return KeyboardInterrupt(*("interrupted; what was waiting to be stored was not stored",) * lost)


class StatementWatch:
    """Called now and then by a database driver to ask whether a running statement is to end.

    An interrupt ends it at once if interrupts are let through. If they are held back, the statement
    has ``SOON_S`` seconds to complete; after that it counts as waiting.
    """

    def __init__(self) -> None:
        self._began = self._asked = 0.0

    def __call__(self) -> bool:
        """Return whether the statement is to end because of an interrupt."""
        try:
            self.look()
        except KeyboardInterrupt:
            return True
        return False

    def look(self) -> None:
        """Raise KeyboardInterrupt if the statement is to end."""
        now = time.monotonic()
        if now - self._asked > 1:  # a gap this long between calls: a new statement
            self._began = now
        self._asked = now
        if not _STATE.held or now - self._began >= SOON_S:
            with waiting() as pause:
                pause(0)


def ignore_interrupts() -> None:
    """From here on, ignore interrupts, even those held back, except while waiting."""
    for number in SIGNALS:
        if callable(signal.getsignal(number)):
            signal.signal(number, _interrupt)
    _STATE.ignored, _STATE.pending = True, False
