"""Everything about one run, on one page."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from cdbench.config.train_words import TrainWords
from cdbench.records.run import COMPLETED, Run, short_error
from cdbench.reports.formats import Report
from cdbench.reports.inventory import size_in_words
from cdbench.reports.pages import Facts, Page
from cdbench.reports.run_document import run_document, run_records
from cdbench.reports.run_sources import configuration_table
from cdbench.reports.run_tables import (
    conditions_tables,
    curvature_tables,
    epochs_table,
    spectra_table,
)
from cdbench.reports.statistics import format_percent, format_score
from cdbench.statistics.numerals import format_number
from cdbench.store.run_origins import RunOrigin

NO_WORDS = TrainWords((), (), ())

COMMIT_SHOWN = 8
"""Characters of a commit that are shown."""


@dataclass(frozen=True)
class KnownRun:
    """A stored run with all that is known of it.

    Attributes
    ----------
    run : Run
        The run.
    origin : RunOrigin
        What it belongs to.
    again : TrainWords, optional
        The command that trains it again, which its own page tells.
    """

    run: Run
    origin: RunOrigin
    again: TrainWords = NO_WORDS


def run_page(known: KnownRun, *, plain: bool = False, drawn: bool = True) -> Page:
    """Return the page of a run.

    Parameters
    ----------
    known : KnownRun
        The run.
    plain : bool, optional
        Whether curves are of ASCII only.
    drawn : bool, optional
        Whether there are curves at all: LaTeX's fonts have none.
    """
    run, origin = known.run, known.origin
    config = run.config
    spectra = spectra_table(run, plain=plain, drawn=drawn)
    epochs = [epochs_table(run, plain=plain, drawn=drawn)] if run.epochs else []
    parts: list[Facts | Report] = [
        Facts("", list(_what(known))),
        configuration_table(config, origin),
        *epochs,
        *conditions_tables(run, plain=plain, drawn=drawn),
        *([spectra] if spectra else []),
        *curvature_tables(run),
        Facts("Cost", list(_cost(known))),
        Facts("Environment", list(environment_lines(run))),
    ]
    document = run_document(run, origin, known.again.words)
    return Page(
        title=f"Run {origin.run_id} · {config.model} · {config.dataset} · seed {config.seed}",
        parts=parts,
        document=document,
        records=run_records(document),
        command=[shlex.quote(word) for word in known.again.words],
        lead=_lead(known.again),
    )


def score_words(run: Run) -> str:
    """Return what a run reached: ``98.15 % of the test split``; empty if it has no epochs."""
    if not run.epochs:
        return ""
    last = run.epochs[-1]
    of = "R² of the test split" if last.test_r2 is not None else "test accuracy"
    return f"{format_score([last])} {of} after epoch {last.epoch} of {run.config.epochs}"


def _what(known: KnownRun) -> Iterator[tuple[str, str]]:
    run, origin = known.run, known.origin
    newest = "; a newer run of its configuration is in reports" * (not origin.is_latest)
    yield "status", run.status + newest * (run.status == COMPLETED)
    if run.error:
        yield "", short_error(run.error)
    if run.epochs:
        yield "score", score_words(run)
    if run.classes:
        shares = [one.accuracy for one in run.classes]
        worst = min(run.classes, key=lambda one: one.accuracy)
        yield (
            "classes",
            f"{format_percent([sum(shares) / len(shares)])} on average; worst is {worst.label}: "
            f"{format_percent([worst.accuracy])} of {worst.n_samples:,}",
        )
    yield "trained", f"{run.started_at:%Y-%m-%d %H:%M} UTC, in {seconds(run.duration_s)}"
    yield from _belongs(origin)
    yield "uuid", run.uuid


def _belongs(origin: RunOrigin) -> Iterator[tuple[str, str]]:
    """Yield what a run is part of, and what people say of it."""
    if origin.labels.tags:
        yield "tags", ", ".join(origin.labels.tags)
    for number, line in enumerate((origin.labels.note or "").splitlines()):
        yield "" if number else "note", line
    if origin.command_line is not None:
        yield "sweep", f"{origin.sweep_id}: {origin.command_line}"
    for name, stage in origin.comparisons:
        yield "comparison", f"{name} ({stage})"
    if origin.kept_bytes is not None:
        yield "network", f"kept, {size_in_words(origin.kept_bytes)}: cdbench model show RUN"


def _cost(known: KnownRun) -> Iterator[tuple[str, str]]:
    run, origin = known.run, known.origin
    each = [epoch.duration_s for epoch in run.epochs]
    epoch = f"; an epoch's updates {seconds(sum(each) / len(each))}" if each else ""
    yield "time", f"{seconds(run.duration_s)}, of a processor {seconds(run.cpu_s)}{epoch}"
    if run.peak_memory_bytes is not None:
        yield "memory", f"{size_in_words(run.peak_memory_bytes)} at most, of the whole process"
    if run.n_parameters is not None:
        widths = "→".join(map(str, run.widths))
        product = f", product {run.product_used}" if run.product_used else ""
        yield "parameters", f"{run.n_parameters:,} ({widths}{product})"
    if origin.multiply_adds is not None:
        yield "multiply-adds", f"{origin.multiply_adds:,} a sample"


def environment_lines(run: Run) -> Iterator[tuple[str, str]]:
    """Yield what a run was trained with, in a few lines."""
    own = run.environment
    changed = ", with uncommitted changes" * bool(own.git_dirty)
    commit = f", commit {own.git_commit[:COMMIT_SHOWN]}{changed}" if own.git_commit else ""
    threads = f"{own.blas_threads} thread" + "s" * (own.blas_threads != 1)
    yield "cdbench", f"{own.cdbench_version}{commit}"
    yield (
        "packages",
        f"Python {own.python_version}, NumPy {own.numpy_version}, SciPy {own.scipy_version}, "
        f"scikit-learn {own.scikit_learn_version}",
    )
    yield "BLAS", f"{own.blas}, {threads}"
    yield "machine", f"{own.cpu}, {own.n_cores} cores; {own.operating_system}"
    if own.simd:
        yield "", f"vector instructions: {own.simd}"


def seconds(duration: float) -> str:
    """Return a time such as ``0.31 ms``, ``1.25 s`` or ``3 min 20 s``."""
    if duration < 1:
        return f"{format_number(1000 * duration)} ms"
    if duration < 100:
        return f"{format_number(duration)} s"
    minutes, rest = divmod(round(duration), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _lead(again: TrainWords) -> str:
    lead = "To train it again:"
    if again.plugins:
        lead = f"To train it again, with plug-in {'; '.join(again.plugins)}:"
    if again.lacking:
        lead += (
            f" (not in this folder: cdbench.toml or the environment sets "
            f"{', '.join(again.lacking)}, which no option unsets)"
        )
    return lead
