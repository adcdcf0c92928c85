"""What enters the weight layers for the samples that are measured."""

import numpy as np

from cdbench.engine.layers import Context
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array
from cdbench.engine.samples import Samples, chunks

FEWEST_AT_ONCE = 2048
"""Samples whose inputs are held in memory at once, or as many as the widest layer has entries."""


def layer_inputs(
    network: Network, parameters: Array, X: Array | Samples, context: Context
) -> list[Array]:
    """Return for each weight layer rows (n, layer.n_in) with the second moment of its inputs.

    Of samples in memory, these are the inputs. Of a large set, whose inputs would not fit, they are
    the n_in rows of R √(n_in / N), where R is the triangular factor of all N inputs: RᵀR is the
    inputs' xᵀx. All that is measured of inputs is their second moment, of which R, like the inputs
    themselves, resolves small eigenvalues that would drown in the rounding of xᵀx. It is made some
    rows at a time (Golub, Plemmons and Sameh 1988).

    Parameters
    ----------
    network : Network
        The network.
    parameters : (n_parameters,) float64
        Its parameters.
    X : (N, n_features) float
        The samples.
    context : Context
        In which the network is evaluated.
    """
    params, places = network.views(parameters), [one.position for one in network.weight_layers]
    X = X.astype(np.float64)
    if not isinstance(X, Samples):
        inputs = network.inputs(params, X, context)
        return [inputs[place] for place in places]
    roots: list[Array] = [np.zeros((0, network.layers[place].n_in)) for place in places]
    for chunk in chunks(X, max(FEWEST_AT_ONCE, *network.widths)):
        inputs = network.inputs(params, chunk, context)
        for number, place in enumerate(places):
            stacked = np.concatenate([roots[number], inputs[place]])
            roots[number] = np.asarray(np.linalg.qr(stacked, mode="r"))
    return [np.sqrt(len(root) / len(X)) * root for root in roots]
