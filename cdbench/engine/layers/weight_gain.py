"""How far a unit step of a weight moves W, where a family does not say it: from random steps."""

from typing import Protocol

import numpy as np

from cdbench.engine.layers.base import Params
from cdbench.engine.layers.hessian import STEP
from cdbench.engine.products.base import Array

N_DRAWS = 32
SEED = 0
"""Of the draws, which belong to the family and not to a run."""


class Drawn(Protocol):
    """As much of a weight layer as is needed here."""

    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each parameter."""
        ...

    def initialize(self, params: Params, rng: np.random.Generator) -> None:
        """Write the initial values."""
        ...

    def matrix(self, params: Params) -> Array:
        """Return W."""
        ...


def estimated_gain(layer: Drawn) -> dict[str, float]:
    """Return the mean of ‖∂W/∂θ‖² over each parameter's entries and draws of the initial values.

    A step of all entries by random signs moves W by a sum over them, whose expected squared length
    is the sum of theirs. It is no estimate but exact where an entry of W is one weight, whichever.
    """
    rng, shapes = np.random.default_rng(SEED), layer.parameter_shapes()
    params = {name: np.empty(shape, np.complex128) for name, shape in shapes.items()}
    sums = {name: 0.0 for name, shape in shapes.items() if name != "bias" and np.prod(shape)}
    for _ in range(N_DRAWS):
        layer.initialize(params, rng)
        for name in sums:
            kept = params[name].copy()
            params[name] += STEP * 1j * rng.choice((-1.0, 1.0), kept.shape)
            sums[name] += float(np.sum((layer.matrix(params).imag / STEP) ** 2))
            params[name][...] = kept
    return {name: total / (N_DRAWS * params[name].size) for name, total in sums.items()}
