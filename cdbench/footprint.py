"""How much memory a training takes, said before it is taken."""

from itertools import pairwise

import numpy as np

from cdbench.config import RunConfig
from cdbench.errors import ConfigurationError
from cdbench.memory import available_memory, format_bytes
from cdbench.network import rounded_widths
from cdbench.products import PRODUCTS

VECTORS = {"sgd": 3, "adam": 6}
"""Vectors as long as the parameters: those, their gradient, and what the optimiser holds."""
ACTIVATIONS = 4
"""Arrays of activations a layer: its input and output, and their gradients."""


def training_bytes(config: RunConfig, n_features: int, n_classes: int) -> int:
    """Return about how much memory a training takes beside its data, in bytes."""
    widths, product = rounded_widths(config, n_features, n_classes)
    B, N = config.B or 1, config.batch_size
    real = np.dtype(config.dtype).itemsize
    total = 0
    for n_in, n_out in pairwise(widths):
        n_weights = n_in * n_out // B
        # Initial weights are drawn in float64 whatever the dtype.
        total += (VECTORS[config.optimizer] * real + 8) * (n_weights + n_out)
        total += ACTIVATIONS * real * N * n_in
        if product is not None:
            own = PRODUCTS[product].bytes_needed(N, n_out // B, n_in // B, B, real)
            # Tied weights have indices, gradients and diagonals of their own.
            total += 2 * own if product == "gather" else own
    return total


def check_memory(config: RunConfig, n_features: int, n_classes: int) -> None:
    """Raise ConfigurationError if a training would take more memory than there is."""
    needed, available = training_bytes(config, n_features, n_classes), available_memory()
    if available is not None and needed > available:
        widths = " ".join(map(str, config.hidden))
        fewer = "narrower --hidden or a smaller --batch-size"
        if config.layer == "cdlinear":
            fewer += ", a larger --B" + (
                ", or another --product" if config.product != "auto" else ""
            )
        raise ConfigurationError(
            f"hidden = {widths}: training needs about {format_bytes(needed)} of memory, "
            f"{format_bytes(available)} are available; expected {fewer}"
        )
