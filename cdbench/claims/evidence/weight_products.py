"""κ of products of random weight matrices, which is what compounds over layers at the start."""

from collections.abc import Sequence

import numpy as np

from cdbench.claims.evidence.kappa_curves import DECIDING, ROUNDING
from cdbench.claims.evidence.kappas import DENSE
from cdbench.engine.layers import CDLinear, Dense, Params, WeightLayer
from cdbench.engine.products.base import Array

WIDTH, B, DEEPEST = 64, 4, 12
MODEL = f"cdlinear B={B}"

STREAM = 100
"""Second word of the seeds of the products' weights."""

Kappas = tuple[float, ...]
"""κ at each of the levels that decide."""


def product_kappas(seed: int) -> dict[str, dict[int, Kappas]]:
    """Return κ of the product of the first n initial matrices of a seed, by model and n."""
    layers: dict[str, WeightLayer] = {DENSE: Dense(WIDTH, WIDTH), MODEL: CDLinear(WIDTH, WIDTH, B)}
    found = {}
    for model, layer in layers.items():
        rng = np.random.default_rng([seed, STREAM])
        found[model] = kappas_of_products([_drawn(layer, rng) for _ in range(DEEPEST)])
    return found


def kappas_of_products(matrices: Sequence[Array]) -> dict[int, Kappas]:
    """Return σ²_max/σ²_min of W_n … W_1 for n = 1, 2 …, each matrix being square.

    The smallest singular value would drown in the rounding of the largest. It is therefore one
    over the largest of the inverses' product. Above a noise floor the smallest σ² is the smallest
    that reaches the floor's share of their sum.
    """
    forward: Array = np.eye(len(matrices[0]))
    backward = forward
    found: dict[int, Kappas] = {}
    for n, W in enumerate(matrices, 1):
        forward = W @ forward
        backward = np.linalg.solve(W.T, backward.T).T
        power = np.linalg.svd(forward, compute_uv=False) ** 2
        whole = float(power[0] * np.linalg.norm(backward, 2) ** 2)
        found[n] = tuple(
            whole
            if level == ROUNDING
            else float(power[0] / power[power >= level * power.sum()][-1])
            for level in DECIDING
        )
    return found


def _drawn(layer: WeightLayer, rng: np.random.Generator) -> Array:
    params: Params = {name: np.empty(shape) for name, shape in layer.parameter_shapes().items()}
    layer.initialize(params, rng)
    return layer.matrix(params)
