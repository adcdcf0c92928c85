"""The runs that began last, whatever came of them."""

import math
from collections.abc import Sequence
from dataclasses import asdict

from cdbench.records.run import short_error
from cdbench.reports.formats import Report
from cdbench.reports.statistics import format_kappa
from cdbench.statistics.numerals import minus
from cdbench.store.page_queries import NewRun

ALL = "cdbench runs list --limit 0"


def newest_runs_report(found: Sequence[NewRun], n_runs: int) -> Report:
    """Return a table of these runs, of as many as there are, with why some did not complete."""
    title, more = "The newest runs", ""
    if n_runs > len(found):
        title = f"The newest {len(found)} of {n_runs:,} runs"
        more = f" Not shown: {n_runs - len(found):,} older; all of them: {ALL}"
    return Report(
        title=title,
        columns=(
            *("Run", "Model", "Data set", "Changes", "Began, UTC", "How it ended"),
            *("Seed", "Test score", "weight κ"),
        ),
        rows=[
            (
                *(str(one.run_id), one.model, one.dataset, one.changes),
                *(f"{one.started_at:%Y-%m-%d %H:%M}", _ended(one), str(one.seed), _score(one)),
                format_kappa(math.nan if one.weight_kappa is None else one.weight_kappa),
            )
            for one in found
        ],
        notes=(
            "Test score after the last epoch: accuracy, or of a regression R², of a text bits per "
            "character. weight κ: mean over the layers." + more,
        ),
        records=[asdict(one) | {"started_at": str(one.started_at)} for one in found],
        text_columns=6,
    )


def _ended(one: NewRun) -> str:
    """Return how it ended, with the reason."""
    return f"{one.status}: {short_error(one.error)}" if one.error else one.status


def _score(one: NewRun) -> str:
    if one.bits_per_character is not None:
        return f"{one.bits_per_character:.4f}"
    if one.test_r2 is not None:
        return minus(f"{one.test_r2:.4f}")
    return "–" if one.test_accuracy is None else f"{100 * one.test_accuracy:.2f} %"
