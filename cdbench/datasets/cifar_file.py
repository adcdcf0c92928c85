"""CIFAR-10 in its binary version: a folder of six files (Krizhevsky 2009).

A record is a label and 3072 bytes: the red, the green and the blue plane of 32 × 32 pixels.
"""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cdbench.datasets.base import Dataset
from cdbench.datasets.folders import found_file
from cdbench.datasets.labels import checked_labels
from cdbench.datasets.limits import check_fits, open_regular
from cdbench.errors import DatasetError

CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)

N_CHANNELS, N_PIXELS = 3, 32 * 32
IMAGE = (32, 32, N_CHANNELS)
RECORD = 1 + N_CHANNELS * N_PIXELS

TRAIN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST = ("test_batch.bin",)


def read_cifar(folder: Path) -> Dataset:
    """Return CIFAR-10, (50000, 3072) and (10000, 3072) uint8, 10 classes.

    A sample is the three planes one after the other, 0 to 255. DatasetError is raised if a file is
    missing or damaged.
    """
    (X, y), (X_test, y_test) = (_side(folder, names) for names in (TRAIN, TEST))
    return Dataset(f"cifar-10:{folder}", X, y, CLASSES, X_test, y_test, image=IMAGE)


def read_cifar_gray(folder: Path) -> Dataset:
    """Return CIFAR-10 in grey, (50000, 1024) and (10000, 1024) uint16, 10 classes.

    A pixel is the sum of its three channels, 0 to 765, three times their mean: a whole number, so
    that nothing is rounded, and every input transform divides by a scale of the data anyway.
    DatasetError is raised as by ``read_cifar``.
    """
    (X, y), (X_test, y_test) = (_side(folder, names) for names in (TRAIN, TEST))
    name = f"cifar-10-gray:{folder}"
    image = (*IMAGE[:2], 1)
    return Dataset(name, _gray(X), y, CLASSES, _gray(X_test), y_test, image=image)


def _gray(X: NDArray[np.uint8]) -> NDArray[np.uint16]:
    planes = X.reshape(len(X), N_CHANNELS, N_PIXELS)
    gray: NDArray[np.uint16] = planes.sum(axis=1, dtype=np.uint16)
    return gray


def _side(folder: Path, names: tuple[str, ...]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return pixels and classes of the records of all files of a split."""
    parts = [_records(found_file(folder, name, ("",))) for name in names]
    labels = [
        checked_labels(folder / name, part[:, 0], len(part), len(CLASSES))
        for name, part in zip(names, parts, strict=True)
    ]
    return np.concatenate([part[:, 1:] for part in parts]), np.concatenate(labels)


def _records(path: Path) -> NDArray[np.uint8]:
    try:
        with open_regular(path) as file:
            n_bytes = file.seek(0, io.SEEK_END)
            if not n_bytes or n_bytes % RECORD:
                raise DatasetError(
                    f"{path}: has {n_bytes:,} bytes, expected a multiple of {RECORD}, a label and "
                    f"{RECORD - 1} bytes of an image; get the file again"
                )
            check_fits(path, f"{n_bytes // RECORD:,} images", 2 * n_bytes)
            file.seek(0)
            return np.frombuffer(file.read(n_bytes), np.uint8).reshape(-1, RECORD)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error})") from None
