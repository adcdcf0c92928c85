"""The models of a database over their seeds, those of most seeds first."""

import math
from collections.abc import Sequence
from dataclasses import asdict

from cdbench.reports.formats import Report
from cdbench.reports.statistics import format_count, format_kappa
from cdbench.statistics.numerals import minus
from cdbench.store.page_queries import SeededModel

ALL = 'cdbench db sql "select * from models" --format csv'


def model_means(found: Sequence[SeededModel], n_models: int) -> Report:
    """Return a table of these models, of as many as there are."""
    title, more = "Models, those with most seeds first", ""
    if n_models > len(found):
        title = f"The {len(found)} models with most seeds, of {n_models:,}"
        more = f" Not shown: {n_models - len(found):,} others; all of them: {ALL}"
    return Report(
        title=title,
        columns=("Model", "Data set", "Changes", "Seeds", "Parameters", "Test score", "weight κ"),
        rows=[
            (
                *(one.model, one.dataset, one.changes, str(one.n_seeds)),
                "–" if one.n_parameters is None else format_count(one.n_parameters),
                *(_score(one), format_kappa(_number(one.weight_kappa_median))),
            )
            for one in found
        ],
        notes=(
            "Test score: accuracy, or of a regression R², of a text bits per character; mean ± "
            "standard deviation over the seeds (ddof 0). weight κ: mean over the layers, median "
            "over the seeds. Changes: knobs that are not as in the paper's recipe." + more,
        ),
        records=[asdict(one) for one in found],
        text_columns=3,
    )


def _score(one: SeededModel) -> str:
    if one.bits_per_character_mean is not None:
        return f"{one.bits_per_character_mean:.4f}" + _spread(one.bits_per_character_sd, "")
    if one.test_r2_mean is not None:
        return minus(f"{one.test_r2_mean:.4f}") + _spread(one.test_r2_sd, "")
    if one.test_accuracy_mean is None:
        return "–"
    spread = None if one.test_accuracy_sd is None else 100 * one.test_accuracy_sd
    return f"{100 * one.test_accuracy_mean:.2f} %" + _spread(spread, " %")


def _spread(deviation: float | None, unit: str) -> str:
    """Return the deviation over seeds; a number has as many decimals as its mean."""
    digits = 2 if unit else 4
    return "" if deviation is None else f" ± {deviation:.{digits}f}{unit}"


def _number(value: float | None) -> float:
    return math.nan if value is None else value
