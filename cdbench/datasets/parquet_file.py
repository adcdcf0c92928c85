"""Features and labels from a Parquet file, by pyarrow (extra ``parquet``)."""

from pathlib import Path
from typing import Any

import numpy as np

from cdbench.datasets.csv_file import label_index, sorted_classes
from cdbench.datasets.limits import COPIES, check_fits, open_regular
from cdbench.datasets.table import ENCODE, MOST_TEXTS, Table, of_blanks
from cdbench.datasets.wanted import Features, Wanted
from cdbench.engine.products.base import Array
from cdbench.errors import ConfigurationError, DatasetError


def read_parquet(
    path: Path, label_column: str | None = None, *, encode: bool = False, like: Table | None = None
) -> Table:
    """Read a Parquet file: columns of numbers or, with ``encode``, of text and blanks.

    Parameters
    ----------
    path, label_column, encode, like
        As for ``read_csv``.

    Raises
    ------
    ConfigurationError
        If pyarrow is not installed.
    DatasetError
        If the file cannot be read, would not fit into memory, or a column is of another type.
    UnknownNameError
        If no column is called ``label_column``.
    """
    table = _opened(path)
    names = list(table.column_names)
    label = label_index(path, names, label_column, len(names))
    if len(names) < 2 or not table.num_rows:
        raise DatasetError(
            f"{path}: got {table.num_rows} rows of {len(names)} columns, expected features and a "
            "label"
        )
    columns = tuple(names[:label] + names[label + 1 :])
    known = like.texts if like is not None else ()
    read = [
        _column(path, name, table.column(name), encode, known[i] if known else None)
        for i, name in enumerate(columns)
    ]
    X = np.column_stack([values for values, _ in read])
    texts = tuple(own for _, own in read)
    y, classes = _classes(path, names[label], table.column(names[label]))
    return Table(str(path), X, y, classes, columns, texts if any(texts) else of_blanks(X))


def read_parquet_features(path: Path, wanted: Wanted) -> Features:
    """Read the features that a network was trained on, and labels where there are any.

    Errors are those of ``read_parquet``; DatasetError is also raised if features are missing.
    """
    table = _opened(path)
    names = list(table.column_names)
    found = wanted.places(path, names, len(names))
    if not table.num_rows:
        raise DatasetError(f"{path}: has no rows, expected samples")
    own = [names[place] for place in found.features]
    read = [
        _column(path, name, table.column(name), bool(wanted.texts), texts)
        for name, texts in zip(own, wanted.texts or [None] * len(own), strict=True)
    ]
    X = np.column_stack([values for values, _ in read])
    if found.label is None:
        return Features(X, None, found.unused)
    cells = table.column(names[found.label]).to_pylist()
    labels = tuple("" if one is None else str(one).strip() for one in cells)
    return Features(X, labels, found.unused)


def _opened(path: Path) -> Any:
    """Return a file's table; errors are those of ``read_parquet``."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise ConfigurationError(
            f"{path}: reading Parquet needs pyarrow, which is not installed; type: "
            "pip install 'cdbench[parquet]', or save it as .csv"
        ) from None
    try:
        with open_regular(path) as raw, parquet.ParquetFile(raw) as file:
            n_cells = file.metadata.num_rows * file.metadata.num_columns
            check_fits(path, f"{n_cells:,} cells", 8 * COPIES * n_cells)
            return file.read()
    except (OSError, pa.ArrowException) as error:
        said = str(error).splitlines()[0]
        raise DatasetError(f"{path}: cannot be read as .parquet ({said})") from None


def _column(
    path: Path, name: str, column: Any, encode: bool, known: tuple[str, ...] | None
) -> tuple[Array, tuple[str, ...]]:
    """Return a column's numbers, NaN for nulls, or the places of its texts, and the texts."""
    from pyarrow import types

    kind = column.type.value_type if types.is_dictionary(column.type) else column.type
    if types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind):
        values = np.array([np.nan if one is None else one for one in column.to_pylist()], float)
        fine = np.isfinite(values) | (encode & np.isnan(values))
        if known or not fine.all():
            raise _refused(path, name, int(fine.argmin()), column, "a finite number")
        return values, ()
    if not (types.is_string(kind) or types.is_large_string(kind)):
        raise DatasetError(
            f"{path}, column {name!r}: holds {column.type}, expected numbers or text"
        )
    cells = [None if one is None or not one.strip() else one.strip() for one in column.to_pylist()]
    if not encode or known == ():
        raise _refused(path, name, 0, column, "a finite number")
    texts = tuple(sorted({one for one in cells if one is not None})) if known is None else known
    if len(texts) > MOST_TEXTS:
        raise DatasetError(
            f"{path}, column {name!r}: has {len(texts):,} different texts, expected at most "
            f"{MOST_TEXTS:,} to encode; leave the column out"
        )
    place = {text: float(i) for i, text in enumerate(texts)}
    return np.array([np.nan if one is None else place.get(one, -1.0) for one in cells]), texts


def _refused(path: Path, name: str, row: int, column: Any, expected: str) -> DatasetError:
    return DatasetError(
        f"{path}, column {name!r}, row {row + 1}: got {column[row].as_py()!r}, expected {expected} "
        f"({ENCODE})"
    )


def _classes(path: Path, name: str, column: Any) -> tuple[Array, tuple[str, ...]]:
    labels = ["" if one is None else str(one).strip() for one in column.to_pylist()]
    if "" in labels:
        raise DatasetError(
            f"{path}, column {name!r}, row {labels.index('') + 1}: has no label, expected one in "
            "every row"
        )
    numbers = {label: i for i, label in enumerate(dict.fromkeys(labels))}
    y = np.array([numbers[label] for label in labels], dtype=np.int64)
    return sorted_classes(y, list(numbers))
