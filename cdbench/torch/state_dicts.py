"""State dictionaries of PyTorch files as arrays; what would run code is refused."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cdbench.errors import ModelError

INSIDE = ("state_dict", "model_state_dict", "model")
"""Under which of these names a checkpoint has the state_dict, beside an optimiser's state."""

EXPECTED = "expected the file of torch.save(model.state_dict(), FILE)"


def read_state_dict(path: Path) -> dict[str, NDArray[Any]]:
    """Return the tensors of a file, by name, as arrays; bfloat16 as float32.

    It is read with ``weights_only=True``: tensors and plain containers, and no other objects.

    Parameters
    ----------
    path : Path
        A file that ``torch.save`` wrote of a state_dict, or of a checkpoint that has one under
        ``state_dict``, ``model_state_dict`` or ``model``.

    Raises
    ------
    ModelError
        If it cannot be read, holds other objects, such as a whole module, or no tensors by name.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import torch
    >>> path = Path(tempfile.mkdtemp()) / "model.pt"
    >>> torch.save(torch.nn.Linear(3, 2).state_dict(), path)
    >>> {name: array.shape for name, array in read_state_dict(path).items()}
    {'weight': (2, 3), 'bias': (2,)}
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of pickles that it then refuses
            found = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError:
        raise ModelError(
            f"{path}: holds Python objects besides tensors, such as a whole module, which are "
            f"refused: reading them runs whatever code they name; {EXPECTED}"
        ) from None
    except (OSError, EOFError, RuntimeError, ValueError, KeyError) as error:
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise ModelError(f"{path}: cannot be read ({reason}); {EXPECTED}") from None
    tensors = _tensors(found)
    if not tensors:
        kind = type(found).__name__
        raise ModelError(f"{path}: holds no tensors by name, but a {kind}; {EXPECTED}")
    return {name: _array(tensor) for name, tensor in tensors.items()}


def _tensors(found: object) -> dict[str, torch.Tensor]:
    """Return the tensors of a state_dict, or of the one in a checkpoint."""
    if not isinstance(found, Mapping):
        return {}
    own = {name: value for name, value in found.items() if isinstance(value, torch.Tensor)}
    if own:
        return {str(name): value for name, value in own.items() if not value.is_sparse}
    inside = (found[name] for name in INSIDE if isinstance(found.get(name), Mapping))
    return next(filter(None, map(_tensors, inside)), {})


def _array(tensor: torch.Tensor) -> NDArray[Any]:
    plain = tensor.detach().contiguous()
    if plain.dtype == torch.bfloat16 or plain.is_quantized:
        plain = plain.dequantize() if plain.is_quantized else plain.float()
    return np.asarray(plain.numpy())
