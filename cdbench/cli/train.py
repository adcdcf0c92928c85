"""``cdbench train``: train one run, and show each epoch as it ends."""

import math
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from cdbench.cli import COMPLETED, INTERRUPTED, RUN_FAILED
from cdbench.cli.diagnostics import take_diagnostics, with_diagnostics
from cdbench.cli.echo import echo, say
from cdbench.cli.options import (
    DEFAULT_DATABASE,
    BlasThreadsOption,
    DatabaseOption,
    HeaderOption,
    given,
    header_of,
    with_knobs,
)
from cdbench.cli.output import print_report
from cdbench.cli.shares import print_shares
from cdbench.cli.typed import database_words
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.errors import StoreError
from cdbench.records.run import INTERRUPTED as RUN_INTERRUPTED
from cdbench.records.run import EpochMetrics, Run, short_error
from cdbench.reports.kinds import notes_on_kinds
from cdbench.reports.measured import conditions, curvature, has_summary, not_defined
from cdbench.reports.statistics import format_score
from cdbench.running.widths import check_widths
from cdbench.system.interrupts import ignore_interrupts, interrupts_held, interrupts_let_through
from cdbench.system.printable import printable

if TYPE_CHECKING:
    from cdbench.store.database import Database


@with_diagnostics
@with_knobs(many=False)
def train(
    db: DatabaseOption = DEFAULT_DATABASE,
    blas_threads: BlasThreadsOption = 1,
    header: HeaderOption = "auto",
    **knobs: Any,
) -> int:
    """Train one run and store it.

    The defaults are the paper's recipe (Sec. VI.1).

    For example:

        cdbench train --B 4 --seed 0

        cdbench train --layer dense --optimizer adam --epochs 50

        cdbench train --dataset measurements.csv --label-column species

        cdbench train --B 8 --spectra-every 5 --curvature auto

        cdbench train --architecture attention --dataset text:book.txt
    """
    diagnostics = take_diagnostics(knobs)
    config = RunConfig(**given(knobs))
    from cdbench.cli.released import open_to_add, say_if_new
    from cdbench.cli.stages import stages
    from cdbench.datasets import guessing_levels, pin_dataset
    from cdbench.running.execution import execute
    from cdbench.store.record import record_run

    config = pin_dataset(config, header_of(header))
    check_widths(config)
    database = open_to_add(db)
    _say_if_stored(config, database)
    print_shares([config])
    echo(f"{config.model} · {printable(config.dataset)} · seed {config.seed}\n")
    _print_heading(config.task)
    with interrupts_held():
        with interrupts_let_through(), stages() as on_stage:
            run = execute(
                config, partial(_print_epoch, config.task), diagnostics, blas_threads, on_stage
            )
        try:
            run_id = record_run(database, run)
        except StoreError as error:
            raise StoreError(f"{error}; the run is not stored") from error
        if run.status == RUN_INTERRUPTED:
            ignore_interrupts()
        echo()
        _print_outcome(run, guessing_levels([config]).get(config.dataset, -math.inf))
        echo(f"stored as run {run_id} in {database.name}")  # before an interrupt is reported
        say_if_new(database)
    if diagnostics.weights:
        _say_what_is_kept(run, run_id)
    is_all_shown = replace(diagnostics, weights=False) == Diagnostics() and not has_summary(run)
    if (run.spectra or run.curvature) and not is_all_shown:
        echo(f"all that was measured: cdbench runs show {run_id}{database_words(sys.argv)}")
    return {"completed": COMPLETED, "interrupted": INTERRUPTED}.get(run.status, RUN_FAILED)


def _say_if_stored(config: RunConfig, database: "Database") -> None:
    from cdbench.store.queries import newest_runs

    for known in newest_runs(database, [config]).values():
        say(
            f"this configuration is stored already, as run {known.run_id}; it is trained again, "
            "and reports will take the newer run"
        )


def _say_what_is_kept(run: Run, run_id: int) -> None:
    if run.weights is None:
        echo("its network is not kept: only that of a run that completes is", err=True)
        return
    echo(f"its network is kept: cdbench model show {run_id}{database_words(sys.argv)}")


def _print_heading(task: str) -> None:
    score = "test R²" if task == "regression" else "test accuracy"
    bits = "   bits/character" if task == "language" else ""
    echo(f"epoch   training loss   test loss{bits}   {score:>13}   seconds")


def _print_epoch(task: str, metrics: EpochMetrics) -> None:
    form = "f" if metrics.test_r2 is None else "g"  # squares may have any size
    bits = f"   {metrics.test_loss / math.log(2):14.4f}" if task == "language" else ""
    echo(
        f"{metrics.epoch:5}   {metrics.training_loss:13.6{form}}   {metrics.test_loss:9.6{form}}"
        f"{bits}   {format_score([metrics]):>13}   {metrics.duration_s:7.4f}"
    )


def _print_outcome(run: Run, guessing_level: float) -> None:
    if run.spectra:
        print_report(conditions(run))
        echo()
    elif run.status == "completed" and run.diagnostics and run.diagnostics.spectra:
        echo(notes_on_kinds([], not_defined(run), run.config.layer)[0])
    if run.curvature:
        print_report(curvature(run))
        echo()
    if run.n_parameters is not None:
        product = f" · product {run.product_used}" if run.product_used else ""
        say(f"{_widths(run)} · {run.n_parameters:,} parameters{product} · {run.duration_s:.2f} s")
    if run.error:
        echo(f"{run.status}: {short_error(run.error)}", err=True)
    elif run.epochs[-1].score <= guessing_level:
        score = format_score(run.epochs[-1:])
        if run.config.task == "regression":
            say(f"this run learned nothing: an R² of {score} is no better than guessing the mean")
            return
        say(
            f"this run learned nothing: {score} is no better than guessing, which "
            f"reaches up to {100 * guessing_level:.1f} % (the share of the most frequent class and "
            "two standard errors of the test split)"
        )


def _widths(run: Run) -> str:
    """Return the widths as built, and of what they were made multiples."""
    from cdbench.config.families import family
    from cdbench.engine.building import structure_of

    widths = "→".join(map(str, run.widths))
    multiple = family(run.config.layer).width_multiple(structure_of(run.config))
    if not widths or multiple == 1:
        return widths
    named = "B = " if run.config.B is not None else ""
    return f"{widths} (multiples of {named}{multiple})"
