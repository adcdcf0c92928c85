"""Curvature of the whole network's loss: its Gauss–Newton matrix, its Hessian, their spectra.

Comparable between layer families, and over samples and parameters together, which the spectra of
single layers are not. The Gauss–Newton matrix is singular and the Hessian indefinite: the numbers
to read are the ends, the trace, the effective rank and the damped κ.
"""

import numpy as np
from numpy.typing import NDArray

from cdbench.curvature.base import Eigenvalues
from cdbench.curvature.exact import exact_spectrum, gauss_newton_matrix, hessian_matrix
from cdbench.curvature.lanczos import lanczos_spectrum
from cdbench.curvature.operators import (
    gauss_newton,
    hessian,
    logit_shift,
    rescaled,
    weight_space,
)
from cdbench.errors import UnknownNameError
from cdbench.layers import EVALUATION, Context
from cdbench.network import Network
from cdbench.products.base import Array
from cdbench.run import Curvature

OPERATORS = {"gauss_newton": gauss_newton, "hessian": hessian}
BUILDERS = {"gauss_newton": gauss_newton_matrix, "hessian": hessian_matrix}
METHODS = ("auto", "exact", "lanczos")

EXACT_BELOW = 3000
"""Parameters from which "auto" estimates: 20 s at 2,380, and time grows with their square."""

DAMPING = 1e-3
"""d of the damped κ. The paper names no value; this is a common default of K-FAC implementations."""

__all__ = ["Eigenvalues", "gauss_newton", "hessian", "measure_curvature"]


def measure_curvature(
    network: Network,
    parameters: Array,
    X: Array,
    y: NDArray[np.int64],
    *,
    sample: str,
    epoch: int,
    method: str = "auto",
    context: Context = EVALUATION,
    seed: int = 0,
) -> tuple[Curvature, ...]:
    """Measure both matrices of the mean softmax cross-entropy, in float64 whatever the dtypes.

    The Gauss–Newton matrix's smallest eigenvalue is 0, so that its damped κ is 1 + largest / d:
    it tells the largest eigenvalue on the scale of a damping that is in use.

    Parameters
    ----------
    network : Network
        The network.
    parameters : (n_parameters,) float
        Its parameters.
    X : (N, n_in) float
        Samples, N of them.
    y : (N,) int
        Their classes.
    sample, epoch
        What the samples are and when this is, as in Curvature.
    method : str
        "exact" builds the matrices, "lanczos" estimates; "auto" is exact below EXACT_BELOW
        parameters.
    context : Context
        In which the network is evaluated; one in which no sample acts on another.
    seed : int
        Of lanczos's random vectors.

    Returns
    -------
    tuple of Curvature
        Gauss–Newton before Hessian; own coordinates, then weight-space if they are others.

    Raises
    ------
    UnknownNameError
        If there is no such method.
    """
    if method not in METHODS:
        raise UnknownNameError("curvature method", method, METHODS)
    if method == "auto":
        method = "exact" if network.n_parameters < EXACT_BELOW else "lanczos"
    scales = {"own": np.ones(network.n_parameters), "weight-space": weight_space(network)}
    if (scales["weight-space"] == 1).all():
        del scales["weight-space"]
    at = (network, parameters, X, y, context)
    found = []
    for matrix in OPERATORS:
        if method == "exact":
            built = BUILDERS[matrix](*at)
            spectra = [exact_spectrum(built * np.outer(D, D)) for D in scales.values()]
        else:
            operator = OPERATORS[matrix](*at)
            # The shift is of biases only, so it is the same in both coordinates.
            null = logit_shift(network)[: matrix == "gauss_newton"]
            spectra = [
                lanczos_spectrum(rescaled(operator, D), seed, null) for D in scales.values()
            ]
        found += [
            _curvature(matrix, coordinates, epoch, sample, len(y), method, spectrum)
            for coordinates, spectrum in zip(scales, spectra, strict=True)
        ]
    return tuple(found)


def _curvature(
    matrix: str,
    coordinates: str,
    epoch: int,
    sample: str,
    n_samples: int,
    method: str,
    spectrum: Eigenvalues,
) -> Curvature:
    """Return a spectrum with the numbers derived from it."""
    largest, smallest = spectrum.largest, spectrum.smallest
    magnitudes = np.abs(spectrum.nodes)
    scale = max(abs(largest), abs(smallest))
    threshold = spectrum.resolution * scale
    nonnull = magnitudes[magnitudes > threshold]
    order = np.argsort(spectrum.nodes)[::-1]
    damped = smallest + DAMPING
    kappa_nonnull = float(nonnull.max() / nonnull.min()) if nonnull.size else np.inf
    return Curvature(
        matrix=matrix,
        coordinates=coordinates,
        epoch=epoch,
        sample=sample,
        n_samples=n_samples,
        method=method,
        size=spectrum.size,
        rank=round(spectrum.total(magnitudes > threshold)),
        threshold=threshold,
        largest=largest,
        smallest=smallest,
        kappa=largest / smallest if smallest > threshold else np.inf,
        kappa_nonnull=kappa_nonnull if method == "exact" else None,
        trace=spectrum.trace,
        trace_error=spectrum.trace_error,
        effective_rank=spectrum.total(magnitudes) / scale if scale else 0.0,
        damping=DAMPING,
        damped_kappa=(largest + DAMPING) / damped if damped > 0 else np.inf,
        nodes=tuple(spectrum.nodes[order].tolist()),
        weights=tuple(spectrum.weights[order].tolist()),
    )
