"""The time that is left: told of runs by what they cost, on a clock that is made."""

import heapq
import random
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from cdbench.claims import CLAIMS, union
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.families import FAMILIES
from cdbench.config.grid import grid
from cdbench.config.run_config import RunConfig
from cdbench.running.grouping import grouped
from cdbench.running.pace import Needs, Pace, guessed_seconds, in_good_order, kind_of
from cdbench.running.worker import Task

Cost = Callable[[RunConfig, Diagnostics], float]

AUDIT: Needs = union(claim.needs(range(10)) for claim in CLAIMS.values() if not claim.on_request)
"""A tenth of its runs take most of its time."""


def seconds(config: RunConfig, diagnostics: Diagnostics) -> float:
    """Return how long a run takes on the made machine: otherwise than guessed, by up to 3 times."""
    factor = 3.0 if diagnostics.curvature == "none" else 0.8
    return guessed_seconds(config, diagnostics) * factor


def told(
    needs: Needs, jobs: int, took: Cost = seconds, *, together: bool = False
) -> tuple[list[tuple[float, float]], list[float]]:
    """Train on a made clock; return (time, time left told) at each end, and all ends."""
    pace, now, ends = Pace(needs, jobs, together=together), 0.0, []
    tasks = [Task(config, diagnostics, 1) for config, diagnostics in needs.items()]
    waiting = list(grouped(tasks, jobs)) if together else tasks
    running: list[tuple[float, int, list[Task]]] = []
    answers: list[tuple[float, float]] = []
    while waiting or running:
        while waiting and len(running) < jobs:
            group = [waiting[0], *waiting.pop(0).beside]
            whole = sum(took(task.config, task.diagnostics) for task in group)
            heapq.heappush(running, (now + whole, len(waiting), group))
        now, _, group = heapq.heappop(running)
        for task in group:
            ends.append(now)
            pace.ended(task.config, took(task.config, task.diagnostics), now)
        left = pace.seconds_left(now)
        assert left is not None
        answers.append((now, left))
    return answers, ends


def grid_of(seeds: range, **knobs: Sequence[Any]) -> Needs:
    """Return a sweep's runs, beside dense ones, in the order in which it trains them."""
    return in_good_order(dict.fromkeys(grid(knobs, list(seeds), baseline=True), Diagnostics()))


def otherwise(seed: int) -> Cost:
    """Return a machine on which families, data and runs cost otherwise than guessed.

    Each family up to 1.6 times as much or as little, each data set 1.4, each run 1.2.
    """

    @cache
    def factor(most: float, what: object) -> float:
        return float(most ** random.Random(repr((seed, what))).uniform(-1, 1))

    def took(config: RunConfig, diagnostics: Diagnostics) -> float:
        own = factor(1.6, config.layer) * factor(1.4, config.dataset) * factor(1.2, config)
        return guessed_seconds(config, diagnostics) * own

    return took


UNEVEN = {
    "families": grid_of(range(5), layer=[*FAMILIES]),
    "families, two of each": grid_of(range(4), layer=[*FAMILIES], dataset=["digits", "iris"]),
    "epochs": grid_of(range(10), layer=["cdlinear", "acdc"], epochs=[5, 25, 200]),
    "data": grid_of(
        range(10), layer=["cdlinear:2", "low-rank"], dataset=["iris", "digits", "wine"]
    ),
    "seeds and rates": grid_of(range(10), B=[1, 3, 4, 8], learning_rate=[0.05, 0.1]),
    "measured": {
        config: Diagnostics(spectra_every=5 if config.B == 8 else None)
        for config in grid_of(range(10), B=[2, 8])
    },
}


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("jobs", [1, 2, 4])
@pytest.mark.parametrize("name", UNEVEN)
def test_the_time_left_is_right_within_a_factor_of_two_from_a_tenth_on(
    name: str, jobs: int, together: bool
) -> None:
    for machine in range(4):
        answers, ends = told(UNEVEN[name], jobs, otherwise(machine), together=together)
        total = ends[-1]
        for now, left in answers:
            if total / 10 <= now <= 0.8 * total:
                assert 1 / 2 <= left / (total - now) <= 2, (machine, now / total)


@pytest.mark.parametrize("jobs", [1, 2, 8])
def test_the_time_left_of_an_audit_is_right_within_a_third_from_a_tenth_on(jobs: int) -> None:
    answers, ends = told(in_good_order(AUDIT), jobs)
    total = ends[-1]
    for now, left in answers:
        if now > total / 10:
            assert now + left == pytest.approx(total, rel=1 / 3)


@pytest.mark.parametrize("jobs", [2, 8])
def test_no_process_is_left_alone_with_a_dear_run_at_the_end(jobs: int) -> None:
    ordered = in_good_order(AUDIT)
    assert ordered == AUDIT
    _, ends = told(ordered, jobs)
    work = sum(seconds(*item) for item in AUDIT.items())
    assert ends[-1] <= 1.05 * work / jobs


def test_dear_runs_are_spread_and_runs_of_a_kind_keep_their_order() -> None:
    ordered = list(in_good_order(AUDIT).items())
    dear = [i for i, (_, own) in enumerate(ordered) if own.curvature != "none"]
    assert max(later - earlier for earlier, later in pairwise(dear)) < len(ordered) / 4
    kinds: dict[object, list[int]] = {}
    place = {config: i for i, config in enumerate(AUDIT)}
    for config, own in ordered:
        kinds.setdefault(kind_of(config, own), []).append(place[config])
    assert all(places == sorted(places) for places in kinds.values())


def test_nothing_is_told_before_a_run_has_ended_and_zero_after_the_last() -> None:
    config = RunConfig(B=4)
    pace = Pace({config: Diagnostics()})
    assert pace.seconds_left(5.0) is None
    pace.ended(config, 0.1, 5.0)
    assert pace.seconds_left(5.0) == 0.0


def test_a_run_that_is_trained_twice_and_one_that_ends_early_do_no_harm() -> None:
    needs = grid_of(range(4), B=[2])
    first, *others = needs
    pace = Pace(needs, 2)
    pace.ended(others[-1], 1.0, 1.0)  # which was thought to wait
    for config in (first, first, *others[:-1]):
        pace.ended(config, 1.0, 4.0)
    assert pace.seconds_left(4.0) == 0.0


def test_curvature_and_width_make_a_run_dear() -> None:
    plain, wide = RunConfig(), RunConfig(hidden=(4096, 4096))
    assert guessed_seconds(wide, Diagnostics()) > 100 * guessed_seconds(plain, Diagnostics())
    lanczos = Diagnostics(curvature="lanczos")
    assert guessed_seconds(plain, lanczos) > 10 * guessed_seconds(plain, Diagnostics())


def test_runs_of_other_architectures_are_of_another_kind():
    configs = [
        RunConfig(),
        *(RunConfig(architecture="attention", depth=depth) for depth in (1, 2)),
        RunConfig(architecture="conv"),
    ]
    assert len({kind_of(config, Diagnostics()) for config in configs}) == len(configs)
