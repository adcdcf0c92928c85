"""A trained network as a state_dict of PyTorch in a safetensors file (of extra ``torch``).

It is written without torch. The names are those of ``torch.nn.Sequential``; the file's metadata, a
JSON text called ``model``, says of which modules.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdbench.errors import ConfigurationError, ModelError
from cdbench.system.output_files import write_output
from cdbench.trained.model import TrainedModel
from cdbench.trained.properties import properties
from cdbench.trained.torch_module import Module
from cdbench.trained.torch_modules import modules_of


def export_safetensors(model: TrainedModel, path: str | Path, *, own: bool = False) -> str | None:
    """Write a model's state_dict; return in a line what it is of, or None of a stream.

    Parameters
    ----------
    model : TrainedModel
    path : str or Path
        Where to; a file that is there is replaced.
    own : bool
        Whether weight layers are those of ``cdbench.torch``, with their family's parameters; by
        default they are plain ``nn.Linear`` and ``nn.Conv2d``.

    Raises
    ------
    ConfigurationError
        If safetensors is not installed.
    ModelError
        If PyTorch has no sequence of modules that do the same, or a number is out of the range of
        the model's type.
    """
    try:
        from safetensors.numpy import save
    except ImportError:
        raise ConfigurationError(
            "--format torch needs safetensors, which is not installed; type: "
            "pip install 'cdbench[torch]'"
        ) from None
    modules = modules_of(model, own=own)
    said = properties(model) | {"modules": described(modules)}
    # One entry: safetensors writes several in any order, and the file would never be the same.
    metadata = {"model": json.dumps(said, ensure_ascii=False)}
    tensors = {name: rounded(a, model.config.dtype) for name, a in arrays_of(modules, "")}
    line = f"state_dict of {sequence(modules)}, in {model.config.dtype}"
    return line if write_output(path, save(tensors, metadata)) else None


def described(modules: Iterable[Module]) -> list[list[Any]]:
    """Return [name, options] of each module, and of a residual one those inside it."""
    return [
        [one.name, one.options, described(one.inner)] if one.inner else [one.name, one.options]
        for one in modules
    ]


def arrays_of(modules: Iterable[Module], prefix: str) -> Iterable[tuple[str, NDArray[Any]]]:
    """Yield the arrays of modules by the names that a Sequential gives them: ``0.weight``."""
    for number, one in enumerate(modules):
        for name, array in one.arrays.items():
            yield f"{prefix}{number}.{name}", array
        yield from arrays_of(one.inner, f"{prefix}{number}.")


def rounded(array: NDArray[Any], dtype: str) -> NDArray[Any]:
    """Return an array as it is stored: numbers but integers in the model's type.

    Raises
    ------
    ModelError
        If one is out of its range.
    """
    if array.dtype.kind == "i":
        return array
    with np.errstate(over="ignore"):  # checked here
        found = np.ascontiguousarray(array, dtype)
    if not np.isfinite(found).all():
        raise ModelError(
            f"a number of the input transform is out of the range of {dtype}; expected a model "
            "trained in float64"
        )
    return found


def sequence(modules: Iterable[Module]) -> str:
    """Return the modules' names in a line: ``BatchNorm1d, Linear, ReLU, Residual(…)``."""
    names = [f"{one.name}({sequence(one.inner)})" if one.inner else one.name for one in modules]
    return ", ".join(names)
