"""Lists of runs: one a line, short enough for the terminal."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from cdbench.records.run import COMPLETED
from cdbench.reports.cutting import cut_to_width
from cdbench.reports.formats import Report
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

SHARES = ("test_accuracy", "validation_accuracy", "balanced_accuracy")


def run_list_report(found: RunList, source: str, width: int | None = None) -> Report:
    """Return a table of runs.

    Parameters
    ----------
    found : RunList
        The runs.
    source : str
        Where they are, for the title.
    width : int, optional
        Columns of the terminal, for which long cells are cut; without, nothing is.
    """
    now = datetime.now(UTC)
    is_usual = found.columns in (usual(removed=False), usual(removed=True))
    columns = _of_usual(found.rows, found.columns, width) if is_usual else found.columns
    rows = [[_cell(name, row, now, is_usual) for name in columns] for row in found.rows]
    headings = [HEADINGS.get(name, name) for name in columns]
    if width is not None and is_usual:
        elastic = [columns.index(name) for name in ELASTIC if name in columns]
        rows = cut_to_width(headings, rows, elastic, width)
    texts = [place for place, name in enumerate(columns, 1) if name in TEXTS]
    return Report(
        title=f"{_counted(found)} in {source}",
        columns=headings,
        rows=rows,
        notes=("Score: test accuracy after the last epoch, or of a regression R².",)
        if "score" in columns
        else (),
        records=[_record(found.columns, row) for row in found.rows],
        text_columns=max(texts, default=1),
    )


def _of_usual(
    rows: Sequence[dict[str, Any]], columns: Sequence[str], width: int | None
) -> tuple[str, ...]:
    """Return the columns that a table of the usual ones has.

    A status is told in place of the score where a run did not complete, and tags and notes are in
    one column, if there are any. They leave no room for changes on a narrow terminal.
    """
    left_out = {"status", "note"}
    if not any(row["tag"] or row["note"] for row in rows):
        left_out.add("tag")
    elif width is not None and width < NARROW:
        left_out.add("changes")
    return tuple(name for name in columns if name not in left_out)


def _counted(found: RunList) -> str:
    number = f"{found.n_found:,} run" + "s" * (found.n_found != 1)
    return f"{len(found.rows):,} of {number}" if len(found.rows) < found.n_found else number


def _record(columns: Sequence[str], row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat(timespec="microseconds") if isinstance(value, datetime) else value
        for name in columns
        for value in (row[name],)
    }


def _cell(name: str, row: dict[str, Any], now: datetime, is_usual: bool) -> str:
    value = row[name]
    if name == "score":
        if is_usual and row["status"] != COMPLETED:
            return str(row["status"])
        return NONE if value is None else format_one_score(value, row["task"])
    if is_usual and name == "changes":  # its data set is beside it
        return str(value).replace(f"dataset={row['dataset']}", "", 1).strip()
    if is_usual and name == "tag":
        note = " ".join((row["note"] or "").split())
        return f"{value or ''}{': ' * bool(value and note)}{note}"
    if is_usual and name in ("started_at", "removed_at"):
        return f"{value:%m-%d %H:%M}" if value.year == now.year else f"{value:%Y-%m-%d}"
    return shown(name, value)


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
    lines = str(value).strip().splitlines()  # of an error, which may be a traceback, the last
    return lines[-1] if lines else ""


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
