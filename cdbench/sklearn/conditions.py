"""How well conditioned the layers of a fitted network are."""

import numpy as np
from scipy.linalg import get_lapack_funcs

from cdbench.diagnostics.spectra import COMPARABLE_KINDS, DATA_KINDS, KINDS, LayerState, condition
from cdbench.engine.layers import Context
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array


def input_roots(network: Network, parameters: Array, X: Array, context: Context) -> list[Array]:
    """Return what stands for each weight layer's inputs: few rows with the same second moment.

    The triangular factor of the inputs, so that no sample is kept. The moment is the same up to a
    factor, which changes neither a condition nor a rank.

    Parameters
    ----------
    network : Network
        A chain whose layers see a row of each sample.
    parameters : (n_parameters,) float
        Its parameters.
    X : (n_samples, n_features) float
        The training samples.
    context : Context
        In which the network is evaluated.

    Returns
    -------
    list of (min(n_samples, n_in), n_in) float
        For each weight layer.
    """
    inputs = network.inputs(network.views(parameters), X, context)
    found = []
    for place in network.weight_layers:
        own = inputs[place.position]
        # NumPy's qr takes two to three times as long for the same.
        (geqrf,) = get_lapack_funcs(("geqrf",), (own,))
        factor, *_ = geqrf(own)
        found.append(np.triu(factor[: min(own.shape)]))
    return found


def report(
    network: Network, parameters: Array, roots: list[Array] | None, n_samples: int
) -> list[dict[str, object]]:
    """Return the condition of each weight layer, of each kind that families can be compared by.

    Parameters
    ----------
    network : Network
        The network.
    parameters : (n_parameters,) float
        Its parameters.
    roots : list of array or None
        What ``input_roots`` gave; without it, the kinds that depend on the inputs are left out.
    n_samples : int
        How many samples that was measured on.

    Returns
    -------
    list of dict
        Rows of ``layer``, from 1 at the input, ``family``, ``kind``, ``kappa``, infinite below full
        rank, ``kappa_nonnull``, of what is not zero, ``rank`` and ``size``.
    """
    params, eps = network.views(parameters.astype(np.float64)), np.finfo(parameters.dtype).eps
    rows: list[dict[str, object]] = []
    for number, place in enumerate(network.weight_layers, 1):
        inputs = np.empty((0, place.layer.n_in)) if roots is None else roots[number - 1]
        state = LayerState(
            place.layer,
            params[place.position],
            (place.n_out_acting, place.n_in_acting),
            inputs.astype(np.float64),
            float(eps),
            n_samples,
        )
        for kind in COMPARABLE_KINDS:
            if kind in DATA_KINDS and roots is None:
                continue
            found = condition(KINDS[kind](state))
            rows.append(
                {
                    "layer": number,
                    "family": place.layer.family,
                    "kind": kind,
                    "kappa": found.kappa,
                    "kappa_nonnull": found.kappa_nonnull,
                    "rank": found.rank,
                    "size": found.size,
                }
            )
    return rows
