"""Spectra and condition numbers of a network's weight layers; one kind a file.

``weight`` and ``layer_hessian`` can be compared between layer families. ``theorem1`` is the
diagonal of the layer's Hessian, not its spectrum; ``published`` and ``block_power`` are of blocks,
and say so.
"""

from collections.abc import Iterable

import numpy as np

from cdbench.diagnostics.spectra.base import Kind, LayerState, Numbers, condition
from cdbench.diagnostics.spectra.block_power import block_power
from cdbench.diagnostics.spectra.layer_hessian import layer_hessian
from cdbench.diagnostics.spectra.published import published
from cdbench.diagnostics.spectra.second_moments import layer_inputs
from cdbench.diagnostics.spectra.theorem1 import theorem1
from cdbench.diagnostics.spectra.weight import weight
from cdbench.engine.layers import EVALUATION, Context
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array
from cdbench.engine.samples import Samples
from cdbench.errors import NotDefinedError
from cdbench.records.quantiles import MOST_VALUES, kept_ranks
from cdbench.records.spectra import Spectrum

KINDS: dict[str, Kind] = {
    "published": published,
    "block_power": block_power,
    "weight": weight,
    "theorem1": theorem1,
    "layer_hessian": layer_hessian,
}

DATA_KINDS = ("theorem1", "layer_hessian")
"""Kinds that depend on what enters the layer; the others on its parameters only."""

COMPARABLE_KINDS = ("weight", "layer_hessian")
"""Kinds that can be compared between layer families."""

FLOORED_KINDS = ("weight", "theorem1", "layer_hessian")
"""Kinds that are also measured above noise floors: those that can be compared, and the input's."""

__all__ = [
    "COMPARABLE_KINDS",
    "DATA_KINDS",
    "FLOORED_KINDS",
    "KINDS",
    "Kind",
    "LayerState",
    "Numbers",
    "condition",
    "measure_spectra",
]


def measure_spectra(
    network: Network,
    parameters: Array,
    X: Array | Samples,
    epoch: int,
    *,
    sample: str = "train",
    step: int = 0,
    kinds: Iterable[str] = KINDS,
    values: bool = True,
    floors: bool = False,
    context: Context = EVALUATION,
) -> tuple[Spectrum, ...]:
    """Measure every kind for every weight layer, in float64 whatever the run's dtype.

    Parameters
    ----------
    network : Network
        The network.
    parameters : (n_parameters,) float
        Its parameters.
    X : (N, n_features) float
        Data, for the kinds that depend on a layer's inputs; not read if none does.
    epoch : int
        Epochs trained so far; with a step, the epoch in training.
    sample, step
        What X is and when it is measured, as in Spectrum.
    kinds : iterable of str
        Which kinds, of KINDS.
    values : bool
        Whether to keep the numbers, or only their condition.
    context : Context
        In which the network is evaluated.

    Returns
    -------
    tuple of Spectrum
        Layer by layer, kind by kind; without the kinds that a family does not have.
    """
    kinds, exact = tuple(kinds), parameters.astype(np.float64)
    params, eps = network.views(exact), float(np.finfo(parameters.dtype).eps)
    measured = X if set(kinds) & set(DATA_KINDS) else np.empty((0, network.n_in))
    inputs = layer_inputs(network, exact, measured, context)
    spectra = []
    for number, place in enumerate(network.weight_layers, 1):
        own = params[place.position]
        layer, n_in = place.layer.inner, place.n_in_acting
        columns = np.arange(n_in if layer is place.layer else layer.n_in)  # a kernel has all
        acting = place.n_out_acting, len(columns)
        state = LayerState(layer, own, acting, inputs[number - 1], eps, len(measured), columns)
        for name in kinds:
            try:
                numbers = KINDS[name](state)
            except NotDefinedError:
                continue
            kept, n_numbers = keep(numbers.values) if values else ((), None)
            spectra.append(
                Spectrum(
                    number,
                    name,
                    epoch,
                    kept,
                    condition(numbers, floors=floors and name in FLOORED_KINDS),
                    sample if name in DATA_KINDS else None,
                    step,
                    numbers.multiplicity,
                    n_numbers,
                )
            )
    return tuple(spectra)


def keep(values: Array) -> tuple[tuple[float, ...], int | None]:
    """Return the numbers from the largest, and None; of more than MOST_VALUES, quantiles.

    Returns
    -------
    kept : tuple of float
        All numbers, or some of them at equally spaced ranks, both ends among them.
    n_numbers : int or None
        How many the quantiles are of.
    """
    ordered = np.sort(values)[::-1]
    if ordered.size <= MOST_VALUES:
        return tuple(ordered.tolist()), None
    chosen = np.array(kept_ranks(ordered.size)) - 1
    return tuple(ordered[chosen].tolist()), int(ordered.size)
