"""Exported rows as files: CSV, JSON lines and Parquet."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import PurePath
from typing import Any

from cdbench.errors import ConfigurationError, UnknownNameError
from cdbench.reports.escaping import csv_cell, json_text
from cdbench.store.run_export import TIME, Exported

CSV, PARQUET = "csv", "parquet"

KEPT_TEXTS = 10_000
"""Texts that are made safe once, since most occur in many rows."""

ENDINGS = {".csv": CSV, ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": PARQUET}
"""Formats by the ending of a file's name."""


def export_format(name: str | None, file: str | None) -> str:
    """Return the format that is meant: the one named, else by a file's ending, else CSV.

    Raises
    ------
    UnknownNameError
        If there is no such format.
    ConfigurationError
        If the ending stands for none.
    """
    if name is not None:
        if name not in FORMATS:
            raise UnknownNameError("format", name, FORMATS)
        return name
    ending = PurePath(file or "").suffix.lower()
    if ending and ending not in ENDINGS:
        raise ConfigurationError(
            f"--output {file}: no format has the ending {ending}; expected {', '.join(ENDINGS)}, "
            f"or --format {'|'.join(FORMATS)}"
        )
    return ENDINGS.get(ending, CSV)


def file_parts(exported: Exported, format_name: str) -> Iterator[bytes]:
    """Return an iterator over the file's bytes, some rows at a time.

    Raises
    ------
    ConfigurationError
        If the format is Parquet, and pyarrow is not installed.
    """
    return FORMATS[format_name](exported)


def _csv(exported: Exported) -> Iterator[bytes]:
    """Yield CSV: no value is an empty cell, like an empty text; text is made safe to open."""
    cell = lru_cache(KEPT_TEXTS)(csv_cell)
    yield _csv_lines([[column.name for column in exported.columns]])
    texts = [place for place, one in enumerate(exported.columns) if one.kind == "text"]
    for rows in exported.rows:
        yield _csv_lines(_with_cells(rows, texts, cell))


def _with_cells(
    rows: Sequence[Sequence[Any]], texts: Sequence[int], cell: Callable[[Any], Any]
) -> Iterator[Sequence[Any]]:
    for row in rows:
        values = list(row)
        for place in texts:
            values[place] = cell(values[place])
        yield values


def _csv_lines(rows: Any) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue().encode()


def _jsonl(exported: Exported) -> Iterator[bytes]:
    """Yield one JSON object a row; an infinite number is the text "Infinity"."""
    names = [column.name for column in exported.columns]
    for rows in exported.rows:
        lines = (json_text(dict(zip(names, row, strict=True))) for row in rows)
        yield "".join(f"{line}\n" for line in lines).encode()


def _parquet(exported: Exported) -> Iterator[bytes]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise ConfigurationError(
            "Parquet needs pyarrow; to install it: pip install 'cdbench[parquet]', or without it: "
            "--format jsonl"
        ) from None
    types = {
        "text": pa.string(),
        "whole": pa.int64(),
        "number": pa.float64(),
        "truth": pa.bool_(),
        "time": pa.timestamp("us", tz="UTC"),
    }
    schema = pa.schema([(column.name, types[column.kind]) for column in exported.columns])
    return _parquet_parts(exported, schema, pa, parquet)


def _parquet_parts(exported: Exported, schema: Any, pa: Any, parquet: Any) -> Iterator[bytes]:
    stream = io.BytesIO()
    with parquet.ParquetWriter(stream, schema) as writer:
        for rows in exported.rows:
            columns = [
                pa.array(map(_moment, values) if one.kind == "time" else values, field.type)
                for one, field, values in zip(
                    exported.columns, schema, zip(*rows, strict=True), strict=True
                )
            ]
            writer.write_table(pa.table(columns, schema=schema))
    yield stream.getvalue()


def _moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.strptime(value, TIME).replace(tzinfo=UTC)


FORMATS: dict[str, Callable[[Exported], Iterator[bytes]]] = {
    CSV: _csv,
    "jsonl": _jsonl,
    PARQUET: _parquet,
}
