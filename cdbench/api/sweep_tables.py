"""What a sweep ends with: its models' results, and how they compare with dense."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cdbench.config.run_config import RunConfig
from cdbench.reports.formats import Report
from cdbench.store.database import Database

ENOUGH_SEEDS = 10
"""With fewer, a comparison says that they are too few for a verdict, as in an audit."""

MOST_SEEDS = 1000
"""With more, there is no comparison: its bootstrap takes 240 kB of memory per seed, or more."""

DETAILS = "Every layer, and both intervals of every number: --details."


def sweep_tables(
    configs: Sequence[RunConfig],
    database: Database,
    guessing_levels: Mapping[str, float],
    *,
    details: bool = False,
) -> list[Report]:
    """Return the table of a sweep's models and, if its seeds allow, that against dense.

    Parameters
    ----------
    configs : sequence of RunConfig
        The sweep, of one task.
    database : Database
        Where its runs are.
    guessing_levels : mapping
        By data set name, the accuracy, or R², up to which a run is no better than guessing.
    details : bool
        Whether everything that is measured is in the second table, instead of a line a model.
    """
    from cdbench.claims.evidence.comparison import MIN_PAIRS, compare
    from cdbench.reports.against_dense import against_dense, every_measurement
    from cdbench.reports.summary import summary
    from cdbench.store.audit_queries import audited_runs
    from cdbench.store.queries import newest_runs

    runs = newest_runs(database, configs)
    table = summary(configs, runs, guessing_levels)
    n_seeds = len({config.seed for config in configs})
    if n_seeds < MIN_PAIRS:
        return [table]
    if n_seeds > MOST_SEEDS:
        told = f"Not compared with dense: {n_seeds:,} seeds; expected {MOST_SEEDS:,} at most."
        return [replace(table, notes=[*table.notes, told])]
    found = compare(configs, audited_runs(database, [run.run_id for run in runs.values()]))
    if not found:
        return [table]
    few = min(measurement.n for measurement in found) < ENOUGH_SEEDS
    notes = [f"Fewer than {ENOUGH_SEEDS} seeds are too few for a verdict."] * few
    if details:
        return [table, every_measurement(found, notes)]
    return [table, against_dense(found, [*notes, DETAILS], marked=not few)]
