"""Members that are near a matrix, by alternating least squares over a family's factors."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cdbench.engine.layers.base import BoundMatrix, Params
from cdbench.engine.layers.nearest.targets import Target
from cdbench.engine.products.base import FRESH, Array

if TYPE_CHECKING:
    from cdbench.engine.layers.weight_layer import WeightLayer

SWEEPS = 50
"""At most so often each factor is fitted once to the others."""
STEPS = 8
"""Of conjugate gradients for one fit; they never make it worse, so that none has to be exact."""
GAIN = 1e-4
"""A sweep that makes the squared distance less smaller than this, relatively, is the last one."""


def alternated(
    layer: "WeightLayer", start: Params, factors: Sequence[str], target: Target
) -> Params:
    """Return weights whose W is no farther from the target than that of ``start``.

    W has to be linear in each of the factors alone. They are fitted in turn, by conjugate gradients
    for the least squares of the entries that act; what is found is a local minimum.
    """
    from cdbench.engine.layers.taps import bound_matrix

    params = {name: np.array(value, np.float64) for name, value in start.items()}
    params["bias"] = np.zeros(layer.n_out)
    bound = bound_matrix(layer, params, np.float64, FRESH)
    bound.form()
    a, c = target.W.shape
    residual = target.W - bound.W[:a, :c]
    before = float(np.sum(target.weighted(residual) * residual))
    tiny = (np.finfo(np.float64).eps * float(np.linalg.norm(target.W))) ** 2
    for _ in range(SWEEPS):
        for name in factors:
            _fit(bound, params, name, residual, target)
        # What was subtracted step by step is off by rounding.
        bound.form()
        residual = target.W - bound.W[:a, :c]
        after = float(np.sum(target.weighted(residual) * residual))
        if not after > tiny or before - after <= GAIN * before:
            break
        before = after
    del params["bias"]
    return params


def _fit(bound: BoundMatrix, params: Params, name: str, residual: Array, target: Target) -> None:
    """Take a few steps of conjugate gradients in one factor; they leave its residual (a, c)."""
    a, c = residual.shape
    grads = {key: np.empty_like(value) for key, value in params.items()}

    def pulled() -> Array:
        bound.gradient[...] = 0
        bound.gradient[:a, :c] = target.weighted(residual)
        bound.pull(grads)
        return grads[name].copy()

    value = params[name].copy()
    bound.form()
    slope = pulled()
    direction, squared = slope, float(np.vdot(slope, slope))
    for _ in range(STEPS):
        np.copyto(params[name], direction)
        bound.form()
        moved = bound.W[:a, :c]
        curvature = float(np.vdot(target.weighted(moved), moved))
        if not curvature > 0 or not squared > 0:
            break
        step = squared / curvature
        value += step * direction
        residual -= step * moved
        slope, last = pulled(), squared
        squared = float(np.vdot(slope, slope))
        direction = slope + squared / last * direction
    np.copyto(params[name], value)
