"""``cdbench sweep``: train the grid of all given values in parallel, and store the runs."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cdbench.cli import COMPLETED, INTERRUPTED
from cdbench.cli.diagnostics import take_diagnostics, with_diagnostics
from cdbench.cli.echo import echo
from cdbench.cli.options import (
    DEFAULT_DATABASE,
    BlasThreadsOption,
    DatabaseOption,
    HeaderOption,
    JobsOption,
    SchedulerOption,
    given,
    header_of,
    with_knobs,
)
from cdbench.cli.output import print_report
from cdbench.cli.shares import print_shares
from cdbench.cli.training import train_and_store
from cdbench.cli.typed import command_line, database_words
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.naming import varied_knobs
from cdbench.config.run_config import RunConfig
from cdbench.errors import ConfigurationError
from cdbench.records.published import PUBLISHED_SEEDS
from cdbench.system.interrupts import interrupts_held
from cdbench.system.printable import printable

if TYPE_CHECKING:
    from cdbench.running.cluster_workers import Cluster
    from cdbench.store.database import Database

SHOWN_IN_DRY_RUN = 40
"""Configurations listed by a dry run; for a larger grid, it says how many more there are."""


@with_diagnostics
@with_knobs(many=True)
def sweep(
    name: Annotated[
        str | None,
        typer.Argument(help="A sweep defined in cdbench.toml under [sweeps.NAME]; comes first."),
    ] = None,
    db: DatabaseOption = DEFAULT_DATABASE,
    jobs: JobsOption = None,
    scheduler: SchedulerOption = None,
    blas_threads: BlasThreadsOption = 1,
    header: HeaderOption = "auto",
    baseline: Annotated[
        bool, typer.Option(help="Train the dense network for every seed as well.")
    ] = True,
    resume: Annotated[
        bool, typer.Option("--resume", help="Train only what has no completed run yet.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the grid and what is stored; train nothing.")
    ] = False,
    details: Annotated[
        bool, typer.Option("--details", help="Print every layer and interval against dense.")
    ] = False,
    **knobs: Any,
) -> int:
    """Train the grid of all given values, with a dense baseline, and store every run.

    Every option takes several values; the grid is their product.

    For example:

        cdbench sweep --B 1 3 4 5 7 8 --seeds 0 1 2

        cdbench sweep --B 4 8 --learning-rate 0.05 0.1 --seeds 0..29 --resume

        cdbench sweep --layer dense cdlinear:4 low-rank:8 low-rank:16

        cdbench sweep --architecture conv --layer cdlinear:4 --dataset fashion-mnist

        cdbench sweep --architecture attention --heads 1 3 5 7 --width 105

        cdbench sweep --architecture attention --dataset text:shakespeare.txt

        cdbench sweep table1 --dry-run
    """
    del name  # its values are already the defaults of the other options
    diagnostics = take_diagnostics(knobs)
    configs = _configs(given(knobs), header_of(header), baseline=baseline)
    needs = dict.fromkeys(configs, diagnostics)
    if dry_run:
        return _dry_run(needs, db)
    cluster = connect(scheduler, jobs) if scheduler is not None else None
    if cluster is None and jobs != 1 and len(configs) > 1:
        from cdbench.running.servers import start_server

        start_server()  # it imports what workers need while the database opens
    with interrupts_held():  # an exception raised while modules load may be lost
        from cdbench.cli.released import open_to_add, say_if_new
        from cdbench.running.pace import in_good_order

    database = open_to_add(db)
    stored = _stored(database, needs) if resume else set()
    wanted = {config: diagnostics for config in configs if config not in stored}
    if stored:
        echo(f"{len(stored)} of {len(configs)} runs are stored already")
    code = COMPLETED
    if wanted:
        print_shares(wanted)
        ordered = in_good_order(wanted)
        code = train_and_store(ordered, jobs, database, resume_command(), blas_threads, cluster)
    if code != INTERRUPTED:
        from cdbench.api.sweep_tables import sweep_tables
        from cdbench.datasets import guessing_levels

        for table in sweep_tables(configs, database, guessing_levels(configs), details=details):
            echo()
            print_report(table)
        again = f"cdbench report --sweep{database_words(sys.argv)}"
        echo(f"stored in {database.name}; to see it again: {again}")
        say_if_new(database)
    return code


def connect(scheduler: str, jobs: int | None) -> "Cluster":
    """Return the cluster that was asked for; called before any database is created."""
    if jobs is not None:
        raise ConfigurationError(
            f"--jobs {jobs} is for this machine, --scheduler {scheduler} for a cluster, whose "
            "workers do one run each; expected one of the two"
        )
    from cdbench.running.cluster_workers import Cluster

    return Cluster(scheduler)


def _configs(knobs: dict[str, Any], header: bool | None, *, baseline: bool) -> list[RunConfig]:
    """Return the grid's configurations, each checked and pinned to its data set's contents."""
    from cdbench.config.grid import grid
    from cdbench.config.knob_values import LISTS, ONE_VALUE
    from cdbench.running.pinning import pinning

    seeds = list(knobs.pop("seeds", PUBLISHED_SEEDS))
    # Some knobs have one value for the whole grid; a list of widths is one network.
    values = {
        name: [value] if name in LISTS | ONE_VALUE else list(value) for name, value in knobs.items()
    }
    return grid(values, seeds, baseline=baseline, pin=pinning(header))


def _stored(database: "Database", needs: Mapping[RunConfig, Diagnostics]) -> set[RunConfig]:
    """Return the configurations with a completed run that has the diagnostics asked for.

    If only the default diagnostics are asked for, any completed run will do.
    """
    from cdbench.store.audit_queries import covering_runs
    from cdbench.store.queries import completed_configs

    if set(needs.values()) == {Diagnostics()}:
        return completed_configs(database, needs)
    return set(covering_runs(database, needs))


def _dry_run(needs: Mapping[RunConfig, Diagnostics], db: str) -> int:
    from cdbench.store.database import open_if_any
    from cdbench.store.location import find_location

    configs = list(needs)
    database = open_if_any(db)
    stored = _stored(database, needs) if database else set()
    varied = [name for name in varied_knobs(configs) if name != "dataset"]
    for config in configs[:SHOWN_IN_DRY_RUN]:
        state = "stored" if config in stored else "to train"
        knobs = f" · {config.describe(varied)}" if varied else ""
        line = f"{state:8}  {config.model} · {config.dataset} · seed {config.seed}{knobs}"
        echo(printable(line))
    if len(configs) > SHOWN_IN_DRY_RUN:
        echo(f"... and {len(configs) - SHOWN_IN_DRY_RUN} more")
    echo(f"{len(configs)} runs, {len(stored)} of them stored in {find_location(db).name}")
    return COMPLETED


def resume_command() -> str:
    """Return the command that continues this sweep."""
    typed = command_line()
    return typed if "--resume" in sys.argv else f"{typed} --resume"
