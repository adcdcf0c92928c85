"""Copies of large data sets as plain arrays, which all processes map into memory and share.

A copy is in the user's cache folder, under the fingerprint of its contents, and can be deleted at
any time. Whenever a configuration is pinned, the copy is compared with what was read; a run that is
pinned to it only opens it, as git opens its objects.
"""

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdbench.datasets.base import Dataset
from cdbench.datasets.quantities import Quantities
from cdbench.errors import DatasetError
from cdbench.system.cache_folder import cache_folder
from cdbench.system.memory import format_bytes
from cdbench.system.work_folders import work_folder

_LOG = logging.getLogger(__name__)

ARRAYS = ("X", "y", "X_test", "y_test")

CONTENTS = "contents.json"
"""File of the classes' names, the image's shape, and each array's; the arrays are bare bytes."""

BYTES_AT_ONCE = 2**20

UNREADABLE = (OSError, ValueError, TypeError, KeyError, DatasetError)


def keep(data: Dataset) -> None:
    """Make a large data set's copy, unless it is there and sound; if that fails, say why."""
    try:
        folder = _folder(data.fingerprint)
        sound = kept(data.name, data.fingerprint) is not None
        if not (sound and all(_holds(folder / one, array) for one, array in _arrays(data))):
            _write(data, folder)
    except OSError as error:
        _LOG.warning(
            "%s: no copy for all processes can be kept in the cache folder (%s), so each takes %s "
            "of memory; for another folder: export CDBENCH_CACHE=FOLDER",
            data.name,
            error,
            format_bytes(sum(array.nbytes for _, array in _arrays(data))),
        )


def kept(name: str, fingerprint: str) -> Dataset | None:
    """Return the data set of this fingerprint, mapped from its copy; None if there is none."""
    try:
        folder = _folder(fingerprint)
        contents = json.loads((folder / CONTENTS).read_text(encoding="utf-8"))
        arrays: dict[str, Any] = {
            one: np.memmap(folder / one, dtype, "r", shape=tuple(shape))
            for one, (dtype, shape) in contents["arrays"].items()
        }
        for labels in {"y", "y_test"} & arrays.keys():
            arrays[labels] = np.array(arrays[labels])
        classes = tuple(contents["classes"])
        image = contents["image"]  # a copy of before there were any is made again
        kind = Dataset if classes else Quantities
        columns = tuple(contents["columns"])
        return kind(name, classes=classes, image=image and tuple(image), columns=columns, **arrays)
    except UNREADABLE:
        return None


def is_kept(fingerprint: str) -> bool:
    """Return whether there is a copy of the data set of this fingerprint, without opening it."""
    return (_folder(fingerprint) / CONTENTS).is_file()


def _arrays(data: Dataset) -> list[tuple[str, NDArray[Any]]]:
    return [(one, getattr(data, one)) for one in ARRAYS if getattr(data, one) is not None]


def _holds(path: Path, array: NDArray[Any]) -> bool:
    """Return whether a file has exactly an array's bytes. It is read, as mapping takes memory."""
    expected = np.ascontiguousarray(array).data.cast("B")
    with path.open("rb") as file:
        for start in range(0, len(expected), BYTES_AT_ONCE):
            if file.read(BYTES_AT_ONCE) != expected[start : start + BYTES_AT_ONCE]:
                return False
        return not file.read(1)


def _folder(fingerprint: str) -> Path:
    return cache_folder() / "samples" / fingerprint


def _write(data: Dataset, folder: Path) -> None:
    """Write the copy completely, or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with work_folder(folder.parent) as work:
        whole = work / "whole"
        whole.mkdir()
        arrays = {}
        for one, array in _arrays(data):
            np.ascontiguousarray(array).tofile(whole / one)
            arrays[one] = (array.dtype.str, array.shape)
        contents = {name: getattr(data, name) for name in ("classes", "image", "columns")}
        content = json.dumps(contents | {"arrays": arrays})
        (whole / CONTENTS).write_text(content, encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)  # a damaged one
        try:
            whole.rename(folder)
        except OSError:
            if not folder.is_dir():  # no other process was quicker
                raise
