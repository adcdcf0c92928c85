"""A data set from a .csv file: numeric features and one label column."""

import csv
from pathlib import Path

import numpy as np

from cdbench.datasets.base import Dataset, dataset_from_arrays
from cdbench.errors import DatasetError, UnknownNameError


def read_csv(path: Path, label_column: str | None = None) -> Dataset:
    """Read a comma-separated file; its first line may name the columns.

    The first line is taken for names if a feature in it is no number. Labels may be any text.

    Parameters
    ----------
    path : Path
        UTF-8 text.
    label_column : str, optional
        Name of the column of labels; the last one where it is None.

    Returns
    -------
    Dataset

    Raises
    ------
    DatasetError
        If the file cannot be read, or a feature is not a finite number.
    UnknownNameError
        If no column is called ``label_column``.
    """
    lines = _read_lines(path)
    width = len(lines[0][1])
    if width < 2:
        raise DatasetError(f"{path}: got {width} column, expected features and a label, by commas")
    names = None
    if label_column is not None or not all(map(_is_number, lines[0][1][:-1])):
        names = [name.strip() for name in lines[0][1]]
        lines = lines[1:]
        for name in names:
            if names.count(name) > 1:
                raise DatasetError(f"{path}: two columns are called {name!r}, expected one of each")
    label = _label_index(path, names, label_column, width)
    if not lines:
        raise DatasetError(f"{path}: got a header and no rows, expected samples below it")
    X = np.empty((len(lines), width - 1))
    labels = []
    for row, (number, cells) in enumerate(lines):
        if len(cells) != width:
            raise DatasetError(
                f"{path}, line {number}: got {len(cells)} columns, expected {width} as in line 1"
            )
        labels.append(cells.pop(label).strip())
        if not labels[-1]:
            raise DatasetError(f"{path}, line {number}: has no label, expected one in every row")
        for column, cell in enumerate(cells):
            X[row, column] = _feature(path, number, column + (column >= label), cell, names)
    return dataset_from_arrays(str(path), X, np.array(labels))


def _read_lines(path: Path) -> list[tuple[int, list[str]]]:
    """Return (line number, cells) of every line that is not blank."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            lines = [(reader.line_num, cells) for cells in reader if any(map(str.strip, cells))]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path}: cannot be read as .csv ({error})") from None
    if not lines:
        raise DatasetError(f"{path}: is empty, expected rows of numbers with a label each")
    return lines


def _label_index(path: Path, names: list[str] | None, label_column: str | None, width: int) -> int:
    if label_column is None:
        return width - 1
    assert names is not None
    if label_column not in names:
        raise UnknownNameError(f"column of {path}", label_column, names)
    return names.index(label_column)


def _feature(path: Path, line: int, column: int, cell: str, names: list[str] | None) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = np.nan
    if np.isfinite(value):
        return value
    where = repr(names[column]) if names else str(column + 1)
    raise DatasetError(
        f"{path}, line {line}, column {where}: got {cell.strip()!r}, expected a finite number "
        "(one column only may hold labels: the last, or --label-column NAME)"
    )


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
