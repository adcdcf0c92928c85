"""Ctrl-C and SIGTERM come when they may, and not before."""

import signal
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

from cdbench import interrupts
from cdbench.interrupts import (
    SIGNALS,
    catch_interrupts,
    ignore_interrupts,
    interrupted_by,
    interrupts_held,
    interrupts_let_through,
)

if sys.platform == "win32":
    pytest.skip("no masks of signals", allow_module_level=True)


@pytest.fixture(autouse=True)
def caught() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    catch_interrupts()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
    interrupts._State.first, interrupts._State.pending = None, False


@pytest.mark.parametrize("number", SIGNALS)
def test_both_signals_interrupt_and_the_first_is_remembered(number: int) -> None:
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
    catch_interrupts()
    signal.raise_signal(signal.SIGINT)
