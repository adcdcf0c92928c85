"""A data set from a .csv file: numeric features and one label column."""

import csv
import io
import math
from array import array
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cdbench.datasets.cells import Cells, is_number
from cdbench.datasets.limits import open_regular, open_text
from cdbench.datasets.table import ENCODE, Table, of_blanks
from cdbench.errors import DatasetError, UnknownNameError

MEMORY_PER_BYTE = 40
"""Most memory that a file takes per byte, with all copies up to the first epoch. Measured: 10 to 15
for rows of short numbers, 30 for labels that all differ, and 34 for a file that is one line of
numbers. A test checks this."""

NAMED = 50
"""Most columns that an error names; for more, it says how many there are."""

Lines = Iterator[tuple[int, list[str]]]
"""Line number and cells of every line that is not blank."""


def read_csv(
    path: Path,
    label_column: str | None = None,
    header: bool | None = None,
    *,
    encode: bool = False,
    like: Table | None = None,
) -> Table:
    """Read a comma-separated file; its first line may name the columns. Labels may be any text.

    Parameters
    ----------
    path : Path
        UTF-8 text.
    label_column : str, optional
        Name of the label column, or its number, from 1, if there are no names; None is the last
        column.
    header : bool, optional
        Whether the first line names the columns; None means as ``has_header`` finds.
    encode : bool, optional
        Whether columns may hold text, and cells may be blank.
    like : Table, optional
        Of a file with the same columns: where it has text, this has too.

    Returns
    -------
    Table

    Raises
    ------
    DatasetError
        If the file cannot be read, would not fit into memory, or a feature is not a finite number.
    UnknownNameError
        If no column is called ``label_column``.
    """
    try:
        with open_text(path, MEMORY_PER_BYTE) as text:
            cells = Cells(path, like.texts if like is not None else ())
            if encode and like is None:
                for _, row, _ in _rows(path, lines_of(text), label_column, header).rows:
                    cells.survey(row)
                text.seek(0)
            return _read(path, lines_of(text), label_column, header, cells if encode else None)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        hint = "; expected text in UTF-8" * isinstance(error, UnicodeDecodeError)
        raise DatasetError(f"{path}: cannot be read as .csv ({error}){hint}") from None


def has_header(path: Path, label_column: str | None = None) -> bool:
    """Return whether the first line of a readable file names the columns.

    A line of numbers, perhaps except for the label, is a sample.
    """
    with open_regular(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig") as text:
        return names_columns(next(lines_of(text))[1], label_column)


def names_columns(cells: list[str], label_column: str | None) -> bool:
    """Return whether a first line names the columns."""
    if label_column is None:
        return not all(map(is_number, cells[:-1]))
    if _column_number(label_column, len(cells)) is None:
        return True
    return sum(not is_number(cell) for cell in cells) > 1


def _column_number(label_column: str, width: int) -> int | None:
    """Return the word as a column number, from 1, or None if there is no such column."""
    is_number = label_column.isascii() and label_column.isdigit()
    return int(label_column) if is_number and 1 <= int(label_column) <= width else None


def lines_of(text: io.TextIOWrapper) -> Lines:
    """Yield the lines that are not blank."""
    reader = csv.reader(text)
    for cells in reader:
        if any(map(str.strip, cells)):
            yield reader.line_num, cells


class _Rows(NamedTuple):
    """The rows of a file, one at a time: line, cells of features, label."""

    columns: tuple[str, ...] | None
    rows: Iterator[tuple[int, list[str], str]]
    label: int
    width: int


def _rows(path: Path, lines: Lines, label_column: str | None, header: bool | None) -> _Rows:
    first = next(lines, None)
    if first is None:
        raise DatasetError(f"{path}: is empty, expected rows of numbers with a label each")
    width = len(first[1])
    if width < 2:
        raise DatasetError(
            f"{path}: got {width} column, expected features and a label, separated by commas"
        )
    names = None
    if names_columns(first[1], label_column) if header is None else header:
        names = column_names(path, first[1])
        first = next(lines, None)
    label = label_index(path, names, label_column, width)
    if first is None:
        raise DatasetError(f"{path}: got a header but no rows, expected samples below it")
    columns = tuple(names[:label] + names[label + 1 :]) if names is not None else None
    return _Rows(columns, _checked(path, chain([first], lines), label, width), label, width)


def _checked(
    path: Path, lines: Lines, label: int, width: int
) -> Iterator[tuple[int, list[str], str]]:
    for number, cells in lines:
        if len(cells) != width:
            raise DatasetError(
                f"{path}, line {number}: got {len(cells)} columns, expected {width} as in line 1"
            )
        name = cells.pop(label).strip()
        if not name:
            raise DatasetError(f"{path}, line {number}: has no label, expected one in every row")
        yield number, cells, name


def _read(
    path: Path,
    lines: Lines,
    label_column: str | None,
    header: bool | None,
    encoded: Cells | None,
) -> Table:
    columns, rows, label, width = _rows(path, lines, label_column, header)
    # Only one row is kept as text at a time: cells take ten times as much memory as numbers.
    features, codes, numbers = array("d"), array("q"), dict[str, int]()
    if encoded is not None and columns is not None:
        encoded.names = columns
    for number, cells, name in rows:
        codes.append(numbers.setdefault(name, len(numbers)))
        if encoded is None:
            features.extend(_features(path, number, cells, label, columns))
        else:
            features.extend(encoded.numbers(number, cells))
    if header is None and columns is None:
        _check_first_label(path, next(iter(numbers)), codes.count(0))
    X = np.frombuffer(features, dtype=np.float64).reshape(-1, width - 1)
    y, classes = sorted_classes(np.frombuffer(codes, dtype=np.int64), list(numbers))
    texts = () if encoded is None else encoded.sorted_texts(X) or of_blanks(X)
    return Table(str(path), X, y, classes, columns, texts)


def _check_first_label(path: Path, label: str, n_rows: int) -> None:
    """Raise DatasetError where only line 1 has its label: it probably names the columns."""
    if n_rows == 1 and not math.isfinite(number_of(label)):
        raise DatasetError(
            f"{path}: only line 1 has the label {label!r}; expected --header yes if that line "
            "names the columns, else at least 2 rows of each class"
        )


def sorted_classes(
    y: NDArray[np.int64], labels: list[str]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return classes in sorted order, whatever their order in the file, and their names."""
    classes = sorted(labels)
    position = {label: i for i, label in enumerate(classes)}
    order = np.array([position[label] for label in labels])
    return order[y], tuple(classes)


def column_names(path: Path, cells: list[str]) -> list[str]:
    """Return the names of columns; DatasetError if two have the same."""
    names = [name.strip() for name in cells]
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise DatasetError(f"{path}: two columns are called {name!r}, expected one of each")
    return names


def label_index(path: Path, names: list[str] | None, label_column: str | None, width: int) -> int:
    """Return the place of the label column, or raise DatasetError or UnknownNameError."""
    if label_column is None:
        return width - 1
    if names is None:
        number = _column_number(label_column, width)
        if number is None:
            raise DatasetError(
                f"{path}: has no header, so no column is called {label_column!r}; expected "
                f"its number, 1 to {width}, or --header yes"
            )
        return number - 1
    if label_column not in names:
        hint = f"and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
        raise UnknownNameError(f"column of {path}", label_column, names[:NAMED], hint)
    return names.index(label_column)


def _features(
    path: Path, line: int, cells: list[str], label: int, columns: tuple[str, ...] | None
) -> list[float]:
    values = [number_of(cell) for cell in cells]
    for i, value in enumerate(values):
        if not math.isfinite(value):
            where = repr(columns[i]) if columns else str(i + (i >= label) + 1)
            raise DatasetError(
                f"{path}, line {line}, column {where}: got {cells[i].strip()!r}, expected a finite "
                "number (only one column may hold labels: the last, or --label-column NAME; "
                f"{ENCODE})"
            )
    return values


def number_of(cell: str) -> float:
    """Return the cell as a number, or NaN if it is not one."""
    try:
        return float(cell)
    except ValueError:
        return math.nan
