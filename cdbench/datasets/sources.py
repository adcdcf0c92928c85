"""What a data set's name means: which reader opens it, and what it reads."""

from collections.abc import Callable
from pathlib import Path

from cdbench.config import plugins
from cdbench.config.checks import DATASET_NAMES
from cdbench.config.made_sets import KINDS as MADE_KINDS
from cdbench.datasets.base import Dataset
from cdbench.datasets.cifar_file import read_cifar, read_cifar_gray
from cdbench.datasets.csv_file import read_csv
from cdbench.datasets.idx_file import read_fashion_mnist, read_mnist
from cdbench.datasets.npz_file import read_npz
from cdbench.errors import DatasetError, UnknownNameError
from cdbench.system.home_folders import expanded

FOLDERS: dict[str, Callable[[Path], Dataset]] = {
    "mnist": read_mnist,
    "fashion-mnist": read_fashion_mnist,
    "cifar-10": read_cifar,
    "cifar-10-gray": read_cifar_gray,
}
"""Sets that are folders of files, and are named with the folder: ``mnist:FOLDER``."""


def read(name: str, label_column: str | None = None, header: bool | None = None) -> Dataset:
    """Read the file or the folder that a data set's name says.

    Parameters
    ----------
    name : str
        A path, or ``KIND:FOLDER`` with a key of FOLDERS.
    label_column, header
        As for ``read_csv``.

    Raises
    ------
    UnknownNameError
        If the name has neither form.
    DatasetError
        If it cannot be read.
    """
    kind, colon, folder = name.partition(":")
    if colon and kind in FOLDERS:
        if not folder:
            raise DatasetError(f"{name}: names no folder, expected {kind}:FOLDER")
        return FOLDERS[kind](Path(expanded(folder, DatasetError)))
    path = Path(name)
    if path.suffix not in (".npz", ".csv"):
        known = [*DATASET_NAMES, *plugins.names("dataset"), *(f"{one}:FOLDER" for one in FOLDERS)]
        known += MADE_KINDS
        raise UnknownNameError("dataset", name, known, "or a path to a .npz or .csv file")
    path = Path(expanded(name, DatasetError))
    try:
        found = path.is_file()
    except OSError as error:  # the name is too long, or the folder not permitted
        raise DatasetError(f"{name}: cannot be looked for ({error.strerror})") from None
    if not found:
        raise DatasetError(f"{name}: no such file; expected a .npz or .csv file")
    return read_npz(path) if path.suffix == ".npz" else read_csv(path, label_column, header)
