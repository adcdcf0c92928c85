"""Trace and largest eigenvalue of a weight layer's Gauss–Newton matrix, without forming it."""

import numpy as np

from cdbench.engine.layers.base import EVALUATION, Params
from cdbench.engine.layers.hessian import STEP
from cdbench.engine.layers.weight_layer import WeightLayer
from cdbench.engine.products.base import Array

N_STEPS, N_PROBES = 32, 64
"""Of Lanczos' method, and random vectors for what it leaves of the trace."""

SEED = 0
"""Of both. They only estimate a number of the layer, so the run's seed has no part in it."""


def largest_eigenvalue(layer: WeightLayer, params: Params, x: Array) -> float:
    """Return the largest eigenvalue of mean JᵀJ over samples, J = ∂y/∂θ without the bias.

    From the spectrum of a family that says its own, otherwise by Lanczos' method.

    Parameters
    ----------
    layer : WeightLayer
        The layer.
    params : Params
        In float64.
    x : (N, n_in) float64
        Inputs, not all zero.
    """
    if _says_its_spectrum(layer):
        return float(layer.hessian_spectrum(params, x).values.max())
    return _Products(layer, params, x).search()[1]


def trace(layer: WeightLayer, params: Params, x: Array) -> float:
    """Return the trace of mean JᵀJ over samples, J = ∂y/∂θ without the bias.

    From the spectrum of a family that says its own. Otherwise exact where Lanczos' method has
    searched, which is where the matrix is large, and beside that from random vectors (Meyer et al.
    2021): within some percent. Parameters as of ``largest_eigenvalue``.
    """
    if _says_its_spectrum(layer):
        found = layer.hessian_spectrum(params, x)
        return float(found.values.sum()) * found.multiplicity
    products = _Products(layer, params, x)
    basis, _, inside = products.search()
    probes = np.random.default_rng(SEED).choice((-1.0, 1.0), (N_PROBES, products.size))
    beside = 0.0
    for probe in probes:
        gradients = products.pull(_beside(probe, basis))
        beside += sum(float(np.vdot(value, value)) for value in gradients.values())
    return inside + beside / N_PROBES


def _says_its_spectrum(layer: WeightLayer) -> bool:
    """Return whether the layer's spectrum takes no Jacobian, which wide layers have no room for."""
    return type(layer).hessian_spectrum is not WeightLayer.hessian_spectrum


class _Products:
    """Products with J of the outputs of rows that have the inputs' second moment, and with Jᵀ.

    The rows are orthogonal. Different outputs of a dense layer then share nothing, and random
    vectors give its trace without variance, that of others with little.
    """

    def __init__(self, layer: WeightLayer, params: Params, x: Array) -> None:
        _, s, directions = np.linalg.svd(x / np.sqrt(len(x)), full_matrices=False)
        rows = (s[:, None] * directions)[s > np.finfo(np.float64).eps * s[0]]
        self._params = params
        self._moved = {name: value.astype(np.complex128) for name, value in params.items()}
        self._y, self._run = layer.bind(self._moved, rows.astype(np.complex128), EVALUATION)[:2]
        real, run, self._pullback = layer.bind(params, rows, EVALUATION)
        run()
        self._shape, self.size = real.shape, real.size
        self._grads = {name: np.zeros_like(value) for name, value in params.items()}

    def pull(self, dy: Array) -> Params:
        """Return Jᵀ dy, a gradient for each parameter but the bias; the next call overwrites it."""
        self._pullback(dy.reshape(self._shape), self._grads)
        return {name: value for name, value in self._grads.items() if name != "bias"}

    def push(self, steps: Params) -> Array:
        """Return J times steps of the parameters, (size,), by a complex step."""
        for name, step in steps.items():
            self._moved[name][...] = self._params[name] + STEP * 1j * step
        self._run()
        return np.ravel(self._y.imag / STEP)

    def search(self) -> tuple[Array, float, float]:
        """Return Lanczos' basis for JJᵀ, its largest eigenvalue, and its trace on the basis.

        Returns
        -------
        basis : (steps, size) float64
            Orthonormal.
        largest, inside : float
        """
        basis = np.empty((min(N_STEPS, self.size), self.size))
        diagonal, beside = np.zeros(len(basis)), np.zeros(len(basis))
        rng = np.random.default_rng(SEED)
        v = rng.normal(size=self.size)
        for step in range(len(basis)):
            v /= np.linalg.norm(v)
            basis[step] = v
            v = self.push(self.pull(v))
            diagonal[step] = basis[step] @ v
            v = _beside(v, basis[: step + 1])
            beside[step] = np.linalg.norm(v)
            if beside[step] <= np.finfo(np.float64).eps * self.size * diagonal.max():
                # All that the start has a part in is found; what else there is begins anew.
                beside[step] = 0.0
                v = _beside(rng.normal(size=self.size), basis[: step + 1])
        between = np.diag(beside[:-1], 1)
        values = np.linalg.eigvalsh(np.diag(diagonal) + between + between.T)
        return basis, float(values[-1]), float(diagonal.sum())


def _beside(v: Array, basis: Array) -> Array:
    """Return v without its part in the space of an orthonormal basis, (steps, size)."""
    for _ in range(2):  # once leaves what rounding brings back
        v = v - (basis @ v) @ basis
    return v
