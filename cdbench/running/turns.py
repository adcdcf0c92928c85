"""Calls that are measured in turn, so that what slows the machine down slows all of them."""

import time
from collections.abc import Callable, Mapping
from math import ceil

SAMPLE_S = 0.002
"""Shortest time measured at once; shorter passes are repeated to fill it."""

Pass = Callable[[], object]
Clock = Callable[[], float]


def take_turns(
    passes: Mapping[str, Pass],
    rounds: int,
    least_s: float = SAMPLE_S,
    clock: Clock = time.perf_counter,
) -> dict[str, list[float]]:
    """Measure the passes in turn, in reverse order in every other round.

    Parameters
    ----------
    passes : mapping
        The calls to measure, by name.
    rounds : int
        How many turns each gets.
    least_s : float
        Shortest duration of a sample, in seconds: a sample is the mean of as many calls as fill
        it. An unmeasured call comes first, because the caches still hold the last rival's data.
    clock : callable
        What seconds are read from.

    Returns
    -------
    dict
        For each, the seconds per call, one sample per round.
    """
    repeats = {name: _repeats(one, least_s, clock) for name, one in passes.items()}
    samples: dict[str, list[float]] = {name: [] for name in passes}
    for number in range(rounds):
        for name in list(passes)[:: -1 if number % 2 else 1]:
            passes[name]()
            samples[name].append(mean_seconds(passes[name], repeats[name], clock))
    return samples


def mean_seconds(one: Pass, repeats: int = 1, clock: Clock = time.perf_counter) -> float:
    """Return the mean seconds per call over this many calls."""
    start = clock()
    for _ in range(repeats):
        one()
    return (clock() - start) / repeats


def _repeats(one: Pass, least_s: float, clock: Clock) -> int:
    """Warm up, and return how many calls fill a sample."""
    one()
    once = mean_seconds(one, clock=clock)
    if once < least_s:
        once = min(once, *(mean_seconds(one, clock=clock) for _ in range(3)))
    return max(1, ceil(least_s / once))
