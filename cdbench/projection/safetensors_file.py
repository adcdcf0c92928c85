"""Arrays as .safetensors files, without PyTorch."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdbench.datasets.limits import check_fits, open_regular
from cdbench.errors import DatasetError, ModelError, OutputError
from cdbench.system.output_files import write_output

EXPECTED = "expected a .safetensors file, as safetensors.torch.save_file writes it"
MISSING = "needs safetensors, which is not installed; type pip install safetensors"

DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip
"""NumPy's name of each type that it has. BF16 becomes float32, which has all of its values."""


def read_safetensors(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file, sorted by name; bfloat16 as float32.

    Raises
    ------
    ModelError
        If it cannot be read, is too large for the memory, or has a type that NumPy lacks.
    """
    try:
        from safetensors import SafetensorError, deserialize
    except ModuleNotFoundError:
        raise ModelError(f"{path}: {MISSING}") from None
    try:
        with open_regular(path) as file:
            check_fits(path, "the file", 3 * os.fstat(file.fileno()).st_size)
            tensors = deserialize(file.readall())  # type: ignore[no-untyped-call]
    except DatasetError as error:
        raise ModelError(str(error)) from None
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(f"{path}: cannot be read ({reason}); {EXPECTED}") from None
    # They come in no order: blocks.2 is to come before blocks.10.
    tensors.sort(key=lambda pair: re.sub(r"\d+", lambda number: number[0].zfill(9), pair[0]))
    return {name: _array(path, name, tensor) for name, tensor in tensors}


def _array(path: Path, name: str, tensor: Mapping[str, Any]) -> NDArray[Any]:
    kind, data = tensor["dtype"], tensor["data"]
    if kind == "BF16":  # the upper half of a float32
        flat = (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
    elif kind in DTYPES:
        flat = np.frombuffer(data, DTYPES[kind])
    else:
        raise ModelError(
            f"{path}: {name} is of type {kind}, which NumPy lacks; expected {', '.join(DTYPES)} or "
            "BF16"
        )
    return flat.reshape(tensor["shape"])


def write_safetensors(
    arrays: Mapping[str, NDArray[Any]], notes: Mapping[str, str], path: str | Path
) -> bool:
    """Write arrays and notes on them, replacing what is there; return False if it is a stream.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    try:
        from safetensors.numpy import save
    except ModuleNotFoundError:
        raise OutputError(f"--output {path}: {MISSING}") from None
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return write_output(path, save(plain, dict(notes)))
