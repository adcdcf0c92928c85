"""Networks that cdbench has trained, from their state_dict to a module of PyTorch."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from cdbench.config import families
from cdbench.errors import ModelError
from cdbench.torch.by_family import layer_class

EXPECTED = "expected a file of cdbench model export --format torch"

PLAIN = {
    "AdaptiveAvgPool2d",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv2d",
    "Flatten",
    "GELU",
    "LayerNorm",
    "Linear",
    "MaxPool2d",
    "ReLU",
    "Tanh",
    "Unflatten",
}
"""Modules of ``torch.nn`` that a file may name: it is not trusted."""


class Residual(nn.Sequential):
    """``x + scale · inner(x)``.

    Parameters
    ----------
    modules : nn.Module
        What is inside, one after the other.
    scale : float
        Of the branch.
    """

    def __init__(self, *modules: nn.Module, scale: float) -> None:
        super().__init__(*modules)
        self.scale = scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the sum."""
        inner: torch.Tensor = super().forward(x)  # type: ignore[no-untyped-call]
        return x + self.scale * inner


def load(path: str | Path) -> nn.Sequential:
    """Return an exported network as a module in evaluation, of the type that it was trained in.

    It takes raw features (N, n_features), and gives logits (N, n_classes) or a regression's
    quantity (N, 1).

    Parameters
    ----------
    path : str or Path
        A .safetensors file of ``cdbench model export``, also with ``--own``.

    Raises
    ------
    ModelError
        If it is no such file, or its arrays don't fit its modules.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            text = (file.metadata() or {}).get("model")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file; {EXPECTED}") from None
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); {EXPECTED}") from None
    if text is None:
        raise ModelError(f"{path}: has no description of a network; {EXPECTED}")
    kinds = {own.dtype for own in tensors.values() if own.is_floating_point()}
    try:
        (dtype,) = kinds
        model = nn.Sequential(*_built(json.loads(text)["modules"], dtype))
        model.load_state_dict(tensors, assign=True)
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        first = " ".join(line.strip() for line in str(error).splitlines()[:2])
        raise ModelError(
            f"{path}: its arrays do not fit its network ({first}); {EXPECTED}"
        ) from None
    return model.eval()


def _built(modules: Iterable[Any], dtype: torch.dtype) -> Iterator[nn.Module]:
    """Yield modules by their [name, options] and, of a residual one, the modules inside."""
    for name, options, *inner in modules:
        if name == Residual.__name__:
            yield Residual(*_built(inner[0], dtype), **options)
        elif name in families.FAMILIES:
            yield layer_class(name)(**options, dtype=dtype)
        elif name in PLAIN:
            yield getattr(nn, name)(**options)
        else:
            raise ValueError(f"unknown module {name}")
