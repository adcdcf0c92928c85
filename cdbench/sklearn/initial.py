"""Initial weights of the size that scikit-learn's own networks have."""

import numpy as np

from cdbench.engine.layers import EVALUATION, Params, WeightLayer
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array
from cdbench.engine.products.layout import to_vertices

INITIALIZATIONS = ("glorot", "he")

LARGER = 1 + 2.0**-10
"""What weights are multiplied by to find how many are multiplied in W."""

TOLERANCE = 1e-6
"""Of a degree, which is known to rounding by the logarithm of LARGER, 1e-12."""


def to_glorot(network: Network, parameters: Array) -> None:
    """Scale the initial weights in place, from Var W = 2 / n_in to 2 / (n_in + n_out).

    The variance of Glorot and Bengio (2010), which MLPClassifier draws with, for that of He et al.
    (2015), which layers draw with. The widths are those that act, without padding. Where W is a
    product of d of the layer's parameters, each is scaled by the d-th root; where products of
    several lengths are added up, as in LDR-SD, W stays as it was drawn.

    Parameters
    ----------
    network : Network
        The network.
    parameters : (n_parameters,) float
        Its initial parameters.
    """
    views = network.views(parameters)
    for place in network.weight_layers:
        own = views[place.position]
        scale = np.sqrt(place.layer.n_in / (place.n_in_acting + place.n_out_acting))
        d = degree(place.layer, own)
        if d is None:
            continue
        factor = scale ** (1 / d)
        for name, values in own.items():
            if name != "bias":
                np.multiply(values, factor, out=values)


def degree(layer: WeightLayer, params: Params) -> int | None:
    """Return d, where W of s times the weights is sᵈ W: how many are multiplied in it.

    None if there is no such number.
    """
    x = np.random.default_rng(0).normal(size=(1, layer.n_in))
    if layer.vertices is not None:
        x = to_vertices(x, layer.vertices)
    exact = {name: value.astype(np.float64) for name, value in params.items()}
    exact["bias"] = np.zeros_like(exact["bias"])
    larger = {name: LARGER * value for name, value in exact.items()}
    norms = [np.linalg.norm(layer.forward(own, x, EVALUATION)[0]) for own in (exact, larger)]
    found = float(np.log(norms[1] / norms[0]) / np.log(LARGER))
    return round(found) if abs(found - round(found)) < TOLERANCE else None
