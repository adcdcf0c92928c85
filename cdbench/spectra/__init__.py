"""Spectra and condition numbers of a network's weight layers; one kind a file.

Only ``weight`` can be compared between layer families. ``theorem1`` is the diagonal of the layer's
Hessian, not its spectrum; ``published`` and ``block_power`` are of blocks, and say so.
"""

import numpy as np

from cdbench.network import Network
from cdbench.products.base import Array
from cdbench.run import Spectrum
from cdbench.spectra.base import Kind, LayerState, Numbers, condition
from cdbench.spectra.block_power import block_power
from cdbench.spectra.published import published
from cdbench.spectra.theorem1 import theorem1
from cdbench.spectra.weight import weight

KINDS: dict[str, Kind] = {
    "published": published,
    "block_power": block_power,
    "weight": weight,
    "theorem1": theorem1,
}

__all__ = ["KINDS", "Kind", "LayerState", "Numbers", "condition", "measure_spectra"]


def measure_spectra(
    network: Network, parameters: Array, X_train: Array, epoch: int
) -> tuple[Spectrum, ...]:
    """Measure every kind for every weight layer, in float64 whatever the run's dtype.

    Parameters
    ----------
    network : Network
        The network.
    parameters : (n_parameters,) float
        Its parameters.
    X_train : (N, n_features) float
        Training split, for the kinds that depend on a layer's inputs.
    epoch : int
        Epochs trained so far.

    Returns
    -------
    tuple of Spectrum
        Layer by layer, kind by kind.
    """
    params = network.views(parameters.astype(np.float64))
    inputs = network.inputs(params, X_train.astype(np.float64))
    eps = float(np.finfo(parameters.dtype).eps)
    spectra = []
    for number, place in enumerate(network.weight_layers, 1):
        own = params[place.position]
        state = LayerState(place.layer, own, place.acting_matrix(own), inputs[place.position], eps)
        for name, kind in KINDS.items():
            numbers = kind(state)
            values = tuple(np.sort(numbers.values)[::-1].tolist())
            spectra.append(Spectrum(number, name, epoch, values, condition(numbers)))
    return tuple(spectra)
