"""The arrays of a file, by name, and which of them are matrices of linear layers."""

import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdbench.datasets.limits import check_fits, open_regular
from cdbench.datasets.npz_file import UNREADABLE, Directory, member_array, member_header
from cdbench.engine.products.base import Array
from cdbench.errors import DatasetError, ModelError
from cdbench.projection.safetensors_file import read_safetensors
from cdbench.trained.npz import HEADER

EXPECTED_NPZ = (
    "expected a .npz with matrices of shape (n_out, n_in), or one of cdbench model export"
)
WEIGHT = "weight"
"""How the names of what linear layers multiply by end, in PyTorch."""

NAMED = 5
"""So many arrays are named where none of them suits."""


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a .npz file, by name.

    Raises
    ------
    ModelError
        If it cannot be read, holds Python objects, or does not fit into memory.
    """
    try:
        with open_regular(path) as raw, Directory(raw) as file, zipfile.ZipFile(file) as archive:
            members = [
                member_header(path, archive, name, EXPECTED_NPZ) for name in archive.namelist()
            ]
            check_fits(path, "its arrays", 3 * sum(one.n_bytes for one in members))
            return {
                one.name.removesuffix(".npy"): member_array(path, archive, one, EXPECTED_NPZ)
                for one in members
            }
    except DatasetError as error:  # which names the file
        raise ModelError(str(error)) from None
    except UNREADABLE as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(f"{path}: cannot be read as .npz ({reason}); {EXPECTED_NPZ}") from None


Reader = Callable[[Path], Mapping[str, NDArray[Any]]]

READERS: dict[str, Reader] = {".npz": read_npz, ".safetensors": read_safetensors}
"""By the ending of a file's name; those that need PyTorch are not here."""


def is_model(path: Path) -> bool:
    """Whether a file is one that ``cdbench model export`` wrote, and not merely matrices."""
    if path.suffix.lower() != ".npz" or not path.is_file():
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return f"{HEADER}.npy" in archive.namelist()
    except UNREADABLE:
        return False


def matrices_of(
    source: str, arrays: Mapping[str, NDArray[Any]], only: Sequence[str] = ()
) -> dict[str, Array]:
    """Return the matrices of linear layers among arrays, by name, (n_out, n_in) float64.

    They are those of two dimensions whose name ends with ``weight``; where no name does, all of two
    dimensions. Embeddings look alike, and are among them unless ``only`` leaves them out.

    Parameters
    ----------
    source : str
        Where the arrays come from, for messages.
    arrays : mapping of str to array
        By name.
    only : sequence of str
        Patterns, as of file names, of the matrices that are wanted; all by default.

    Raises
    ------
    ModelError
        If there are none, a pattern is of none, or not all entries are finite.
    """
    named = {
        name: array
        for name, array in arrays.items()
        if array.ndim == 2 and array.dtype.kind == "f" and array.size
    }
    if any(name.endswith(WEIGHT) for name in named):
        named = {name: array for name, array in named.items() if name.endswith(WEIGHT)}
    if not named:
        some = [f"{name} {array.shape}" for name, array in list(arrays.items())[:NAMED]]
        some += [f"and {len(arrays) - NAMED:,} more"] * (len(arrays) > NAMED)
        raise ModelError(
            f"{source}: has no matrix of a linear layer (found: {', '.join(some) or 'nothing'}); "
            "expected floating-point arrays of shape (n_out, n_in), named …weight"
        )
    for pattern in only:
        if not any(fnmatchcase(name, pattern) for name in named):
            raise ModelError(
                f"{source}: no matrix is named like {pattern!r}; expected some of "
                f"{', '.join(named)}"
            )
    found = {}
    for name, array in named.items():
        if only and not any(fnmatchcase(name, pattern) for pattern in only):
            continue
        n_lost = int(np.count_nonzero(~np.isfinite(array)))
        if n_lost:
            raise ModelError(
                f"{source}: {name} has {n_lost:,} of {array.size:,} entries that are nan or inf; "
                "expected finite weights"
            )
        found[name] = array.astype(np.float64)
    return found


def with_nearest(
    arrays: Mapping[str, NDArray[Any]], found: Mapping[str, tuple[str, Mapping[str, Array]]]
) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Return arrays with matrices replaced by members of a family, and notes on these.

    ``fc.weight`` becomes ``fc.U`` and ``fc.V``, named and shaped as the layers of cdbench.torch
    have them, of the matrix's type; a note ``cdbench fc`` is the specification of the layer.

    Parameters
    ----------
    arrays : mapping of str to array
        All of a file.
    found : mapping of str to (str, Params)
        For each matrix that is replaced the specification and the weights.
    """
    changed: dict[str, NDArray[Any]] = {}
    layers: dict[str, str] = {}
    for name, array in arrays.items():
        if name not in found:
            changed[name] = array
            continue
        specification, params = found[name]
        stem = name.removesuffix(WEIGHT)
        prefix = stem if stem != name else f"{name}."
        layers[prefix.removesuffix(".")] = specification
        changed |= {f"{prefix}{key}": own.astype(array.dtype) for key, own in params.items()}
    return changed, {"cdbench": json.dumps(layers)}
