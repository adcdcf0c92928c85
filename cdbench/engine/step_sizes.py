"""The step size of each parameter, and the gains of the layers that it may be divided by."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from cdbench.config.run_config import RunConfig
from cdbench.engine.layers import Dense, Params, WeightLayer
from cdbench.engine.layers.gauss_newton import largest_eigenvalue, trace
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array
from cdbench.engine.split import Split
from cdbench.errors import DivergenceError
from cdbench.records.run import LayerGain

MEASURED: Mapping[str, Callable[[WeightLayer, Params, Array], float]] = {
    "mean": trace,
    "sharp": largest_eigenvalue,
}
"""What is measured of a layer's Gauss–Newton matrix, and of a dense one's, by scaling."""


def sample_order(config: RunConfig) -> np.random.Generator:
    """Return the generator whose permutations are the order of samples, one each epoch."""
    return np.random.default_rng(config.seed)


def measured_gains(
    network: Network, parameters: Array, split: Split, config: RunConfig
) -> tuple[LayerGain, ...]:
    """Return the gain of each weight layer, as the run's scaling has it, on the first batch.

    It is measured in float64 whatever the run's dtype, without dropout, and with the batch's own
    statistics in batch normalisation.

    Parameters
    ----------
    network : Network
        Built for the split's features and classes.
    parameters : (n_parameters,) float
        The initial parameters.
    split : Split
        The data.
    config : RunConfig
        The run.

    Returns
    -------
    tuple of LayerGain
        Empty for scalings that measure nothing.

    Raises
    ------
    DivergenceError
        If what enters a layer is not finite.
    """
    if config.learning_rate_scaling not in MEASURED:
        return ()
    params = network.views(parameters.astype(np.float64))
    first = sample_order(config).permutation(len(split.y_train))[: config.batch_size]
    X = split.X_train[first].astype(np.float64)
    with np.errstate(all="ignore"):
        inputs = network.inputs(params, X, network.evaluation(params, X))
    places = [place.position for place in network.weight_layers]
    if not all(np.isfinite(inputs[position]).all() for position in places):
        raise DivergenceError(1, 1)
    found = []
    for number, place in enumerate(network.weight_layers, 1):
        rows = place.layer.unfolded(inputs[place.position])
        measured = gain(place.layer.inner, params[place.position], rows, config)
        found.append(LayerGain(number, measured))
    return tuple(found)


def gain(layer: WeightLayer, params: Params, x: Array, config: RunConfig) -> float:
    """Return how much more a step moves the layer's outputs than a dense layer's, all else equal.

    ``mean``: the trace of the Gauss–Newton matrix over that of a dense layer of the same widths
    for the same inputs, which is how far a step moves the outputs on average. ``sharp``: its
    largest eigenvalue over dense's, which is how much smaller the largest stable step is.

    Parameters
    ----------
    layer : WeightLayer
        The layer; of a convolution, the layer whose matrix is the kernel.
    params : Params
        Its parameters, in float64.
    x : (N, n_in) float64
        What it multiplies, of all samples: their tokens or windows, where these are its rows.
    config : RunConfig
        The run.

    Returns
    -------
    float
        1 where no step of the layer's weights, or of dense ones, moves an output at all.
    """
    measure = MEASURED[config.learning_rate_scaling]
    if not x.any():
        return 1.0
    x = x / np.abs(x).max()  # no power of it overflows; the gain is the same
    return measure(layer, params, x) / measure(Dense(layer.n_in, layer.n_out), {}, x) or 1.0


def learning_rates(
    network: Network, config: RunConfig, gains: Sequence[LayerGain] = ()
) -> float | Array:
    """Return the step size η or, with another scaling than raw, one for each parameter.

    Biases, and a normalisation's gain and shift, keep η. All weights of a layer have η over its
    gain, where gains are measured. Weight-space scaling goes by the parametrisation alone: a
    weight's gradient is the sum over all places of W that it moves. So where a unit step moves W by
    ‖∂W/∂θ‖, a step η moves W as far as a step η ‖∂W/∂θ‖² in a dense layer: B·η for an entry of a
    circulant block, which occurs B times. With η / B, W's step is that of the dense layer,
    projected onto block-circulant matrices.

    Returns
    -------
    float or (n_parameters,) float
        In the run's dtype.
    """
    assert config.learning_rate is not None
    if config.learning_rate_scaling == "raw":
        return config.learning_rate
    rates = np.full(network.n_parameters, config.learning_rate, config.dtype)
    views, places = network.views(rates), network.weight_layers
    if config.learning_rate_scaling in MEASURED:
        for place, measured in zip(places, gains, strict=True):
            for name, own in views[place.position].items():
                if name != "bias":
                    np.divide(own, measured.gain, out=own)
        return rates
    for place in places:
        for name, moved in place.layer.inner.weight_gain().items():
            views[place.position][name] /= moved
    return rates
