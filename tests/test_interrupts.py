"""Ctrl-C, SIGTERM and SIGHUP come when they may, and not before."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

from cdbench.start_up import SIGNALS, end_at_once, end_on_signals
from cdbench.system.interrupts import (
    StatementWatch,
    catch_interrupts,
    ignore_interrupts,
    interrupted_by,
    interrupts_held,
    interrupts_let_through,
    waiting,
)

if sys.platform == "win32":
    pytest.skip("no masks of signals", allow_module_level=True)


@pytest.fixture(autouse=True)
def caught() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    end_on_signals()
    catch_interrupts()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
    sys.unraisablehook = sys.__unraisablehook__


@pytest.mark.parametrize("number", SIGNALS)
def test_all_signals_interrupt_and_the_first_is_remembered(number: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)
    for other in SIGNALS:
        with suppress(KeyboardInterrupt):
            signal.raise_signal(other)
    assert interrupted_by() == number


def interrupt_inside(done: list[str]) -> None:
    with interrupts_held():
        with interrupts_held():
            signal.raise_signal(signal.SIGTERM)
            done.append("inner")
        done.append("outer")
    done.append("after")


def test_what_is_held_back_comes_at_the_end_of_the_outermost_block() -> None:
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        interrupt_inside(done)
    assert done == ["inner", "outer"]
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) & set(SIGNALS) == set()


def let_through(done: list[str], *, early: bool) -> None:
    with interrupts_held():
        if early:
            signal.raise_signal(signal.SIGTERM)
        done.append("held")
        with interrupts_let_through():
            done.append("through")
            signal.raise_signal(signal.SIGINT)
            done.append("never")


@pytest.mark.parametrize("early", [True, False])
def test_a_block_lets_through_what_came_before_it_and_what_comes_in_it(early: bool) -> None:
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        let_through(done, early=early)
    assert done == ["held", "through"][: 1 if early else 2]


def test_after_a_block_that_lets_them_through_they_are_held_again() -> None:
    done: list[str] = []

    def work() -> None:
        with interrupts_held():
            with interrupts_let_through():
                pass
            signal.raise_signal(signal.SIGINT)
            done.append("held")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["held"]


def test_ignored_interrupts_do_nothing_not_even_those_held_back() -> None:
    with interrupts_held():
        signal.raise_signal(signal.SIGINT)
        ignore_interrupts()
    for number in SIGNALS:
        signal.raise_signal(number)


def test_an_ignored_signal_stays_ignored() -> None:
    """As it is below ``nohup``, or in the background of a script."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_on_signals()
    catch_interrupts()
    signal.raise_signal(signal.SIGINT)


def test_a_handler_of_somebody_elses_stays() -> None:
    """A program that uses cdbench as a library keeps its own."""
    seen: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: seen.append(number))
    end_on_signals()
    catch_interrupts()
    signal.raise_signal(signal.SIGTERM)
    assert seen == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is not end_at_once


def fail_with_a_second_interrupt(error: type[BaseException]) -> None:
    with interrupts_held():
        signal.raise_signal(signal.SIGTERM)
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_leaves_a_block_by_an_exception_does_not_come_up_in_the_next(
    error: type[BaseException],
) -> None:
    with pytest.raises(error):
        fail_with_a_second_interrupt(error)
    with interrupts_held():
        pass
    with interrupts_let_through():
        pass


def test_an_exception_that_leaves_an_inner_block_only_loses_no_interrupt() -> None:
    done: list[str] = []

    def work() -> None:
        with interrupts_held():
            with suppress(ValueError):
                fail_with_a_second_interrupt(ValueError)
            done.append("caught")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["caught"]


SWALLOWED = """
import signal, time
from cdbench.system.interrupts import catch_interrupts
from cdbench.start_up import end_on_signals

class Interrupted:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)

end_on_signals()
catch_interrupts()
try:
    Interrupted()
    time.sleep(20)
except KeyboardInterrupt:
    print("came again")
"""


def test_an_interrupt_that_python_swallows_comes_again() -> None:
    """In a finaliser, as here, no exception can leave, and Python only says that it ignores it."""
    done = subprocess.run(
        [sys.executable, "-c", SWALLOWED], capture_output=True, text=True, check=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("came again\n", "")


def test_a_statement_ends_where_interrupts_are_let_through() -> None:
    watch = StatementWatch()
    assert not watch()
    with interrupts_held():
        signal.raise_signal(signal.SIGINT)
        with suppress(KeyboardInterrupt), interrupts_let_through():
            pass
        assert not watch(), "what is held back ends no statement that was just begun"


def test_a_statement_that_is_held_back_ends_by_the_second_interrupt_once_it_takes_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr("cdbench.system.interrupts.time.monotonic", lambda: now[0])
    watch = StatementWatch()
    answers = []

    def work() -> None:
        with interrupts_held():
            for _ in range(12):
                now[0] += 0.5
                signal.raise_signal(signal.SIGINT)
                answers.append(watch())
                if answers[-1]:
                    return

    with suppress(KeyboardInterrupt):
        work()
    # Signals are held back for three seconds; those that came meanwhile count as one.
    assert answers == [False] * 7 + [True]


def wait_again() -> None:
    with interrupts_held(), waiting() as pause:
        with waiting():
            pass
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)
            pause(0)


def test_waiting_inside_of_waiting_goes_on_waiting() -> None:
    with pytest.raises(KeyboardInterrupt):
        wait_again()
