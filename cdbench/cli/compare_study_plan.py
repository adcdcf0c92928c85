"""What a study would train, how long that takes, and how small an effect it could find."""

import os
from collections.abc import Mapping
from statistics import median
from typing import TYPE_CHECKING

from cdbench.cli.compare_plan import estimate, spoken
from cdbench.cli.echo import say
from cdbench.cli.output import print_report

if TYPE_CHECKING:
    from cdbench.comparison.planning import Planned


def print_study_plan(
    name: str, parts: Mapping[str, "Planned"], n_parts: int, db: str, jobs: int | None
) -> None:
    """Print each part's data, models, runs, time and smallest effects; then the sum."""
    from cdbench.reports.study_plan import PlannedPart, study_plan
    from cdbench.statistics.power import deviation_of
    from cdbench.store.database import open_if_any
    from cdbench.store.study_queries import intervals_on

    database = open_if_any(db)
    rows = []
    for part, own in parts.items():
        seconds, n_runs = estimate(own.plan, own.candidates)
        known = intervals_on(database, own.plan.base.dataset) if database else []
        spread = median(deviation_of(*one) for one in known) if known else None
        rows.append(PlannedPart(part, own, n_runs, seconds, spread))
    print_report(study_plan(name, rows))
    total = sum(row.seconds for row in rows)
    elapsed = total / (jobs or os.cpu_count() or 1)
    n_runs = sum(row.n_runs for row in rows)
    of = f"{len(parts)} of {n_parts} parts: " if len(parts) < n_parts else ""
    say(
        f"{of}{n_runs:,} runs, {spoken(total)} of processor time, if none is stored; here "
        f"{spoken(elapsed)}"
    )
