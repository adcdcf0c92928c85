"""What a data set's name means: which reader opens it, and what it reads."""

from collections.abc import Callable
from pathlib import Path, PurePath

from cdbench.config import plugins
from cdbench.config.checks import DATASET_NAMES
from cdbench.config.made_sets import KINDS as MADE_KINDS
from cdbench.config.run_config import RunConfig
from cdbench.config.text_sets import is_text
from cdbench.datasets.base import Dataset
from cdbench.datasets.cifar_file import read_cifar, read_cifar_gray
from cdbench.datasets.csv_file import read_csv
from cdbench.datasets.downloads import downloaded
from cdbench.datasets.idx_file import read_fashion_mnist, read_mnist
from cdbench.datasets.npy_files import read_npy
from cdbench.datasets.npz_file import read_npz
from cdbench.datasets.parquet_file import read_parquet
from cdbench.datasets.table import Table
from cdbench.datasets.text_file import read_text
from cdbench.errors import ConfigurationError, DatasetError, UnknownNameError, meant_file
from cdbench.system.home_folders import expanded

FOLDERS: dict[str, Callable[[Path], Dataset]] = {
    "mnist": read_mnist,
    "fashion-mnist": read_fashion_mnist,
    "cifar-10": read_cifar,
    "cifar-10-gray": read_cifar_gray,
}
"""Sets that are folders of files: named with the folder, ``mnist:FOLDER``, or downloaded."""

NAMED_COLUMNS = (".csv", ".parquet")
"""Endings of files whose columns have names."""

PAIR = ".npy,"
"""What stands between the names of two arrays in ``X.npy,y.npy``."""

EXPECTED = "a path to a .npz, .csv or .parquet file, or X.npy,y.npy"


def is_file(name: str) -> bool:
    """Whether a name is one of a user's file, or two."""
    return not is_text(name) and (PAIR in name or PurePath(name).suffix in (".npz", *NAMED_COLUMNS))


def read(config: RunConfig, header: bool | None = None) -> Dataset:
    """Read the file or the folder that a configuration's data set is, and its test file.

    Parameters
    ----------
    config : RunConfig
        Its dataset is a path, ``X.npy,y.npy``, a key of FOLDERS, ``KEY:FOLDER`` or ``text:FILE``.
    header : bool, optional
        Whether the first line of a .csv file names its columns; None means to find out.

    Raises
    ------
    ConfigurationError
        If a name has no such form.
    DatasetError
        If something cannot be read, or the test file does not suit.
    """
    if is_text(config.dataset):
        assert config.context is not None
        return read_text(config.dataset, config.context)
    kind, colon, folder = config.dataset.partition(":")
    if kind in FOLDERS:
        if colon and not folder:
            raise DatasetError(f"{config.dataset}: names no folder, expected {kind}:FOLDER")
        path = Path(expanded(folder, DatasetError)) if folder else downloaded(kind)
        return FOLDERS[kind](path)
    table = _table(config.dataset, config, header)
    test = None if config.test is None else _table(config.test, config, header, table)
    return table.quantities(test) if config.task == "regression" else table.dataset(test)


def _table(
    name: str, config: RunConfig, header: bool | None = None, like: Table | None = None
) -> Table:
    encode = config.encode is not None
    if PurePath(name).suffix == ".npy" and PAIR not in name:
        raise DatasetError(
            f"{name}: one array, without a target; expected two with a comma between: {name},y.npy"
        )
    if not is_file(name):
        if like is not None:
            raise ConfigurationError(f"test = {name!r}: expected {EXPECTED}")
        known = [*DATASET_NAMES, *plugins.names("dataset"), *MADE_KINDS]
        known += FOLDERS
        raise UnknownNameError("dataset", name, known, f"or {EXPECTED}")
    if PAIR in name:
        first, _, second = name.partition(PAIR)
        return read_npy(_found(f"{first}.npy"), _found(second), task=config.task, encode=encode)
    path = _found(name)
    if path.suffix == ".npz":
        return read_npz(path, task=config.task, encode=encode)
    if path.suffix == ".parquet":
        return read_parquet(path, config.label_column, encode=encode, like=like)
    return read_csv(path, config.label_column, header, encode=encode, like=like)


def _found(name: str) -> Path:
    path = Path(expanded(name, DatasetError))
    try:
        found = path.is_file()
    except OSError as error:  # the name is too long, or the folder not permitted
        raise DatasetError(f"{name}: cannot be looked for ({error.strerror})") from None
    if not found:
        raise DatasetError(f"{name}: no such file{meant_file(path)}; expected {EXPECTED}")
    return path
