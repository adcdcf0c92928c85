"""The two Fisher regularisers for a CDLinear layer's generators (Sec. IV.2).

Both act on P = |F[c_ij](k)|² at all B frequencies, where F is the unnormalised DFT of length B.
"""

from collections.abc import Callable

import numpy as np

from cdbench.config.run_config import RunConfig
from cdbench.engine.layers import Params, WeightLayer
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array

Regularizer = Callable[[Array, float, float], tuple[float, Array]]
"""``(c, weight, epsilon) -> (value, gradient)`` for one layer's c of shape (K_o, K_i, B)."""


def fisher_trace_inverse(c: Array, weight: float, epsilon: float) -> tuple[float, Array]:
    """Return R = weight · Σ_ijk 1 / (P + ε), the trace of Eq. 8, and dR/dc.

    Parameters
    ----------
    c : (K_o, K_i, B) float
        Generators of the layer's blocks.
    weight : float
        λ_F; the paper's value is 1e-4.
    epsilon : float
        ε; the paper names no value.

    Returns
    -------
    value : float
    gradient : (K_o, K_i, B) float
    """
    B = c.shape[-1]
    c_hat = np.fft.rfft(c)
    inverse = 1.0 / (np.abs(c_hat) ** 2 + epsilon)
    value = weight * float(np.sum(inverse * _multiplicity(B)))
    return value, -2.0 * weight * B * np.fft.irfft(c_hat * inverse**2, n=B)


def fisher_log_variance(c: Array, weight: float, epsilon: float) -> tuple[float, Array]:
    """Return R = weight · mean over blocks of Var_k(u), u = ½ log(P + ε), and dR/dc.

    The form in the paper's second version: zero for blocks with a flat spectrum.

    Parameters
    ----------
    c : (K_o, K_i, B) float
        Generators of the layer's blocks.
    weight : float
        λ_F.
    epsilon : float
        ε; the paper names no value.

    Returns
    -------
    value : float
    gradient : (K_o, K_i, B) float
    """
    B = c.shape[-1]
    n_blocks = c.shape[0] * c.shape[1]
    c_hat = np.fft.rfft(c)
    power = np.abs(c_hat) ** 2 + epsilon
    u = 0.5 * np.log(power)
    weights = _multiplicity(B) / B
    deviation = u - np.sum(u * weights, axis=-1, keepdims=True)
    value = weight / n_blocks * float(np.sum(deviation**2 * weights))
    gradient = np.fft.irfft(deviation * c_hat / power, n=B)
    return value, 2.0 * weight / n_blocks * gradient


def _multiplicity(B: int) -> Array:
    """Return how many of the B frequencies each rfft bin stands for: 1 for DC and Nyquist."""
    count = np.full(B // 2 + 1, 2.0)
    count[0] = 1.0
    if B % 2 == 0:
        count[-1] = 1.0
    return count


REGULARIZERS: dict[str, Regularizer] = {
    "trace-inverse": fisher_trace_inverse,
    "log-variance": fisher_log_variance,
}


def add_fisher(
    network: Network, params: list[Params], grads: list[Params], config: RunConfig
) -> float:
    """Add the Fisher regulariser's gradient to ``grads``; return its value over all layers."""
    if not config.fisher_weight:
        return 0.0
    regularizer = REGULARIZERS[config.fisher_form]
    total = 0.0
    for layer, own, own_grads in zip(network.layers, params, grads, strict=True):
        name = layer.fisher_parameter if isinstance(layer, WeightLayer) else None
        if name is not None:
            value, gradient = regularizer(own[name], config.fisher_weight, config.fisher_epsilon)
            own_grads[name] += gradient
            total += value
    return total
