"""MNIST and Fashion-MNIST: folders of four IDX files, plain or compressed (LeCun et al. 1998).

An IDX file is a magic number, whose last byte says how many axes there are, their lengths as 32-bit
big-endian integers, and the values, here one byte each.
"""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdbench.datasets.base import Dataset
from cdbench.datasets.folders import found_file
from cdbench.datasets.labels import checked_labels
from cdbench.datasets.limits import check_fits, open_regular
from cdbench.errors import DatasetError

DIGITS = tuple("0123456789")
CLOTHES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)

BYTES = 0x08
"""Code, in the magic number, of values of one byte without sign."""

AT_ONCE = 2**20
"""Bytes asked for at a time: gzip makes a copy of as many."""

WORDS = {1: "labels", 3: "images"}
"""What a file of so many axes holds."""


def read_mnist(folder: Path) -> Dataset:
    """Return MNIST, (60000, 784) and (10000, 784) uint8, 10 classes; see ``read_idx_folder``."""
    return read_idx_folder("mnist", folder, DIGITS)


def read_fashion_mnist(folder: Path) -> Dataset:
    """Return Fashion-MNIST (Xiao et al. 2017), of MNIST's shapes; see ``read_idx_folder``."""
    return read_idx_folder("fashion-mnist", folder, CLOTHES)


def read_idx_folder(name: str, folder: Path, classes: tuple[str, ...]) -> Dataset:
    """Read the images and labels of both splits, in files called as those of MNIST.

    Parameters
    ----------
    name : str
        Of the data set, for messages.
    folder : Path
        Has train-images-idx3-ubyte, train-labels-idx1-ubyte and the same for t10k, or these .gz.
    classes : tuple of str
        Names of the labels 0, 1, 2 ….

    Returns
    -------
    Dataset
        With the test split that it brings. A sample is an image's pixels, 0 to 255, row by row.

    Raises
    ------
    DatasetError
        If a file is missing, is not such a file, or does not suit the others.
    """
    sides = []
    for side in ("train", "t10k"):
        X = _read(found_file(folder, f"{side}-images-idx3-ubyte"), 3)
        labels = found_file(folder, f"{side}-labels-idx1-ubyte")
        y = checked_labels(labels, _read(labels, 1), len(X), len(classes))
        sides.append((X.reshape(len(X), -1), y))
        image = (*X.shape[1:], 1)
    (X, y), (X_test, y_test) = sides
    return Dataset(f"{name}:{folder}", X, y, classes, X_test, y_test, image=image)


def _read(path: Path, n_axes: int) -> NDArray[np.uint8]:
    try:
        with open_regular(path) as raw:
            if path.suffix != ".gz":
                return _parsed(path, raw, n_axes)
            with gzip.GzipFile(fileobj=raw) as file:
                return _parsed(path, file, n_axes)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path}: cannot be read ({error}); get the file again") from None


def _parsed(path: Path, file: Any, n_axes: int) -> NDArray[np.uint8]:
    magic = file.read(4)
    expected = bytes((0, 0, BYTES, n_axes))
    if magic != expected:
        raise DatasetError(
            f"{path}: begins with {magic.hex(' ') or 'nothing'}, expected {expected.hex(' ')}, an "
            f"IDX file of {WORDS[n_axes]} of one byte a value"
        )
    n_header = 4 * n_axes
    header = file.read(n_header)
    if len(header) < n_header:
        raise _cut(path, "fewer", f"{4 + n_header} bytes of header")
    shape = struct.unpack(f">{n_axes}I", header)
    said = math.prod(shape)
    if not said:
        raise DatasetError(f"{path}: holds {WORDS[n_axes]} of shape {shape}, expected some values")
    check_fits(path, f"{WORDS[n_axes]} of shape {shape}", said)
    values = np.empty(said, np.uint8)
    n_read = _fill(file, values.data)
    if n_read < said or file.read(1):
        holds = "more" if n_read == said else f"only {n_read:,}"
        raise _cut(path, holds, f"{said:,} bytes after the header")
    return values.reshape(shape)


def _cut(path: Path, holds: str, expected: str) -> DatasetError:
    return DatasetError(
        f"{path}: holds {holds}, expected {expected}, as an IDX file says of itself; get the file "
        "again"
    )


def _fill(file: Any, view: Any) -> int:
    """Read until the view is full or the file ends; return how many bytes were read."""
    n_read = 0
    while n_read < len(view):
        n = file.readinto(view[n_read : n_read + AT_ONCE])
        if not n:
            break
        n_read += n
    return n_read
