"""A network of CDLinear layers as a dense network whose weights are tied."""

import numpy as np
from numpy.typing import NDArray

from cdbench.layers import Arrangement, CDLinear, Dense
from cdbench.network import Network
from cdbench.products.base import Array
from cdbench.products.gather import diagonals
from cdbench.products.workspace import aligned


class Tied:
    """A network whose products are gathered, as the equivalent dense network.

    One gather writes all matrices and biases, another all gradients. At the paper's sizes, NumPy's
    calls cost as much as their work, and one gather per layer would be three times as many.

    Parameters
    ----------
    network : Network
        A network whose CDLinear layers use the product Gather.
    dtype : str
        Floating-point type of the parameters.

    Attributes
    ----------
    dense : Network
        The same chain, with a Dense layer for the acting part of each CDLinear layer's matrix, so
        that no input needs padding and no logit is cut off.
    params, grads : list of Params
        The dense network's parameters, written by ``expand``, and their gradients, read by
        ``reduce``.
    """

    def __init__(self, network: Network, dtype: str) -> None:
        acting = {place.position: place for place in network.weight_layers}
        self.dense = Network(
            [
                Dense(acting[position].n_in_acting, acting[position].n_out_acting)
                if position in acting
                else layer
                for position, layer in enumerate(network.layers)
                if not isinstance(layer, Arrangement)
            ]
        )
        self._parameters = aligned(self.dense.n_parameters, dtype)
        # One more number, always 0: a bias has only one place, and this stands in for the others.
        self._gradient = aligned(self.dense.n_parameters + 1, dtype)
        self.params = self.dense.views(self._parameters)
        self.grads = self.dense.views(self._gradient[:-1])
        self._to_dense, self._to_tied = _places(network, self.dense)
        n_diagonals = self._to_tied.size
        self._diagonals = aligned(n_diagonals, dtype).reshape(self._to_tied.shape)

    def expand(self, parameters: Array) -> None:
        """Write ``params`` from the network's own parameters (n_parameters,)."""
        parameters.take(self._to_dense, None, self._parameters, "wrap")

    def reduce(self, gradient: Array) -> None:
        """Write the network's own gradient (n_parameters,) from ``grads``."""
        self._gradient.take(self._to_tied, None, self._diagonals, "wrap")
        np.add.reduce(self._diagonals, axis=0, out=gradient)


def _places(network: Network, dense: Network) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return each dense parameter's place among the tied ones, and each tied one's dense places.

    Returns
    -------
    to_dense : (dense.n_parameters,) int
    to_tied : (B, network.n_parameters) int
        Missing places are dense.n_parameters.
    """
    own = network.views(np.arange(network.n_parameters))
    places = dense.views(np.arange(dense.n_parameters))
    chain = [layer for layer in network.layers if not isinstance(layer, Arrangement)]
    tied = [
        views
        for layer, views in zip(network.layers, own, strict=True)
        if not isinstance(layer, Arrangement)
    ]
    B = max(layer.B for layer in network.layers if isinstance(layer, CDLinear))
    to_dense = np.empty(dense.n_parameters, np.intp)
    to_tied = np.full((B, network.n_parameters), dense.n_parameters, np.intp)
    for layer, from_here, to_here in zip(chain, tied, places, strict=True):
        for name, place in to_here.items():
            if isinstance(layer, CDLinear) and name == "weight":
                _tie_weight(layer, from_here["c"], place, to_dense, to_tied)
            else:
                acting = from_here[name][tuple(map(slice, place.shape))]
                to_dense[place] = acting
                to_tied[0, acting] = place
    return to_dense, to_tied


def _tie_weight(
    layer: CDLinear,
    c: NDArray[np.intp],
    weight: NDArray[np.intp],
    to_dense: NDArray[np.intp],
    to_tied: NDArray[np.intp],
) -> None:
    """Write the places of a layer's ``weight``, its matrix's acting part, and of its ``c``."""
    n_out, n_in = weight.shape
    whole = layer.matrix({"c": c})
    to_dense[weight] = whole[:n_out, :n_in]
    padded = np.full(whole.shape, len(to_dense))
    padded[:n_out, :n_in] = weight
    places = padded.T.reshape(-1)[diagonals(layer.K_o, layer.K_i, layer.B)]
    to_tied[: layer.B, c.transpose(2, 1, 0).reshape(-1)] = places
