"""What enters the weight layers for the samples that are measured."""

import numpy as np

from cdbench.engine.layers import Context
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array
from cdbench.engine.samples import Samples, chunks

AT_ONCE = 512
"""Samples whose inputs are held in memory at once."""

BLOCK = 32
"""Columns that LAPACK factors at a time."""


def layer_inputs(
    network: Network, parameters: Array, X: Array | Samples, context: Context
) -> list[Array]:
    """Return for each weight layer rows (n, layer.n_in) with the second moment of its inputs.

    Of samples in memory, these are the inputs. Of a large set, whose inputs would not fit, they are
    the n_in rows of R √(n_in / N), where R is the triangular factor of all N inputs: RᵀR is the
    inputs' xᵀx. All that is measured of inputs is their second moment, of which R, like the inputs
    themselves, resolves small eigenvalues that would drown in the rounding of xᵀx.

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
    widths = [network.layers[place].n_in for place in places]
    roots = [np.zeros((width, width), order="F") for width in widths]
    for chunk in chunks(X, AT_ONCE):
        inputs = network.inputs(params, chunk, context)
        roots = [_with(root, inputs[place]) for root, place in zip(roots, places, strict=True)]
    return [np.sqrt(len(root) / len(X)) * np.triu(root) for root in roots]


def _with(root: Array, x: Array) -> Array:
    """Return the triangular factor of all rows so far and of ``x`` (n, n_in), in root's place."""
    # Imported late: importing SciPy takes longer than training the paper's runs.
    from scipy.linalg.lapack import dtpqrt

    block = min(BLOCK, len(root))
    rows = np.array(x, order="F")
    found: Array = dtpqrt(0, block, root, rows, overwrite_a=True, overwrite_b=True)[0]
    return found
