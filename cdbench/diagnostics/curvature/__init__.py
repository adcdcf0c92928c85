"""Curvature of the whole network's loss: its Gauss–Newton matrix, its Hessian and their spectra.

They can be compared between layer families. The Gauss–Newton matrix is singular and the Hessian
indefinite, so neither has a κ of its own. The numbers to read are the extreme eigenvalues, the
trace, the effective rank and the damped κ.
"""

from collections.abc import Callable

import numpy as np

from cdbench.diagnostics.curvature.exact import exact_spectrum, gauss_newton_matrix, hessian_matrix
from cdbench.diagnostics.curvature.lanczos import lanczos_spectrum
from cdbench.diagnostics.curvature.operators import (
    gauss_newton,
    hessian,
    logit_shift,
    rescaled,
    weight_space,
)
from cdbench.engine.layers import EVALUATION, Context
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array
from cdbench.engine.tasks import Targets, task_of
from cdbench.errors import UnknownNameError
from cdbench.records.spectra import Curvature

METHODS = ("auto", "exact", "lanczos")
MATRICES = {"gauss_newton": gauss_newton_matrix, "hessian": hessian_matrix}
NAMES = {"gauss_newton": "Gauss–Newton matrix", "hessian": "Hessian"}
OPERATORS = {"gauss_newton": gauss_newton, "hessian": hessian}

EXACT_BELOW = 3000
"""From this many parameters "auto" estimates: 2,380 take 20 s to build and solve exactly. Where a
sample is several rows, each product takes as many times as long, and they are counted so."""

__all__ = ["EXACT_BELOW", "METHODS", "gauss_newton", "hessian", "measure_curvature"]


def measure_curvature(
    network: Network,
    parameters: Array,
    X: Array,
    y: Targets,
    *,
    sample: str,
    epoch: int,
    method: str = "auto",
    task: str = "classification",
    smoothing: float = 0.0,
    context: Context = EVALUATION,
    seed: int = 0,
    on_stage: Callable[[str], None] = lambda what: None,
) -> tuple[Curvature, ...]:
    """Measure both matrices of the mean training loss, always in float64.

    Of a softmax, the Gauss–Newton matrix's smallest eigenvalue is 0, so its damped κ is
    1 + largest / d and depends on the largest eigenvalue only.

    Parameters
    ----------
    network : Network
        The network.
    parameters : (n_parameters,) float
        Its parameters.
    X : (N, n_in) float
        The samples.
    y : (N,) or (N, rows of a sample) int or float
        Their classes, quantities as a Split has them, or a text's next symbols.
    sample, epoch
        Which samples these are and after which epoch, as in Curvature.
    method : str
        "exact" builds the matrices, "lanczos" estimates their spectra; "auto" is exact below
        EXACT_BELOW parameters times rows of a sample.
    task : str
        A key of TASKS: what y is, and so which loss.
    smoothing : float
        Label smoothing of the training loss, which the Gauss–Newton matrix does not depend on.
    context : Context
        Context of the evaluation; in it, no sample may affect another.
    seed : int
        Seed of the random vectors of "lanczos".
    on_stage : callable
        Called at the start of each stage with what is measured.

    Returns
    -------
    tuple of Curvature
        Gauss–Newton before Hessian, own coordinates before weight-space. Without blocks the two
        coordinate systems are the same, and only "own" is measured.

    Raises
    ------
    UnknownNameError
        If there is no such method.
    """
    if method not in METHODS:
        raise UnknownNameError("curvature method", method, METHODS)
    if method == "auto":
        size = network.n_parameters * network.rows_per_sample
        method = "exact" if size < EXACT_BELOW else "lanczos"
    learned = task_of(task, smoothing)
    at = (network, parameters, X, y, context, learned)
    # The shift moves biases only, so it is the same in both coordinate systems.
    null = logit_shift(network) if learned.is_shift_free else np.empty((0, network.n_parameters))
    found: list[Curvature] = []
    systems = _coordinates(network)
    for matrix in MATRICES:
        if method == "exact":
            on_stage(f"network's {NAMES[matrix]}, {network.n_parameters:,} parameters")
        measured = MATRICES[matrix](*at) if method == "exact" else OPERATORS[matrix](*at)
        for coordinates, D in systems.items():
            part = f"{len(found) + 1} of {len(MATRICES) * len(systems)}"
            on_stage(f"network's {NAMES[matrix]}, spectrum {part}")
            if method == "exact":
                spectrum = exact_spectrum(measured * np.outer(D, D))
            else:
                spectrum = lanczos_spectrum(rescaled(measured, D), seed, null)
            found.append(
                spectrum.curvature(
                    matrix=matrix,
                    coordinates=coordinates,
                    epoch=epoch,
                    sample=sample,
                    n_samples=len(y),
                    method=method,
                )
            )
    return tuple(found)


def _coordinates(network: Network) -> dict[str, Array]:
    """Return the diagonal D of each coordinate system, θ = D θ', by name."""
    own, scaled = np.ones(network.n_parameters), weight_space(network)
    return {"own": own} if np.array_equal(own, scaled) else {"own": own, "weight-space": scaled}
