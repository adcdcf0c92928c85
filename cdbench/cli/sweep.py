"""``cdbench sweep``: the grid of all given values, trained in parallel and stored."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cdbench.cli import COMPLETED, INTERRUPTED, RUN_FAILED
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption, JobsOption, given, with_knobs
from cdbench.cli.output import print_report
from cdbench.config import RunConfig, varied_knobs
from cdbench.interrupts import ignore_interrupts, interrupts_held
from cdbench.published import PUBLISHED_SEEDS
from cdbench.run import INTERRUPTED as RUN_INTERRUPTED

if TYPE_CHECKING:
    from cdbench.store.database import Database

SHOWN_IN_DRY_RUN = 40
"""Configurations that a dry run lists; of a larger grid it says how many more there are."""


@with_knobs(many=True)
def sweep(
    name: Annotated[
        str | None,
        typer.Argument(help="A sweep defined in cdbench.toml under \\[sweeps.NAME]; comes first."),
    ] = None,
    db: DatabaseOption = DEFAULT_DATABASE,
    jobs: JobsOption = None,
    baseline: Annotated[
        bool, typer.Option(help="Train the dense network for every seed as well.")
    ] = True,
    resume: Annotated[
        bool, typer.Option("--resume", help="Train only what has no completed run yet.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the grid and what is stored; train nothing.")
    ] = False,
    **knobs: Any,
) -> int:
    """Train the grid of all given values, with a dense baseline, and store every run.

    Every option takes several values; the grid is their product.

    For example:

        cdbench sweep --B 1 3 4 5 7 8 --seeds 0 1 2

        cdbench sweep --B 4 8 --learning-rate 0.05 0.1 --seeds 0..29 --resume

        cdbench sweep table1 --dry-run
    """
    del name  # its values have become defaults of the other options
    configs = _configs(given(knobs), baseline=baseline)
    if dry_run:
        return _dry_run(configs, db)
    from cdbench.store.database import open_for_writing
    from cdbench.store.queries import completed_configs, newest_runs

    database = open_for_writing(db)
    stored = completed_configs(database, configs) if resume else set()
    wanted = [config for config in configs if config not in stored]
    if stored:
        typer.echo(f"{len(stored)} of {len(configs)} runs are stored already")
    code = _train(wanted, jobs, database) if wanted else COMPLETED
    if code != INTERRUPTED:
        from cdbench.reports.summary import summary

        typer.echo()
        print_report(summary(configs, newest_runs(database, configs)))
        typer.echo(f"stored in {database.path}")
    return code


def _configs(knobs: dict[str, Any], *, baseline: bool) -> list[RunConfig]:
    """Return the grid's configurations, each checked, and pinned to its data set's contents."""
    from dataclasses import replace

    from cdbench.sweep import grid

    seeds = list(knobs.pop("seeds", PUBLISHED_SEEDS))
    # Two knobs hold one value for the whole grid: a list of widths is one network.
    values = {
        name: [value] if name in ("hidden", "label_column") else list(value)
        for name, value in knobs.items()
    }
    configs = grid(values, seeds, baseline=baseline)
    from cdbench.datasets import pin_dataset

    pinned = {
        config.dataset: pin_dataset(config).dataset_fingerprint
        for config in {config.dataset: config for config in configs}.values()
    }
    return [replace(config, dataset_fingerprint=pinned[config.dataset]) for config in configs]


def _dry_run(configs: Sequence[RunConfig], db: str) -> int:
    from cdbench.store.database import database_path, open_for_reading
    from cdbench.store.queries import completed_configs

    path = database_path(db)
    stored = set()
    if path.exists() and (path.is_dir() or path.stat().st_size):
        stored = completed_configs(open_for_reading(db), configs)
    varied = [name for name in varied_knobs(configs) if name != "dataset"]
    for config in configs[:SHOWN_IN_DRY_RUN]:
        state = "stored" if config in stored else "to train"
        knobs = f" · {config.describe(varied)}" if varied else ""
        typer.echo(f"{state:8}  {config.model} · {config.dataset} · seed {config.seed}{knobs}")
    if len(configs) > SHOWN_IN_DRY_RUN:
        typer.echo(f"... and {len(configs) - SHOWN_IN_DRY_RUN} more")
    typer.echo(f"{len(configs)} runs, {len(stored)} of them stored in {path}")
    return COMPLETED


def _train(configs: Sequence[RunConfig], jobs: int | None, database: "Database") -> int:
    """Train and store; return the exit code."""
    import os

    from cdbench.cli.progress import SweepProgress
    from cdbench.store.record import end_sweep, record_run, start_sweep
    from cdbench.sweep import execute_all

    jobs = jobs or os.cpu_count() or 1
    sweep_id = start_sweep(database, command_line())
    progress = SweepProgress(configs, jobs)
    interrupted = False
    try:
        with progress:
            for run in execute_all(configs, jobs):
                with interrupts_held():  # what is stored is counted
                    record_run(database, run, sweep_id)
                    progress.add(run)
                if run.status == RUN_INTERRUPTED:
                    raise KeyboardInterrupt
    except KeyboardInterrupt:
        ignore_interrupts()
        interrupted = True
    end_sweep(database, sweep_id)
    if interrupted:
        typer.echo(
            f"interrupted: {progress.n_completed} of {len(configs)} runs are stored; "
            f"to go on: {resume_command()}",
            err=True,
        )
        return INTERRUPTED
    return RUN_FAILED if progress.n_failed else COMPLETED


def command_line() -> str:
    """Return the command as it was typed, quoted for a shell."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


def resume_command() -> str:
    """Return the command that goes on with this sweep."""
    typed = command_line()
    return typed if "--resume" in sys.argv else f"{typed} --resume"
