"""What a comparison would train, and how long that takes."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cdbench.cli.echo import echo, say
from cdbench.cli.output import print_report

if TYPE_CHECKING:
    from cdbench.comparison.plan import Plan
    from cdbench.comparison.sizes import Candidate, Field

LONG_S = 600
"""From so many seconds on, it says how long it will take before it begins."""


def print_plan(plan: "Plan", fields: "Sequence[Field]", candidates: "Sequence[Candidate]") -> None:
    """Print the models that would compete with their sizes, the number of runs and their time."""
    from cdbench.reports.comparison_plan import planned

    seconds, n_runs = estimate(plan, candidates)
    print_report(planned(plan, fields, candidates))
    few = len(plan.tuning_seeds)
    tuning = f"{len(plan.rates)} rates with {few} seed{'s' * (few > 1)}"
    say(
        f"{n_runs:,} runs: {tuning}, more where the best is at an end, and {len(plan.seeds)} seeds "
        f"reported of each of {len(candidates)} models; {spoken(seconds)} of processor time"
    )


def say_duration(plan: "Plan", candidates: "Sequence[Candidate]", jobs: int | None) -> None:
    """Say how long it will take, if that is long."""
    seconds, n_runs = estimate(plan, candidates)
    elapsed = seconds / (jobs or os.cpu_count() or 1)
    if elapsed > LONG_S:
        echo(f"{n_runs:,} runs will take {spoken(elapsed)}, if none is stored", err=True)


def estimate(plan: "Plan", candidates: "Sequence[Candidate]") -> tuple[float, int]:
    """Return the processor time in seconds, from a few timed steps of each model, and the runs."""
    from cdbench.comparison.clock import seconds_per_run
    from cdbench.datasets import split_of

    split = split_of(plan.base)
    n_runs = len(plan.rates) * len(plan.tuning_seeds) + len(plan.seeds)
    seconds = sum(seconds_per_run(one.config, split) for one in candidates)
    return n_runs * seconds, n_runs * len(candidates)


def spoken(seconds: float) -> str:
    """Return a duration in words, as roughly as it is known."""
    if seconds < 1.5:
        return "about a second" if seconds >= 0.5 else "less than a second"
    if seconds < 90:
        return f"about {seconds:.0f} seconds"
    minutes = seconds / 60
    return f"about {minutes:.0f} minutes" if minutes < 90 else f"about {minutes / 60:.1f} hours"
