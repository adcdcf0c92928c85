"""A network whose matrices are copies of few weights, as a dense network with tied weights."""

import numpy as np
from numpy.typing import NDArray

from cdbench.engine.layers import Arrangement, Dense, Layer, Params, WeightLayer
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array
from cdbench.engine.products.workspace import aligned


class Tied:
    """A network whose products are gathered, as the equivalent dense network.

    One gather writes all matrices and biases, another all gradients. At the paper's sizes, NumPy's
    calls cost as much as their work, and one gather per layer would be three times as many.

    Parameters
    ----------
    network : Network
        A network whose weight layers have ``copies``.
    dtype : str
        Floating-point type of the parameters.
    lead : tuple of int
        (S,) for a stack of S networks, () for one.

    Attributes
    ----------
    dense : Network
        The same chain, with a Dense layer for the acting part of each weight layer's matrix, so
        that no input needs padding and no logit is cut off.
    params, grads : list of Params
        The dense network's parameters, written by ``expand``, and their gradients, read by
        ``reduce``.
    """

    def __init__(self, network: Network, dtype: str, lead: tuple[int, ...] = ()) -> None:
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
        self._parameters = aligned((*lead, self.dense.n_parameters), dtype)
        # One more number, always 0: a bias has only one place, and this stands in for the others.
        self._gradient = aligned((*lead, self.dense.n_parameters + 1), dtype)
        self.params = self.dense.views(self._parameters)
        self.grads = self.dense.views(self._gradient[..., :-1])
        self._to_dense, self._to_tied = _places(network, self.dense)
        self._diagonals = aligned((*lead, *self._to_tied.shape), dtype)

    def expand(self, parameters: Array) -> None:
        """Write ``params`` from the network's own parameters (..., n_parameters)."""
        parameters.take(self._to_dense, -1, self._parameters, "wrap")

    def reduce(self, gradient: Array) -> None:
        """Write the network's own gradient (..., n_parameters) from ``grads``."""
        self._gradient.take(self._to_tied, -1, self._diagonals, "wrap")
        np.add.reduce(self._diagonals, axis=-2, out=gradient)


def _places(network: Network, dense: Network) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return each dense parameter's place among the tied ones, and each tied one's dense places.

    Returns
    -------
    to_dense : (dense.n_parameters,) int
    to_tied : (n_copies, network.n_parameters) int
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
    n_copies = max(len(copies) for layer in chain if (copies := copies_of(layer)) is not None)
    to_dense = np.empty(dense.n_parameters, np.intp)
    to_tied = np.full((n_copies, network.n_parameters), dense.n_parameters, np.intp)
    for layer, from_here, to_here in zip(chain, tied, places, strict=True):
        for name, place in to_here.items():
            copies = copies_of(layer)
            if copies is not None and name == "weight":
                assert isinstance(layer, WeightLayer)
                _tie_weight(layer, copies, from_here, place, to_dense, to_tied)
            else:
                acting = from_here[name][tuple(map(slice, place.shape))]
                to_dense[place] = acting
                to_tied[0, acting] = place
    return to_dense, to_tied


def copies_of(layer: Layer) -> NDArray[np.intp] | None:
    """Return the places of the layer's weights in W's transpose, if it is made of copies."""
    return layer.copies() if isinstance(layer, WeightLayer) else None


def _tie_weight(
    layer: WeightLayer,
    copies: NDArray[np.intp],
    own: Params,
    weight: NDArray[np.intp],
    to_dense: NDArray[np.intp],
    to_tied: NDArray[np.intp],
) -> None:
    """Write the places of a layer's ``weight``, its matrix's acting part, and of its own weights.

    The layer has one parameter besides its bias, stored in the order of ``copies``.
    """
    n_out, n_in = weight.shape
    whole = layer.matrix(own)
    to_dense[weight] = whole[:n_out, :n_in]
    padded = np.full(whole.shape, len(to_dense))
    padded[:n_out, :n_in] = weight
    places = padded.T.reshape(-1)[copies]
    (weights,) = (value for name, value in own.items() if name != "bias")
    to_tied[: len(copies), np.sort(weights, axis=None)] = places
