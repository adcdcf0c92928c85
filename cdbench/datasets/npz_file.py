"""A data set from a .npz file with the arrays X and y.

The file is not trusted. Sizes are read from headers and compared with the available memory before
any array is allocated, because a few kilobytes can ask for terabytes. Python objects are refused.
"""

import io
import math
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cdbench.datasets.arrays import table_from_arrays
from cdbench.datasets.limits import COPIES, check_fits, held_bytes, open_regular
from cdbench.datasets.table import Table
from cdbench.errors import DatasetError
from cdbench.system.memory import format_bytes

EXPECTED = (
    "expected a .npz with X of shape (N, n_features), or (N, height, width) or (N, height, width, "
    "channels), numeric, and y of shape (N,)"
)

TARGETS = {
    "classification": ("iubSU", "whole numbers or text, or --task regression"),
    "regression": ("iuf", "numbers, or --task classification"),
}
"""What y may be, by the task: kinds of dtype, and these in words."""

MAX_DIRECTORY_BYTES = 1_000_000
"""Largest list of members of an archive; NumPy writes about 100 bytes per member."""

MAX_HEADER_BYTES = 10_000
"""Largest header of an array, as in NumPy, which however checks only after reading all of it."""

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The methods that NumPy uses; a number in an LZMA header can ask for gigabytes."""

UNREADABLE = (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What NumPy and zipfile raise for files that are damaged, encrypted or of another kind."""

BAD_HEADER = (
    *UNREADABLE, SyntaxError, TypeError, KeyError, OverflowError, MemoryError, struct.error,
    tokenize.TokenError,
)  # fmt: skip
"""What NumPy may raise, besides those, for an invalid array header: Python parses it."""


class Member(NamedTuple):
    """An array, as its header describes it."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]

    @property
    def n_bytes(self) -> int:
        """Size of the array; items of zero bytes count as one byte, as in NumPy."""
        return math.prod(self.shape) * max(1, self.dtype.itemsize)


def read_npz(path: Path, *, task: str = "classification", encode: bool = False) -> Table:
    """Read X and y; refuse Python objects (pickles) and what would not fit into memory.

    Of a regression, y are numbers, else classes. With ``encode``, NaN in X is a blank to be filled.

    Raises
    ------
    DatasetError
        If the file cannot be read, or its arrays do not have the expected names and shapes.
    """
    try:
        with open_regular(path) as raw, Directory(raw) as file:
            if file.read(len(np.lib.format.MAGIC_PREFIX)) == np.lib.format.MAGIC_PREFIX:
                raise DatasetError(f"{path}: got a single .npy array, {EXPECTED}")
            with zipfile.ZipFile(file) as archive:
                X, y = _read_arrays(path, archive, task)
    except UNREADABLE as error:
        try:
            reason = str(error) if zipfile.is_zipfile(path) else "it is not a .npz archive"
        except OSError:
            reason = str(error)
        raise DatasetError(f"{path}: cannot be read as .npz ({reason}); {EXPECTED}") from None
    return table_from_arrays(str(path), X, y, encode=encode)


class Directory(io.BufferedReader):
    """A file that refuses to let zipfile read an implausibly long list of members."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read so many bytes; ValueError if they are more than a list of members has."""
        if size is not None and size > MAX_DIRECTORY_BYTES:
            raise ValueError(f"its list of members, or a label, has {size:,} bytes")
        return super().read(size)


def _read_arrays(
    path: Path, archive: zipfile.ZipFile, task: str
) -> tuple[NDArray[np.generic], ...]:
    names = archive.namelist()
    stored = {name: name if name in names else f"{name}.npy" for name in ("X", "y")}
    if not set(stored.values()) <= set(names):
        some = [name.removesuffix(".npy") for name in names[:10]]
        some += [f"and {len(names) - 10:,} more"] * (len(names) > 10)
        raise DatasetError(f"{path}: found {', '.join(some) or 'nothing'}, {EXPECTED}")
    X, y = (member_header(path, archive, name) for name in stored.values())
    check_arrays(path, X, y, task)
    return member_array(path, archive, X), member_array(path, archive, y)


def member_header(
    path: Path, archive: zipfile.ZipFile, name: str, expected: str = EXPECTED
) -> Member:
    """Return what a member claims to be in its first bytes; DatasetError if it is no array."""
    info = archive.getinfo(name)
    if info.compress_type not in METHODS:
        raise DatasetError(
            f"{path}: {name} is compressed in a way that NumPy does not use; {expected}"
        )
    with archive.open(info) as member:
        return array_header(path, member, name, info.file_size, expected)


def array_header(path: Path, file: IO[bytes], name: str, n_bytes: int, expected: str) -> Member:
    """Return the shape and type that a .npy array claims to have, in a file of so many bytes.

    DatasetError is raised if it is none, holds Python objects, or claims more than there is.
    """
    try:
        shape, dtype, n_header = _parsed(file)
    except BAD_HEADER as error:
        reason = f"{name} is not an array: {error or type(error).__name__}"
        raise DatasetError(
            f"{path}: cannot be read as {path.suffix} ({reason}); {expected}"
        ) from None
    if dtype.hasobject:
        raise DatasetError(f"{path}: holds pickled objects, which are refused; {expected}")
    if not all(isinstance(n, int) and n >= 0 for n in shape):
        raise DatasetError(f"{path}: {name} has the shape {shape}; {expected}")
    promised = math.prod(shape) * dtype.itemsize
    if promised > n_bytes - n_header:
        raise DatasetError(
            f"{path}: {name} claims shape {shape} and {dtype}, which is "
            f"{format_bytes(promised)}, but holds {format_bytes(n_bytes)}; {expected}"
        )
    return Member(name, shape, dtype)


def _parsed(member: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[np.generic], int]:
    """Return shape, type and length of the header of a .npy file."""
    version = np.lib.format.read_magic(member)
    size = struct.Struct("<H" if version == (1, 0) else "<I")
    length = member.read(size.size)
    (n,) = size.unpack(length)
    if n > MAX_HEADER_BYTES:
        raise ValueError(f"its header has {n:,} bytes")
    header = io.BytesIO(length + member.read(n))
    # Version (3, 0) differs only in text encoding, which matters only for the names of fields.
    parse = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, _, dtype = parse(header, max_header_size=MAX_HEADER_BYTES)
    return shape, dtype, np.lib.format.MAGIC_LEN + size.size + n


def check_arrays(path: Path, X: Member, y: Member, task: str) -> None:
    """Raise DatasetError if these are not arrays of a data set, or do not fit into memory."""
    if len(X.shape) not in (2, 3, 4) or not math.prod(X.shape) or y.shape != X.shape[:1]:
        raise DatasetError(f"{path}: got X {X.shape} and y {y.shape}, {EXPECTED}")
    if X.dtype.kind not in "iufb":
        raise DatasetError(f"{path}: X has dtype {X.dtype}, {EXPECTED}")
    kinds, expected = TARGETS[task]
    if y.dtype.kind not in kinds:
        raise DatasetError(f"{path}: y has dtype {y.dtype}, expected {expected}")
    # Labels are sorted and numbered with 64-bit integers.
    labels = 3 * y.n_bytes + 8 * COPIES * y.shape[0]
    features = X.n_bytes + held_bytes(X.shape, X.dtype)
    check_fits(path, f"{_words(X)} with y of {y.dtype}", features + labels)


def _words(member: Member) -> str:
    return f"{member.name} of shape {member.shape} and {member.dtype}"


def member_array(
    path: Path, archive: zipfile.ZipFile, member: Member, expected: str = EXPECTED
) -> NDArray[np.generic]:
    """Return a member's array; DatasetError if it is none."""
    with archive.open(member.name) as file:
        array = np.load(file, allow_pickle=False)
    if not isinstance(array, np.ndarray) or array.shape != member.shape:
        raise DatasetError(f"{path}: {member.name} is not an array; {expected}")
    return array
