"""The time that is left: told of runs by what they cost, on a clock that is made."""

import heapq
from itertools import pairwise

import pytest

from cdbench.claims import CLAIMS, union
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.running.pace import Needs, Pace, guessed_seconds, in_good_order, kind_of

AUDIT = union(claim.needs(range(10)) for claim in CLAIMS.values() if not claim.on_request)
"""A tenth of its runs take most of its time."""


def seconds(config: RunConfig, diagnostics: Diagnostics) -> float:
    """Return how long a run takes on the made machine: otherwise than guessed, by up to 3 times."""
    factor = 3.0 if diagnostics.curvature == "none" else 0.8
    return guessed_seconds(config, diagnostics) * factor


def told(needs: Needs, jobs: int) -> tuple[list[tuple[float, float]], list[float]]:
    """Train on a made clock; return (time, time left told) at each end, and all ends."""
    pace, now, ends = Pace(needs, jobs), 0.0, []
    waiting = list(needs.items())
    running: list[tuple[float, int, RunConfig, Diagnostics, float]] = []
    answers: list[tuple[float, float]] = []
    while waiting or running:
        while waiting and len(running) < jobs:
            config, diagnostics = waiting.pop(0)
            took = seconds(config, diagnostics)
            heapq.heappush(running, (now + took, len(waiting), config, diagnostics, took))
        now, _, config, diagnostics, took = heapq.heappop(running)
        ends.append(now)
        pace.ended(config, diagnostics, took)
        left = pace.seconds_left(now)
        assert left is not None
        answers.append((now, left))
    return answers, ends


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
    pace.ended(config, Diagnostics(), 0.1)
    assert pace.seconds_left(5.0) == 0.0


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
