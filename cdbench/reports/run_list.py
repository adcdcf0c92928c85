"""Lists of runs: one a line, short enough for the terminal."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from cdbench.records.run import COMPLETED, short_error
from cdbench.reports.cutting import cut_to_width, fits
from cdbench.reports.formats import Report
from cdbench.reports.shared_settings import in_words, settings_of, told_apart
from cdbench.reports.statistics import format_count, format_kappa, format_loss, format_percent
from cdbench.statistics.numerals import minus
from cdbench.store.run_lists import RunList

COLUMNS = (
    *("run_id", "model", "dataset", "changes", "tag", "note"),
    *("seed", "status", "score", "started_at"),
)
"""What is listed where nothing else is asked for; tables have tags and notes if there are any."""

NONE = "–"


def usual(*, removed: bool) -> tuple[str, ...]:
    """Return what is listed of runs, or of those in the trash."""
    return (*COLUMNS[:-1], "removed_at") if removed else COLUMNS


HEADINGS = {
    "run_id": "Run",
    "model": "Model",
    "dataset": "Data set",
    "changes": "Changes",
    "seed": "Seed",
    "status": "Status",
    "score": "Score",
    "started_at": "When (UTC)",
    "tag": "Tags, note",
    "note": "Note",
    "removed_at": "Removed",
}
"""Headings of the columns that are listed by default; others are headed by their names."""

ELASTIC = ("model", "dataset", "changes", "tag")
"""Columns whose cells are cut where a line would be too long, the most important first."""

TEXTS = (*ELASTIC, "note", "status", "error", "uuid", "widths", "hidden", "family", "structure")
"""Columns of text, as far as they matter to what is aligned to the right."""

NARROW = 100
"""Columns of a terminal below which there is no room for everything."""

FIRST = ("run_id", "model", "dataset")

SHARES = ("test_accuracy", "validation_accuracy", "balanced_accuracy")


def run_list_report(found: RunList, source: str, width: int | None = None) -> Report:
    """Return a table of runs.

    Of the usual columns, data set and settings that all runs share are told once, below the table.

    Parameters
    ----------
    found : RunList
        The runs.
    source : str
        Where they are, for the title.
    width : int, optional
        Columns of the terminal, for which long cells are cut; without, nothing is.
    """
    notes = ["Score: test accuracy after the last epoch, or of a regression R²."]
    is_usual = found.columns in (usual(removed=False), usual(removed=True))
    if is_usual:
        columns, shared = _usual_columns(found.rows, found.columns[-1], width)
        if shared:
            notes.insert(0, f"All: {', '.join(shared)}.")
    else:
        columns = [
            (name, HEADINGS.get(name, name), [_cell(name, row) for row in found.rows])
            for name in found.columns
        ]
    names, headings, cells = zip(*columns, strict=True)
    rows = [list(row) for row in zip(*cells, strict=True)]
    if width is not None and is_usual:
        elastic = [names.index(name) for name in ELASTIC if name in names]
        rows = cut_to_width(headings, rows, elastic, width)
    return Report(
        title=f"{_counted(found)} in {source}",
        columns=headings,
        rows=rows,
        notes=notes if "score" in names else (),
        records=[_record(found.columns, row) for row in found.rows],
        fields=found.columns,
        text_columns=max(
            (place for place, name in enumerate(names, 1) if name in TEXTS), default=1
        ),
    )


def _usual_columns(
    rows: Sequence[dict[str, Any]], when: str, width: int | None
) -> tuple[list[tuple[str, str, list[str]]], list[str]]:
    """Return names, headings and cells of a table of the usual columns, and what all rows share.

    A status is told in place of the score where a run did not complete, and tags and notes are in
    one column, if there are any. They leave no room for changes on a narrow terminal. Where there
    is no room for all either, nor is there for a day that all runs share.
    """
    now = datetime.now(UTC)
    is_narrow = width is not None and width < NARROW
    shared, changes = told_apart([settings_of(row) for row in rows])
    labels = [_label(row) for row in rows]
    of_all = [_one([row["dataset"] for row in rows]), in_words(shared)]
    columns = [(name, HEADINGS[name], [shown(name, row[name]) for row in rows]) for name in FIRST]
    if of_all[0]:
        columns.pop()
    names = {name for change in changes for name in change}
    if len(names) == 1:  # whose name is the heading, then
        columns.append(
            ("changes", "".join(names), ["".join(change.values()) for change in changes])
        )
    elif names and not (is_narrow and any(labels)):
        columns.append(("changes", HEADINGS["changes"], [in_words(change) for change in changes]))
    if any(labels):
        columns.append(("tag", HEADINGS["tag"], labels))
    seeds = [shown("seed", row["seed"]) for row in rows]
    if len(rows) > 1 and _one(seeds):
        of_all.append(f"seed {seeds[0]}")
    else:
        columns.append(("seed", HEADINGS["seed"], seeds))
    columns.append(("score", HEADINGS["score"], [_score(row) for row in rows]))
    columns.append((when, HEADINGS[when], [_moment(row[when], now) for row in rows]))
    day = _one([_day(row[when], now) for row in rows])
    if day and width is not None and not fits([column[1:] for column in columns], width):
        of_all.append(f"{when.removesuffix('_at')} {day}")
        columns[-1] = (when, "UTC", [f"{row[when]:%H:%M}" for row in rows])
    return columns, [words for words in of_all if words]


def _one(values: Sequence[str]) -> str | None:
    """Return the value of all, if there is one."""
    return values[0] if len(set(values)) == 1 else None


def _counted(found: RunList) -> str:
    number = f"{found.n_found:,} run" + "s" * (found.n_found != 1)
    return f"{len(found.rows):,} of {number}" if len(found.rows) < found.n_found else number


def _record(columns: Sequence[str], row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat(timespec="microseconds") if isinstance(value, datetime) else value
        for name in columns
        for value in (row[name],)
    }


def _cell(name: str, row: dict[str, Any]) -> str:
    value = row[name]
    if name == "score":
        return NONE if value is None else format_one_score(value, row["task"])
    return shown(name, value)


def _score(row: dict[str, Any]) -> str:
    return _cell("score", row) if row["status"] == COMPLETED else str(row["status"])


def _label(row: dict[str, Any]) -> str:
    """Return tags and note in one line."""
    note = " ".join((row["note"] or "").split())
    return ": ".join(filter(None, (row["tag"], note)))


def _day(moment: datetime, now: datetime) -> str:
    return f"{moment:%m-%d}" if moment.year == now.year else f"{moment:%Y-%m-%d}"


def _moment(moment: datetime, now: datetime) -> str:
    day = _day(moment, now)
    return f"{day} {moment:%H:%M}" if moment.year == now.year else day


def format_one_score(score: float, task: str) -> str:
    """Return a test accuracy in percent, or R² of a regression."""
    return minus(f"{score:.4f}") if task == "regression" else format_percent([score])


def shown(name: str, value: Any) -> str:
    """Return a column's value as people read it."""
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, float | int):
        return _number_format(name, value)(value)
    return short_error(str(value)) if name == "error" else " ".join(str(value).split())


def _number_format(name: str, value: float) -> Callable[[Any], str]:
    if name in SHARES:
        return lambda share: format_percent([share])
    if name.endswith("kappa"):
        return format_kappa
    if name.endswith("loss"):
        return lambda loss: format_loss([loss])
    if name == "n_parameters":
        return format_count
    return str if isinstance(value, int) else lambda number: minus(f"{number:.6g}")
