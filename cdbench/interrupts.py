"""Ctrl-C and SIGTERM at the right moment: held back while something must not be torn in two.

Both raise KeyboardInterrupt. Holding back is a flag that the handler looks at, and a mask: the flag
serves where another thread takes the signal, the mask is what new processes inherit.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)

_LOG = logging.getLogger("cdbench")


class _State:
    first: int | None = None  # signal that arrived first
    held = False
    pending = False  # one arrived while they were held
    ignored = False
    waiting = False
    n_while_waiting = 0  # arrived so, while they were held or ignored


def catch_interrupts() -> None:
    """Let SIGTERM do what Ctrl-C does; where one of them was ignored so far, it stays so."""
    _State.ignored, _State.n_while_waiting = False, 0
    for number in SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _interrupt)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    _State.first = _State.first or number
    _State.pending = not _State.ignored
    if _State.waiting and (_State.held or _State.ignored):
        _State.n_while_waiting += 1
        if _State.n_while_waiting == 1:
            _LOG.warning("still waiting, to store what was trained; interrupt again to give it up")
    _raise_pending()


def _raise_pending() -> None:
    if _State.pending and not _State.held:
        _State.pending = False
        raise KeyboardInterrupt


def interrupted_by() -> int:
    """Return the number of the first signal that arrived, Ctrl-C's where none was caught."""
    return _State.first or signal.SIGINT


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Hold interrupts back until the end of the block; processes started in it never see one.

    It has an effect in the main thread only, the one that Python interrupts.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before, _State.held = _State.held, True
    try:
        with _masked(block=True):
            yield
    finally:
        _State.held = before
    _raise_pending()


@contextmanager
def interrupts_let_through() -> Iterator[None]:
    """Let interrupts through in this block, inside of one that holds them back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = _State.held
    with _masked(block=False):
        try:
            _State.held = False
            _raise_pending()
            yield
        finally:
            _State.held = before


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
    _State.waiting = True
    try:
        yield _pause
    finally:
        _State.waiting = False


def _pause(seconds: float) -> None:
    with _masked(block=False):
        time.sleep(0 if _State.n_while_waiting > 1 else seconds)
    if _State.n_while_waiting > 1:
        _State.pending = False
        raise KeyboardInterrupt("interrupted; what waited to be stored is not stored")


def ignore_interrupts() -> None:
    """Ignore interrupts from here on, those held back included; all but those while waiting."""
    for number in SIGNALS:
        if callable(signal.getsignal(number)):
            signal.signal(number, _interrupt)
    _State.ignored, _State.pending = True, False
