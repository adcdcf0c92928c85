"""Claim 2: the hand-derived gradients against central differences."""

from collections.abc import Callable, Iterator
from itertools import count, product

import numpy as np
from numpy.typing import NDArray

from cdbench.claims.base import Bench, Claim, Measurements
from cdbench.config.run_config import RunConfig
from cdbench.engine.layers import EVALUATION, CDLinear, Params, ReLU
from cdbench.engine.losses import softmax_cross_entropy
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array
from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.statistics.estimates import Observations, largest

LAYER = "relative error of a layer's gradient, worst entry (place: case)"
NETWORK = "relative error of a network's gradient, in norm (place: case)"

PUBLISHED_ERROR = 1e-4
"""Sec. III.2 and the abstract."""

BLOCK_SIZES = range(1, 17)
SHAPES = ((1, 1), (2, 3), (3, 1), (4, 2))
"""K_o and K_i of the layers."""

N_SAMPLES, N_FEATURES, N_CLASSES, HIDDEN = 4, 20, 10, (24, 24)

LAYER_STEP = 1.0
"""The loss is quadratic in c, bias and x, each alone: a central difference has no error but
rounding, at any step."""

NETWORK_STEP = 1e-5
"""Near the cube root of the spacing at 1, where truncation and rounding are alike."""

KINK_MARGIN = 100 * NETWORK_STEP
"""A central difference across a kink of ReLU is wrong; points closer to one are not taken."""


class Gradients(Claim):
    """Gradients of layers and networks, entry by entry."""

    name = "gradients"
    title = "Hand-derived gradients"
    statement = (
        "All gradients are verified to a relative error below 1e-4 by finite differences, at "
        "random indices and three configurations (n_in, n_out, B)."
    )
    where = "Abstract; Sec. III.2"
    published = "relative error below 1e-4"
    method = (
        "For B = 1 to 16 and four shapes, 1 × 1 to 4 × 2 blocks, differentiate half the squared "
        "error of 4 samples by every entry of c, bias and input, by hand (Eqs. 3 and 4) and by "
        "central differences in float64. The error of an entry is |analytic - numeric| / "
        "|numeric|, and the worst entry counts: cases 1-12. Then for every B the cross-entropy of "
        "a whole network, 20→24→24→10 with padding, by every parameter and input, in norm, "
        "because its entries go down to zero: cases 13 and 14."
    )
    rule = (
        "holds if every error is below 1e-4; holds under a condition, certain B, if for some but "
        "not all of the 16 block sizes all errors are below; contradicted if for none."
    )
    overturn = "A shape, a block size or a layer with an entry off by more than 1e-4."
    uses_seeds = False

    def observe(self, bench: Bench) -> list[Observation]:
        """Return the errors of every case."""
        del bench  # no run is needed
        return [
            Observation(quantity, f"B={B}", case, error)
            for B in BLOCK_SIZES
            for case, (quantity, error) in enumerate(_errors(B), 1)
        ]

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return the largest error of each B."""
        return [
            largest(observations, quantity, f"B={B}")
            for quantity, B in product((LAYER, NETWORK), BLOCK_SIZES)
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        below = [
            B
            for B in BLOCK_SIZES
            if all(found.find(q, f"B={B}").estimate < PUBLISHED_ERROR for q in (LAYER, NETWORK))
        ]
        layer, network = (
            max(own.estimate for own in found.all if own.quantity == quantity)
            for quantity in (LAYER, NETWORK)
        )
        n_cases = sum(own.n for own in found.all)
        verdict = HOLDS if below == list(BLOCK_SIZES) else CONDITIONAL if below else CONTRADICTED
        return Judgement(
            verdict,
            f"largest error {layer:.0e} (layer's worst entry), {network:.0e} (network)",
            f"In {n_cases} cases the largest relative error is {layer:.1e} in the worst entry of a "
            f"layer's gradient and {network:.1e} in the norm of a network's; it is below 1e-4 for "
            f"{len(below)} of 16 block sizes.",
            f"B = {', '.join(map(str, below))}" if verdict == CONDITIONAL else None,
        )


def _errors(B: int) -> Iterator[tuple[str, float]]:
    """Yield quantity and error of each case of a block size."""
    for case, (K_o, K_i) in enumerate(SHAPES):
        for error in layer_errors(CDLinear(K_i * B, K_o * B, B), seed=case):
            yield LAYER, error
    for error in network_errors(B):
        yield NETWORK, error


def layer_errors(layer: CDLinear, seed: int) -> tuple[float, float, float]:
    """Return the worst entry's relative error of the gradients in c, bias and input."""
    rng = np.random.default_rng([layer.B, seed])
    params = {name: rng.normal(size=shape) for name, shape in layer.parameter_shapes().items()}
    x, target = rng.normal(size=(N_SAMPLES, layer.n_in)), rng.normal(size=(N_SAMPLES, layer.n_out))

    def loss() -> float:
        return float(np.sum((layer.forward(params, x, EVALUATION)[0] - target) ** 2)) / 2

    y, pullback = layer.forward(params, x, EVALUATION)
    grads: Params = {name: np.empty_like(value) for name, value in params.items()}
    dx = pullback(y - target, grads)

    def worst(analytic: Array, array: Array) -> float:
        numeric = central_difference(loss, array, LAYER_STEP)
        return float(np.max(np.abs(analytic - numeric) / np.abs(numeric)))

    return worst(grads["c"], params["c"]), worst(grads["bias"], params["bias"]), worst(dx, x)


def network_errors(B: int) -> tuple[float, float]:
    """Return the relative error, in norm, of a network's gradients in parameters and input."""
    from cdbench.engine.building import build_network

    config = RunConfig(B=B, hidden=HIDDEN)
    network = build_network(config, N_FEATURES, N_CLASSES)
    points = _points(network, B)
    flat, x, labels = next(point for point in points if _is_smooth(network, point))
    params, gradient = network.views(flat), np.empty_like(flat)

    def loss() -> float:
        return softmax_cross_entropy(network.forward(params, x)[0], labels)[0]

    logits, pullback = network.forward(params, x)
    dx = pullback(softmax_cross_entropy(logits, labels)[1], network.views(gradient))

    def error(analytic: Array, array: Array) -> float:
        numeric = central_difference(loss, array, NETWORK_STEP)
        return float(np.linalg.norm(analytic - numeric) / np.linalg.norm(numeric))

    return error(gradient, flat), error(dx, x)


def central_difference(f: Callable[[], float], array: Array, step: float) -> Array:
    """Return (f(a + step) - f(a - step)) / 2 step for every entry a of an array that f reads."""
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + step
        above = f()
        array[index] = kept - step
        gradient[index] = (above - f()) / (2 * step)
        array[index] = kept
    return gradient


Point = tuple[Array, Array, NDArray[np.int64]]
"""Parameters of a network, inputs and labels."""


def _points(network: Network, B: int) -> Iterator[Point]:
    """Yield random points, one after another, always the same ones."""
    for number in count():
        rng = np.random.default_rng([B, number])
        flat = network.initial_parameters(rng)
        flat += 0.1 * rng.normal(size=flat.shape)  # so that biases are not zero
        x = rng.normal(size=(N_SAMPLES, N_FEATURES))
        yield flat, x, rng.integers(N_CLASSES, size=N_SAMPLES)


def _is_smooth(network: Network, point: Point) -> bool:
    """Whether every entry of every ReLU's input is further from its kink than a step may move."""
    flat, x, _ = point
    inputs = zip(network.inputs(network.views(flat), x), network.layers, strict=True)
    return all(np.abs(h).min() > KINK_MARGIN for h, layer in inputs if isinstance(layer, ReLU))
