"""Tensors as the engine's arrays, and their shapes in messages."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import DTypeLike

from cdbench.engine.products.base import Array


def to_numpy(tensor: torch.Tensor, dtype: DTypeLike | None = None) -> Array:
    """Return a copy as an array: of the dtype, by default float64 or else float32."""
    kept = tensor.detach().cpu()
    if kept.dtype not in {torch.float32, torch.float64}:
        kept = kept.float()
    return np.array(kept.numpy(), dtype)


def listed(shapes: Mapping[str, tuple[int, ...]]) -> str:
    """Return names and shapes as part of a sentence."""
    return ", ".join(f"{name} {tuple(shape)}" for name, shape in shapes.items())
