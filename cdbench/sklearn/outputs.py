"""What a network says of samples, so many at once as memory allows."""

import numpy as np

from cdbench.engine.layers import Context
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array
from cdbench.engine.trainer import evaluated_at_once


def outputs_of(network: Network, parameters: Array, X: Array, context: Context) -> Array:
    """Return the outputs (n_samples, n_outputs) for X (n_samples, n_features)."""
    params, at_once = network.views(parameters), evaluated_at_once(network)
    parts = [
        network.forward(params, X[start : start + at_once], context)[0]
        for start in range(0, len(X), at_once)
    ]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
