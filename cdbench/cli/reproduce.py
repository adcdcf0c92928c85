"""``cdbench reproduce``: train stored runs again, and compare them with what is stored."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cdbench.cli import COMPLETED, INTERRUPTED, RUN_FAILED
from cdbench.cli.echo import echo
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption, JobsOption
from cdbench.cli.output import print_report
from cdbench.config.plugin_records import lacking as lacking_plugin
from cdbench.errors import ConfigurationError, MissingResultsError, PluginError
from cdbench.records.run import INTERRUPTED as RUN_INTERRUPTED
from cdbench.records.run import Environment
from cdbench.running.instructions import as_stored
from cdbench.running.pace import in_good_order
from cdbench.running.reproduction import (
    DIFFERENT,
    TRAINING_FAILED,
    Comparison,
    compare_runs,
    not_reproducible,
)
from cdbench.system.interrupts import ignore_interrupts

if TYPE_CHECKING:
    from cdbench.cli.progress import ReproductionProgress
    from cdbench.config.diagnostics import Diagnostics
    from cdbench.config.run_config import RunConfig
    from cdbench.reports.reproduction import Reproduced
    from cdbench.store.database import Database
    from cdbench.store.training_queries import StoredTraining

FIRST_COMMAND = "cdbench sweep --B 1 3 4 5 7 8 --seeds 0 1 2"

Pairs = Counter[tuple[Environment, Environment]]
"""Number of runs for each pair of stored environment and environment of the new training."""


def reproduce(
    run: Annotated[
        list[str] | None,
        typer.Argument(
            help="Runs: each a run_id, a uuid or its first 4 characters or more, latest, best, or "
            "a tag for all runs that have it."
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every run that completed or diverged.")
    ] = False,
    db: DatabaseOption = DEFAULT_DATABASE,
    jobs: JobsOption = None,
) -> int:
    """Train stored runs again and compare: bit for bit, as printed, or different.

    Each run is trained with its stored configuration, diagnostics and BLAS threads, and with the
    vector instructions that it was trained with, where this processor has them: then with the same
    versions it is bit for bit the same. Every stored number but times and memory is compared. The
    database is only read. The exit code is 1 if a run differs at the precision that reports print,
    or cannot be trained.

    For example:

        cdbench reproduce 1 2 3

        cdbench reproduce 0004c7bd

        cdbench reproduce --all --db runs.db
    """
    if bool(run) == every:
        raise ConfigurationError(
            f"{'RUN and --all were both' if every else 'no run was'} given; expected "
            "cdbench reproduce 1 2 3 or cdbench reproduce --all"
        )
    from cdbench.cli.progress import ReproductionProgress
    from cdbench.store.database import open_for_reading
    from cdbench.store.training_queries import stored_trainings

    database = open_for_reading(db)
    trainings = stored_trainings(database, None if every else run)
    if not trainings:
        raise MissingResultsError(
            f"{database.name}: no run that completed; to make some: {FIRST_COMMAND}"
        )
    if not every:
        _check_plugins(trainings)
    pairs: Pairs = Counter()
    results: list[Reproduced] = []
    progress = ReproductionProgress(trainings, jobs or os.cpu_count() or 1)
    interrupted = False
    try:
        with progress:
            for result in _reproduced(trainings, jobs, database, pairs, progress):
                results.append(result)
                progress.add(result)
    except KeyboardInterrupt:
        ignore_interrupts()
        interrupted = True
    _print(results, pairs, database)
    if interrupted:
        done = f"{len(results)} of {len(trainings)} runs were compared"
        echo(f"interrupted: {done}", err=True)
        return INTERRUPTED
    bad = {DIFFERENT, TRAINING_FAILED}
    return RUN_FAILED if any(r.comparison.verdict in bad for r in results) else COMPLETED


def _reproduced(
    trainings: Sequence["StoredTraining"],
    jobs: int | None,
    database: "Database",
    pairs: Pairs,
    progress: "ReproductionProgress",
) -> Iterator["Reproduced"]:
    """Train the runs again and yield each comparison as its run ends; count the environments."""
    from cdbench.reports.reproduction import Reproduced
    from cdbench.running.sweep import execute_all
    from cdbench.store.run_queries import stored_runs

    possible = []
    for training in trainings:
        comparison = not_reproducible(training.status) or _without_plugin(training)
        if comparison is None:
            possible.append(training)
        else:
            yield Reproduced(training.run_id, training.config, comparison)
    for (threads, variables), needs, run_ids in _rounds(possible):
        at_a_time = jobs or max(1, (os.cpu_count() or 1) // threads)
        for found in execute_all(
            list(needs), at_a_time, needs, blas_threads=threads, variables=dict(variables)
        ):
            if found.status == RUN_INTERRUPTED:
                raise KeyboardInterrupt
            progress.ended(found)
            for run_id, stored in stored_runs(database, run_ids[found.config]):
                pairs[stored.environment, found.environment] += 1
                yield Reproduced(run_id, stored.config, compare_runs(stored, found))


def _check_plugins(trainings: Sequence["StoredTraining"]) -> None:
    """Raise PluginError if a run needs a plug-in that is not here, or has another source."""
    for training in trainings:
        lacking = _without_plugin(training)
        if lacking is not None:
            raise PluginError(f"run {training.run_id}: {lacking.words}")


def _without_plugin(training: "StoredTraining") -> Comparison | None:
    config = training.config
    lacking = lacking_plugin(config.plugin, config.layer, config.dataset)
    return None if lacking is None else Comparison(TRAINING_FAILED, lacking)


Process = tuple[int, tuple[tuple[str, str], ...]]
"""BLAS threads and environment variables of a process that computes as a stored run did."""

Round = tuple[Process, dict["RunConfig", "Diagnostics"], dict["RunConfig", list[int]]]
"""Process; what to train and measure; the keys of the runs to compare each with."""


def _rounds(trainings: Sequence["StoredTraining"]) -> Iterator[Round]:
    """Yield rounds of runs to train together.

    Runs that were trained and measured alike are trained once. A configuration with different
    diagnostics in several runs occurs once per round, because only the configuration identifies a
    run that has ended.
    """
    from cdbench.running.environment import current_environment

    here = current_environment()
    processes: dict[Environment, Process] = {}
    alike: dict[tuple[Process, RunConfig, Diagnostics], list[int]] = {}
    for training in trainings:
        own = training.environment
        if own not in processes:
            processes[own] = own.blas_threads, tuple(as_stored(own, here).items())
        key = (processes[own], training.config, training.diagnostics)
        alike.setdefault(key, []).append(training.run_id)
    rounds: dict[tuple[Process, int], Round] = {}
    seen: Counter[tuple[Process, RunConfig]] = Counter()
    for (process, config, diagnostics), run_ids in alike.items():
        number = seen[process, config]
        seen[process, config] += 1
        _, needs, ids = rounds.setdefault((process, number), (process, {}, {}))
        needs[config], ids[config] = diagnostics, run_ids
    for process, needs, ids in rounds.values():
        yield process, in_good_order(needs), ids


def _print(results: Sequence["Reproduced"], pairs: Pairs, database: "Database") -> None:
    from cdbench.reports.reproduction import differing_table, environments_table, verdicts_table

    print_report(verdicts_table(results, database.label))
    differing = differing_table(results)
    if differing is not None:
        print_report(differing)
    if pairs:
        print_report(environments_table(pairs))
