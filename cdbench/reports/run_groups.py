"""Runs in groups: how many, and mean and deviation of what they reached."""

from collections.abc import Sequence
from typing import Any

from cdbench.errors import ConfigurationError
from cdbench.records.run import COMPLETED
from cdbench.reports.formats import Report
from cdbench.reports.run_list import HEADINGS, NONE, shown
from cdbench.reports.shared_settings import in_words, settings_of
from cdbench.reports.statistics import format_count, format_kappa, format_percent, over_measured
from cdbench.statistics.averages import deviation, mean, median
from cdbench.statistics.numerals import minus
from cdbench.store.run_lists import RunList

GROUP_COLUMNS = (
    *("dataset", "task", "status", "score", "weight_kappa"),
    *("n_parameters", "seconds_per_epoch"),
)
"""What the statistics are made of; runs of two data sets or tasks are never in one group."""


def run_groups_report(
    found: RunList, by: Sequence[str], source: str, sort: str | None, limit: int | None
) -> tuple[Report, int]:
    """Return a table of groups of runs, and how many more there are than it has.

    Parameters
    ----------
    found : RunList
        The runs, with ``by`` and ``GROUP_COLUMNS``.
    by : sequence of str
        Columns in which the runs of a group agree; they agree in data set and task too.
    source : str
        Where the runs are, for the title.
    sort : str, optional
        What to order the groups by, with - before it for the largest first; by default data set,
        and then ``by``.
    limit : int, optional
        How many groups to show at most.

    Raises
    ------
    ConfigurationError
        If groups cannot be ordered by that.
    """
    names = [*by, *(["dataset"] if "dataset" not in by else [])]
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for found_row in found.rows:
        row = found_row
        if "changes" in by:  # the data set has a column of its own
            row = row | {"changes": in_words(settings_of(row))}
        groups.setdefault((*(row[name] for name in names), row["task"]), []).append(row)
    records = [
        dict(zip((*names, "task"), key, strict=True)) | _statistics(rows)
        for key, rows in groups.items()
    ]
    records.sort(key=lambda record: [_order(record[name]) for name in ("dataset", *names)])
    if sort is not None:
        _sort(records, sort)
    shown_records = records[:limit]
    report = Report(
        title=f"{found.n_found:,} run{'s' * (found.n_found != 1)} in {source}, by {', '.join(by)}",
        columns=(*(HEADINGS.get(name, name) for name in names), *_HEADINGS),
        rows=[_cells(record, names) for record in shown_records],
        notes=(
            "Score: test accuracy, or of a regression R², mean ± standard deviation (ddof 0) over "
            "the completed runs.",
            "weight κ: mean over layers, median over runs. To keep other settings apart: --by "
            f"{' '.join(by)} changes"
            if "changes" not in by
            else "weight κ: mean over layers, median over runs.",
        ),
        records=shown_records,
        fields=(*names, "task", *_statistics(())),
        text_columns=len(names),
    )
    return report, len(records) - len(shown_records)


_HEADINGS = ("Runs", "Score", "weight κ", "Parameters", "s/epoch")


def _statistics(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    done = [row for row in rows if row["status"] == COMPLETED]
    scores = [row["score"] for row in done if row["score"] is not None]
    kappas = [row["weight_kappa"] for row in done if row["weight_kappa"] is not None]
    sizes = [row["n_parameters"] for row in rows if row["n_parameters"] is not None]
    times = [row["seconds_per_epoch"] for row in done if row["seconds_per_epoch"] is not None]
    return {
        "n_runs": len(rows),
        "n_completed": len(done),
        "score_mean": mean(scores) if scores else None,
        "score_sd": deviation(scores) if scores else None,
        "weight_kappa_median": median(kappas) if kappas else None,
        "n_parameters_min": min(sizes, default=None),
        "n_parameters_max": max(sizes, default=None),
        "seconds_per_epoch_mean": mean(times) if times else None,
    }


def _cells(record: dict[str, Any], names: Sequence[str]) -> list[str]:
    n_runs, n_done = record["n_runs"], record["n_completed"]
    least, most = record["n_parameters_min"], record["n_parameters_max"]
    sizes = NONE if least is None else format_count(least)
    if least != most:
        sizes += f"…{format_count(most)}"
    time = record["seconds_per_epoch_mean"]
    return [
        *(shown(name, record[name]) for name in names),
        f"{n_runs:,}" if n_done == n_runs else f"{n_done:,}/{n_runs:,}",
        _score(record),
        format_kappa(over_measured(median, [record["weight_kappa_median"]])),
        sizes,
        NONE if time is None else f"{time:.4f}",
    ]


def _score(record: dict[str, Any]) -> str:
    """Return mean ± deviation of the scores."""
    average, spread = record["score_mean"], record["score_sd"]
    if average is None:
        return NONE
    is_alone = record["n_completed"] == 1
    if record["task"] == "regression":
        return minus(f"{average:.4f}") + ("" if is_alone else f" ± {spread:.4f}")
    return format_percent([average]) + ("" if is_alone else f" ± {100 * spread:.2f} %")


def _order(value: Any) -> tuple[bool, float, str]:
    """Return what orders values of any kind: missing ones first, numbers, then texts."""
    if isinstance(value, int | float):
        return (True, float(value), "")
    return (value is not None, 0.0, str(value))


def _sort(records: list[dict[str, Any]], sort: str) -> None:
    name = sort.removeprefix("-")
    known = list(records[0]) if records else []
    for meant in (name, f"{name}_mean", f"{name}_median", f"{name}_min"):
        if meant in known:
            name = meant
            break
    else:
        if known:
            raise ConfigurationError(
                f"--sort: groups have no {name}; expected one of {', '.join(known)}"
            )
        return
    there = [record for record in records if record[name] is not None]
    missing = [record for record in records if record[name] is None]
    there.sort(key=lambda record: _order(record[name]), reverse=sort.startswith("-"))
    records[:] = [*there, *missing]
