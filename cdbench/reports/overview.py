"""What a database holds, data set by data set, and which reports tell more of it."""

from collections.abc import Sequence
from typing import Any

from cdbench.config.run_config import RunConfig
from cdbench.reports.formats import Report
from cdbench.statistics.numerals import minus
from cdbench.store.overview_queries import FEWEST_SEEDS, Contents, OnDataset


def overview(found: Contents) -> Report:
    """Return the table of the data sets, with what else there is and how to see it."""
    return Report(
        title=_title(found),
        columns=["Data set", "Best model", "its mean", "Runs", "Models", "Settings"],
        rows=[_row(own) for own in found.datasets],
        notes=[
            f"Best: the largest mean, accuracy or R², of a setting with {FEWEST_SEEDS} seeds or "
            "more, chosen after the fact, so that it flatters. Settings: configurations apart from "
            "the seed.",
            "",
            *_next(found),
        ],
        records=[_record(own) for own in found.datasets],
        text_columns=2,
    )


def _title(found: Contents) -> str:
    lost = f", {found.n_lost:,} others" if found.n_lost else ""
    runs = "run" if found.n_completed == 1 else "runs"
    return f"{found.source} · {found.n_completed:,} completed {runs}{lost}"


def _next(found: Contents) -> list[str]:
    """Return what else there is, each with the option that shows it."""
    names, counts = found.names, found.counts
    lines = [("--table1", "the paper's Table 1, published beside measured")]
    if counts["claims"]:
        lines.append(("--claims --short", f"the paper's claims, {counts['claims']} judged"))
    if names["comparisons"]:
        lines.append(("--compare", _some(names["comparisons"], "comparison", "--name NAME")))
    if names["studies"]:
        lines.append(("--study NAME", _some(names["studies"], "study", "NAME")))
    if names["sweeps"]:
        lines.append(("--sweep", "what the last sweep ended with"))
    if counts["benchmarks"]:
        lines.append(("--benchmark", "times of a layer, dense and by each product"))
    lines += [("--group-by COLUMN ...", "runs by their knobs"), ("--list", "every report")]
    return ["More, with cdbench report", *(f"  {words:23}{told}" for words, told in lines)]


def _some(names: Sequence[str], kind: str, asked: str) -> str:
    if len(names) == 1:
        return f"the {kind} {names[0]}"
    return f"the newest of {len(names)}; others by {asked}, such as {names[-1]}"


def _row(own: OnDataset) -> list[str]:
    counts = [f"{own.n_runs:,}", f"{own.n_models:,}", f"{own.n_settings:,}"]
    return [own.dataset, _best(own), _score(own), *counts]


def _best(own: OnDataset) -> str:
    """Return the best model, with its hidden widths where they are not the usual ones."""
    if own.best_model is None:
        return "–"
    usual = own.best_hidden in {None, " ".join(map(str, RunConfig().hidden))}
    return own.best_model if usual else f"{own.best_model} hidden={own.best_hidden}"


def _score(own: OnDataset) -> str:
    if own.best is None:
        return "–"
    return f"{100 * own.best:.2f} %" if own.is_accuracy else minus(f"{own.best:.4f}")


def _record(own: OnDataset) -> dict[str, Any]:
    return {
        "dataset": own.dataset,
        "n_runs": own.n_runs,
        "n_models": own.n_models,
        "n_settings": own.n_settings,
        "best_mean": own.best,
        "best_of": "test_accuracy" if own.is_accuracy else "test_r2",
        "best_model": own.best_model,
        "best_hidden": own.best_hidden,
    }


def reports_listed(found: Sequence[Sequence[str]], source: str) -> Report:
    """Return the table of all reports: option, what it shows, and how many there are of it."""
    return Report(
        title=f"Reports of {source}",
        columns=["Option", "Shows", "Stored"],
        rows=found,
        notes=["All of them: --format table, markdown, latex, csv or json, and --output FILE."],
        records=[dict(zip(("option", "shows", "stored"), row, strict=True)) for row in found],
        text_columns=2,
    )
