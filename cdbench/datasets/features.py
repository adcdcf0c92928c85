"""The features of a user's file, to be predicted from: nothing is fitted, and labels may lack."""

import csv
import math
import os
import zipfile
from array import array
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from cdbench.datasets.arrays import rows_from_array
from cdbench.datasets.cells import Cells, is_number
from cdbench.datasets.csv_file import (
    MEMORY_PER_BYTE,
    Lines,
    column_names,
    lines_of,
    names_columns,
    number_of,
)
from cdbench.datasets.limits import check_fits, held_bytes, open_regular, open_text
from cdbench.datasets.npz_file import (
    UNREADABLE,
    Directory,
    Member,
    array_header,
    member_array,
    member_header,
)
from cdbench.datasets.parquet_file import read_parquet_features
from cdbench.datasets.table import words
from cdbench.datasets.wanted import Features, Wanted
from cdbench.errors import DatasetError, meant_file
from cdbench.system.home_folders import expanded

ENDINGS = (".csv", ".npz", ".npy", ".parquet")
EXPECTED = "expected a .csv, .npz, .npy or .parquet file"
EXPECTED_ARRAY = (
    "expected X of shape (N, n_features), or (N, height, width) or (N, height, width, channels), "
    "numeric"
)


def read_features(name: str, wanted: Wanted, header: bool | None = None) -> Features:
    """Read the samples of a file.

    Parameters
    ----------
    name : str
        Path of a .csv, .parquet or .npy file, or of a .npz file with the array X.
    wanted : Wanted
        What the network was trained on.
    header : bool, optional
        Whether the first line of a .csv file names its columns; None means to find out.

    Raises
    ------
    DatasetError
        If the file cannot be read, has other features, or one that is not a finite number; a blank
        may be where blanks were filled in training.
    """
    path = Path(expanded(name, DatasetError))
    suffix = PurePath(name).suffix
    if suffix not in ENDINGS:
        raise DatasetError(f"{name}: has another ending, {EXPECTED}")
    try:
        if suffix == ".csv":
            return _read_csv(path, wanted, header)
        if suffix == ".parquet":
            return read_parquet_features(path, wanted)
        return _of_array(path, _array(path), wanted)
    except FileNotFoundError:
        raise DatasetError(f"{name}: no such file{meant_file(path)}, {EXPECTED}") from None
    except (*UNREADABLE, csv.Error) as error:
        raise DatasetError(f"{path}: cannot be read as {suffix} ({error})") from None


def _read_csv(path: Path, wanted: Wanted, header: bool | None) -> Features:
    with open_text(path, MEMORY_PER_BYTE) as text:
        return _read_lines(path, lines_of(text), wanted, header)


def _read_lines(path: Path, lines: Lines, wanted: Wanted, header: bool | None) -> Features:
    first = next(lines, None)
    if first is None:
        raise DatasetError(f"{path}: is empty, expected rows of numbers")
    width, names = len(first[1]), None
    if _is_header(first[1], wanted) if header is None else header:
        names = column_names(path, first[1])
        first = next(lines, None)
    if first is None:
        raise DatasetError(f"{path}: got a header but no rows, expected samples below it")
    found = wanted.places(path, names, width)
    encoded = Cells(path, wanted.texts) if wanted.texts else None
    if encoded is not None and names is not None:
        encoded.names = tuple(names[place] for place in found.features)
    values, labels = array("d"), list[str]()
    while first is not None:
        number, cells = first
        if len(cells) != width:
            raise DatasetError(
                f"{path}, line {number}: got {len(cells)} columns, expected {width} as in line 1"
            )
        own = [cells[place] for place in found.features]
        if encoded is not None:
            values.extend(encoded.numbers(number, own))
        else:
            values.extend(_numbers(path, number, own, found.features, names))
        if found.label is not None:
            labels.append(cells[found.label].strip())
        first = next(lines, None)
    X = np.frombuffer(values, np.float64).reshape(-1, wanted.n_columns)
    return Features(X, None if found.label is None else tuple(labels), found.unused)


def _is_header(cells: list[str], wanted: Wanted) -> bool:
    """Return whether a first line names the columns: by names that are known, or by the look."""
    stripped = {cell.strip() for cell in cells}
    if stripped & set(wanted.names):
        return True
    return names_columns(cells, None) or (len(cells) == 1 and not is_number(cells[0]))


def _numbers(
    path: Path, line: int, cells: list[str], places: list[int], names: list[str] | None
) -> list[float]:
    numbers = [number_of(cell) for cell in cells]
    for place, cell, value in zip(places, cells, numbers, strict=True):
        if not math.isfinite(value):
            where = repr(names[place]) if names else str(place + 1)
            raise DatasetError(
                f"{path}, line {line}, column {where}: got {cell.strip()!r}, expected a finite "
                "number: the network was trained on numbers without blanks"
            )
    return numbers


def _array(path: Path) -> tuple[NDArray[np.generic], NDArray[np.generic] | None]:
    """Return X, and y where it is there, of a .npz or .npy file."""
    with open_regular(path) as raw, Directory(raw) as file:
        if path.suffix == ".npy":
            size = os.fstat(raw.fileno()).st_size
            _check_array(path, array_header(path, file, "X", size, EXPECTED_ARRAY))
            file.seek(0)
            return np.asarray(np.load(file, allow_pickle=False)), None
        with zipfile.ZipFile(file) as archive:
            names = {name.removesuffix(".npy"): name for name in archive.namelist()}
            if "X" not in names:
                found = ", ".join(list(names)[:10]) or "nothing"
                raise DatasetError(f"{path}: found {found}, {EXPECTED_ARRAY}")
            members = [
                member_header(path, archive, names[name], EXPECTED_ARRAY)
                for name in ("X", "y")
                if name in names
            ]
            _check_array(path, members[0])
            X, *others = (member_array(path, archive, one, EXPECTED_ARRAY) for one in members)
            return X, others[0] if others else None


def _check_array(path: Path, X: Member) -> None:
    if len(X.shape) not in (2, 3, 4) or X.dtype.kind not in "iufb":
        raise DatasetError(f"{path}: got X {X.shape} of {X.dtype}, {EXPECTED_ARRAY}")
    needed = X.n_bytes + held_bytes(X.shape, X.dtype)
    check_fits(path, f"X of shape {X.shape} and {X.dtype}", needed)


def _of_array(
    path: Path, arrays: tuple[NDArray[np.generic], NDArray[np.generic] | None], wanted: Wanted
) -> Features:
    own, y = arrays
    X, image = rows_from_array(str(path), own, encode=bool(wanted.texts), hint="")
    if image is not None and image != wanted.image:
        raise DatasetError(f"{path}: got {words(image)}, expected {words(wanted.image)}")
    if X.shape[1] != wanted.n_columns:
        raise DatasetError(
            f"{path}: has {X.shape[1]} features, expected the {wanted.n_columns} that the network "
            "was trained on"
        )
    if y is None:
        return Features(X, None, ())
    if y.shape != (len(X),):
        raise DatasetError(f"{path}: got y {y.shape}, expected ({len(X)},), as X has samples")
    labels = y.astype(np.float64) if y.dtype.kind == "f" else y
    return Features(X, tuple(map(str, labels.tolist())), ())
