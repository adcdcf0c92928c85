"""The answer to a user's own query, in the formats of a report; as data, row by row."""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

from cdbench.reports.escaping import csv_record, json_text
from cdbench.reports.formats import Report
from cdbench.system.printable import shortened

LONGEST_CELL = 300
"""Most characters of a cell in a table: of a longer text the middle is left out."""

SHOWN_BYTES = 8
"""Bytes that a table shows of a value of bytes; data has all of them, as hexadecimal digits."""

NULL = "NULL"

Row = Sequence[Any]


def answer_report(
    title: str,
    columns: Sequence[str],
    rows: Iterator[Row],
    limit: int | None = None,
    notes: Sequence[str] = (),
) -> tuple[Report, bool]:
    """Return a query's answer as a table, and whether it has more rows than that.

    Numbers are shown to six digits, NULL as such, and of long texts and of bytes the beginning.

    Parameters
    ----------
    title : str
        What stands above the table, behind the number of rows.
    columns : sequence of str
        Names of the columns.
    rows : iterator of sequence
        The rows; no more of them than needed are read.
    limit : int, optional
        Most rows to show.
    notes : sequence of str
        Sentences below the table.
    """
    names = unique(columns)
    shown = list(rows if limit is None else islice(rows, limit))
    more = limit is not None and next(rows, None) is not None
    numbers = frozenset(
        i for i in range(len(names)) if all(_is_number(row[i]) for row in shown) and shown
    ) - {i for i in range(len(names)) if all(row[i] is None for row in shown)}
    count = f"{'the first ' * more}{len(shown):,} row{'s' * (len(shown) != 1)}"
    report = Report(
        title=f"{title} · {count}",
        columns=names,
        rows=[[_cell(value) for value in row] for row in shown],
        notes=notes,
        records=[dict(zip(names, map(_plain, row), strict=True)) for row in shown],
        text_columns=len(names) - len(numbers),
        numbers=numbers,
    )
    return report, more


def answer_data(
    form: str, title: str, columns: Sequence[str], rows: Iterator[Row]
) -> Iterator[str]:
    """Yield a query's answer as CSV or JSON, a piece a row, as ``render`` gives that of a report.

    Parameters
    ----------
    form : str
        ``"csv"`` or ``"json"``.
    title : str
        The title in JSON.
    columns, rows
        As in ``answer_report``.
    """
    names = unique(columns)
    yield from (_csv if form == "csv" else _json)(title, names, rows)


def unique(names: Sequence[str]) -> list[str]:
    """Return the names, with a number behind each that was there before.

    Examples
    --------
    >>> unique(["model", "seed", "model"])
    ['model', 'seed', 'model_2']
    """
    found: list[str] = []
    for name in names:
        number, candidate = 1, name
        while candidate in found:
            number += 1
            candidate = f"{name}_{number}"
        found.append(candidate)
    return found


def _csv(_title: str, names: Sequence[str], rows: Iterator[Row]) -> Iterator[str]:
    yield _csv_line(names)
    for row in rows:
        yield _csv_line([*map(_plain, row)])


def _csv_line(cells: Sequence[Any]) -> str:
    safe = csv_record({str(i): cell for i, cell in enumerate(cells)})
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow(safe.values())
    return stream.getvalue()


def _json(title: str, names: Sequence[str], rows: Iterator[Row]) -> Iterator[str]:
    yield f'{{\n  "title": {json_text(title)},\n  "records": ['
    between = "\n"
    for row in rows:
        record = dict(zip(names, map(_plain, row), strict=True))
        text = json_text(record, indent=2).replace("\n", "\n    ")
        yield f"{between}    {text}"
        between = ",\n"
    yield '],\n  "notes": []\n}\n' if between == "\n" else '\n  ],\n  "notes": []\n}\n'


def _is_number(value: Any) -> bool:
    return value is None or (
        isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    )


def _cell(value: Any) -> str:
    match value:
        case None:
            return NULL
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float() | Decimal():
            return _rounded(float(value))
        case bytes() | memoryview():
            raw = bytes(value)
            more = "…" if len(raw) > SHOWN_BYTES else ""
            return f"{len(raw):,} bytes: {raw[:SHOWN_BYTES].hex()}{more}"
        case str():
            return shortened(" ".join(value.splitlines()), LONGEST_CELL)
    return str(value)


def _rounded(number: float) -> str:
    """Return a number to six digits, or whole where it is."""
    if not math.isfinite(number):
        return {math.inf: "Inf", -math.inf: "-Inf"}.get(number, "NaN")
    return f"{number:.0f}" if number.is_integer() and abs(number) < 1e15 else f"{number:.6g}"


def _plain(value: Any) -> Any:
    """Return a value as data have it."""
    match value:
        case Decimal():
            return float(value)
        case bytes() | memoryview():
            return bytes(value).hex()
        case None | bool() | int() | float() | str():
            return value
    return str(value)
