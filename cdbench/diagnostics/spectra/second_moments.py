"""What enters the weight layers for the samples that are measured."""

import numpy as np

from cdbench.engine.layers import Context
from cdbench.engine.network import Network, WeightPlace
from cdbench.engine.products.base import Array
from cdbench.engine.samples import Samples

AT_ONCE = 512
"""Rows, one a sample or more, whose inputs are held in memory at once."""

BLOCK = 32
"""Columns that LAPACK factors at a time."""


def layer_inputs(
    network: Network, parameters: Array, X: Array | Samples, context: Context
) -> list[Array]:
    """Return rows (n, inner.n_in) with the second moment of what each weight layer's W multiplies.

    Of samples in memory, a row each, these are the inputs. Of a large set, or where a sample is
    several rows, tokens or windows, they would not fit, and are the n_in rows of R √(n_in / N),
    where R is the triangular factor of all N inputs: RᵀR is the inputs' xᵀx. All that is measured
    of inputs is their second moment, of which R, like the inputs themselves, resolves small
    eigenvalues that would drown in the rounding of xᵀx.

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
    params, places = network.views(parameters), network.weight_layers
    if not len(X):
        return [np.empty((0, place.layer.inner.n_in)) for place in places]
    X = X.astype(np.float64)
    if network.rows_per_sample == 1 and not isinstance(X, Samples):
        inputs = network.inputs(params, X, context)
        return [inputs[place.position] for place in places]
    # Queries, keys and values are products with the same rows, of which one factor is enough.
    entering = {_entering(network, place): place for place in reversed(places)}
    moments = {key: _Moment(place.layer.inner.n_in) for key, place in entering.items()}
    at_once = max(1, AT_ONCE // network.rows_per_sample)
    for start in range(0, len(X), at_once):
        inputs = network.inputs(params, X[start : start + at_once], context)
        for key, place in entering.items():
            moments[key].add(place.layer.unfolded(inputs[place.position]))
    found = {key: moment.inputs() for key, moment in moments.items()}
    return [found[_entering(network, place)] for place in places]


def _entering(network: Network, place: WeightPlace) -> tuple[object, ...]:
    """Return what the rows that enter a layer's matrix are known by."""
    unfolds = place.layer.inner is not place.layer
    return (place.position,) if unfolds else ("of", network.sources[place.position])


class _Moment:
    """The triangular factor of rows that come some at a time, and how many came."""

    def __init__(self, width: int) -> None:
        self._root, self._n_rows = np.zeros((width, width), order="F"), 0

    def add(self, x: Array) -> None:
        """Take the rows ``x`` (n, width)."""
        self._root, self._n_rows = _with(self._root, x), self._n_rows + len(x)

    def inputs(self) -> Array:
        """Return rows (width, width) with the second moment of all."""
        scaled: Array = np.sqrt(len(self._root) / self._n_rows) * np.triu(self._root)
        return scaled


def _with(root: Array, x: Array) -> Array:
    """Return the triangular factor of all rows so far and of ``x`` (n, n_in), in root's place."""
    # Imported late: importing SciPy takes longer than training the paper's runs.
    from scipy.linalg.lapack import dtpqrt

    block = min(BLOCK, len(root))
    rows = np.array(x, order="F")
    found: Array = dtpqrt(0, block, root, rows, overwrite_a=True, overwrite_b=True)[0]
    return found
