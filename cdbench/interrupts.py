"""Ctrl-C, SIGTERM and SIGHUP at the right moment: held back from work that must be whole.

All raise KeyboardInterrupt. Holding back uses a flag that the handler looks at, and a mask. The
flag serves where another thread takes the signal, and the mask is inherited by new processes.
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
"""How long something may take before it counts as waiting, which an interrupt can end."""

MOMENT_S = 0.01
"""How long the main thread has to leave a finaliser in which an interrupt was swallowed."""

_LOG = logging.getLogger("cdbench")


@dataclass
class _State:
    first: int | None = None  # signal that arrived first
    held: bool = False
    pending: bool = False  # one arrived while they were held
    ignored: bool = False
    waiting: bool = False
    n_while_waiting: int = 0  # arrived so, while they were held or ignored


_STATE = _State()


def catch_interrupts() -> None:
    """From here on let the signals raise KeyboardInterrupt, where until now they ended the process.

    So it was since ``start_up.end_on_signals``, while there was nothing to lose. Handlers that
    others have installed stay, and so does a signal that is ignored, as below ``nohup``.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in SIGNALS:
        if signal.getsignal(number) is end_at_once:
            signal.signal(number, _interrupt)
            sys.unraisablehook = _raise_again


def _raise_again(unraisable: "sys.UnraisableHookArgs") -> None:
    """Let an interrupt come again, a moment later, that was raised where no exception can leave.

    That is in the finaliser of an object, say, which Python calls whenever it likes.
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
    """Return the number of the first signal that arrived, Ctrl-C's where none was caught."""
    return _STATE.first or signal.SIGINT


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Hold interrupts back until the end of the block; processes started in it never see one.

    It has an effect in the main thread only, the one that Python interrupts. An exception that
    leaves the outermost block ends the work as the interrupt would have, which is then done with:
    it must not come up in whatever follows.
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
    """Let interrupts through in this block, inside of one that holds them back."""
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
    """Block or unblock the signals themselves, which new processes inherit, unlike a handler."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    how = signal.SIG_BLOCK if block else signal.SIG_UNBLOCK
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(how, SIGNALS)  # which raises what was waiting
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def waiting() -> Iterator[Callable[[float], None]]:
    """Give a function that sleeps, for a block in which another process is waited for.

    Interrupts get through while it sleeps. Where they are held back or ignored, something waits to
    be stored: the first one then only says so, and the second, as any sleep after it, raises
    KeyboardInterrupt.
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
    """Return what ends a statement or a wait, with what it costs, if it costs something."""
    lost = _STATE.n_while_waiting > 1
    return KeyboardInterrupt(*("interrupted; what was waiting to be stored was not stored",) * lost)


class StatementWatch:
    """What a database's driver asks now and then in the middle of a statement: is it to end.

    An interrupt ends it at once where interrupts are let through. Where they are held back it has
    ``SOON_S`` to be done; after that it counts as waiting.
    """

    def __init__(self) -> None:
        self._began = self._asked = 0.0

    def __call__(self) -> bool:
        """Return whether the statement is to end, an interrupt having come."""
        try:
            self.look()
        except KeyboardInterrupt:
            return True
        return False

    def look(self) -> None:
        """Raise KeyboardInterrupt where the statement is to end."""
        now = time.monotonic()
        if now - self._asked > 1:  # so long between two questions: it is another statement
            self._began = now
        self._asked = now
        if not _STATE.held or now - self._began >= SOON_S:
            with waiting() as pause:
                pause(0)


def ignore_interrupts() -> None:
    """Ignore interrupts from here on, those held back included; all but those while waiting."""
    for number in SIGNALS:
        if callable(signal.getsignal(number)):
            signal.signal(number, _interrupt)
    _STATE.ignored, _STATE.pending = True, False
