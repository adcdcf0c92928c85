"""What enters the layers of a model, and its second moments."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from cdbench.torch.base import StructuredLinear

Batch = torch.Tensor | tuple[torch.Tensor, ...]
"""What a model is called with."""


@torch.no_grad()
def input_moments(model: nn.Module, batches: Iterable[Batch]) -> dict[str, torch.Tensor]:
    """Return the mean x xᵀ of the inputs x of each linear layer that the batches reach.

    The model runs in the mode that it is in.

    Parameters
    ----------
    model : nn.Module
        The model.
    batches : iterable of tensor or tuple of tensors
        What it is called with, one after the other.

    Returns
    -------
    dict of str to (in_features, in_features) float64 tensor
        By the layers' names, on their devices; all leading dimensions count as samples.

    Examples
    --------
    >>> import torch
    >>> from cdbench.torch import input_moments
    >>> model = torch.nn.Sequential(torch.nn.Linear(3, 2))
    >>> input_moments(model, [torch.eye(3)])["0"].diagonal()
    tensor([0.3333, 0.3333, 0.3333], dtype=torch.float64)
    """
    sums: dict[str, torch.Tensor] = {}
    counts: dict[str, int] = {}
    for batch in batches:
        for name, rows in layer_inputs(model, batch).items():
            exact = rows.double()
            sums[name] = sums.get(name, 0.0) + exact.T @ exact
            counts[name] = counts.get(name, 0) + len(rows)
    return {name: total / counts[name] for name, total in sums.items()}


def layer_inputs(model: nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
    """Return the inputs (N, in_features) of all linear layers, ours too, for one call."""
    found: dict[str, list[torch.Tensor]] = {}
    with _watching(model, found), torch.no_grad():
        model(*batch if isinstance(batch, tuple) else (batch,))
    return {name: torch.cat(rows) for name, rows in found.items()}


@contextmanager
def _watching(model: nn.Module, found: dict[str, list[torch.Tensor]]) -> Iterator[None]:
    def watch(name: str, module: nn.Linear | StructuredLinear) -> None:
        def keep(module: nn.Module, args: tuple[torch.Tensor, ...]) -> None:
            del module
            rows = args[0].detach()
            found.setdefault(name, []).append(rows.reshape(-1, rows.shape[-1]))

        hooks.append(module.register_forward_pre_hook(keep))

    hooks: list[torch.utils.hooks.RemovableHandle] = []
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | StructuredLinear):
            watch(name, module)
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
