"""What Theorem 2 is tested on: κ of a layer's Hessian on whitened inputs, and what laws predict."""

from collections.abc import Iterable, Sequence

import numpy as np

from cdbench.config.run_config import RunConfig
from cdbench.engine.layers import CDLinear, Dense, WeightLayer
from cdbench.engine.products.base import Array
from cdbench.records.judgement import Observation
from cdbench.records.spectra import Condition

EPS = float(np.finfo(np.float64).eps)
LAW_DRAWS = 999
"""Draws of which ``diagonal_law`` takes the median."""

WIDTH, SAMPLES = 64, (256, 512, 1024, 1437, 2048, 4096, 8192)
BLOCK_SIZES = (1, 2, 4, 8, 16, 64)
WIDTHS, WIDE_SAMPLES, WIDE_BLOCK_SIZES = (16, 32, 64, 128, 256), 4096, (1, 4)
DIGITS_BLOCK_SIZES = (1, 4, 8)
PAPER_SAMPLES, PAPER_B = 1437, 4
REPLICATES = 12

KINDS = ("layer_hessian", "theorem1")
POPULATION = "κ of layer_hessian, covariance = identity"
UNIT_VARIANCE = "κ of layer_hessian, digits, F[X_j](k) of variance 1"
WHITENED = {
    "X_train": "κ of layer_hessian, whitened digits, training split",
    "X_test": "κ of layer_hessian, whitened digits, test split",
}


def over_samples(kind: str, N: int) -> str:
    """Return what κ on N samples of width 64 is called."""
    return f"κ of {kind}, N={N}"


def over_widths(kind: str, n: int) -> str:
    """Return what κ at width n is called, on 4096 samples."""
    return f"κ of {kind}, N={WIDE_SAMPLES}, n={n}"


def laws(N: int) -> tuple[str, str, str]:
    """Return what the predictions on N samples are called."""
    return (
        f"1 + √(B/N), N={N}",
        f"κ by Marchenko–Pastur, N={N}",
        f"κ of theorem1 by its law, N={N}",
    )


def population(n: int) -> list[Observation]:
    """Return κ with identity covariance, for every block size that divides n."""
    X = identity_covariance(n)
    return [
        Observation(POPULATION, subject(B), 0, condition_of(KINDS[0], B, X).kappa)
        for B in range(1, n + 1)
        if n % B == 0
    ]


def digits(seeds: Sequence[int]) -> list[Observation]:
    """Return κ of the non-null part on the digits, whitened in the two senses."""
    from cdbench.datasets import load_dataset

    found = []
    dataset = load_dataset(RunConfig())
    for seed in seeds:
        raw, whitened = dataset.split(seed).X_train, dataset.split(seed, transform="whiten")
        for B in DIGITS_BLOCK_SIZES:
            cases = {UNIT_VARIANCE: unit_variance(raw, B)}
            cases |= {name: getattr(whitened, part) for part, name in WHITENED.items()}
            for quantity, X in cases.items():
                kappa = condition_of(KINDS[0], B, X).kappa_nonnull
                found.append(Observation(quantity, subject(B), seed, kappa))
    return found


def finite_samples(
    samples: Iterable[int], block_sizes: Sequence[int], replicates: int
) -> list[Observation]:
    """Return κ of both kinds on Gaussian inputs, the same ones for every block size."""
    return [
        Observation(over_samples(kind, N), subject(B), replicate, condition_of(kind, B, X).kappa)
        for N in samples
        for replicate in range(replicates)
        for X in [gaussian_samples(N, WIDTH, replicate)]
        for B in block_sizes
        for kind in KINDS
    ]


def finite_widths(
    widths: Iterable[int], block_sizes: Sequence[int], replicates: int
) -> list[Observation]:
    """Return κ of both kinds on Gaussian inputs of several widths."""
    return [
        Observation(over_widths(kind, n), subject(B), replicate, condition_of(kind, B, X).kappa)
        for n in widths
        for replicate in range(replicates)
        for X in [gaussian_samples(WIDE_SAMPLES, n, replicate)]
        for B in block_sizes
        for kind in KINDS
    ]


def predictions(samples: Iterable[int], block_sizes: Sequence[int]) -> list[Observation]:
    """Return what the laws say for every N and B."""
    return [
        Observation(law, subject(B), 0, value)
        for N in samples
        for B in block_sizes
        for law, value in zip(
            laws(N),
            (
                1 + (B / N) ** 0.5,
                marchenko_pastur(WIDTH / B / N),
                diagonal_law(WIDTH, B, N),
            ),
            strict=True,
        )
    ]


def subject(B: int) -> str:
    """Return the model's name; blocks of 1 are the dense layer."""
    return "dense" if B == 1 else f"cdlinear B={B}"


def condition_of(kind: str, B: int, X: Array) -> Condition:
    """Return one kind's condition of a square layer whose inputs are X (N, n)."""
    from cdbench.diagnostics.spectra import KINDS as ALL_KINDS
    from cdbench.diagnostics.spectra import LayerState, condition

    n = X.shape[1]
    layer: WeightLayer = Dense(n, n) if B == 1 else CDLinear(n, n, B)
    # These kinds are of the inputs alone: the layer needs no parameters.
    return condition(ALL_KINDS[kind](LayerState(layer, {}, (n, n), X, EPS)))


def identity_covariance(n: int) -> Array:
    """Return n samples of width n with mean x xᵀ = 1: a whole population in n samples."""
    return np.asarray(np.sqrt(n) * np.eye(n))


def unit_variance(X: Array, B: int) -> Array:
    """Return X (N, n), centred, with every F[X_j](k) divided by its own deviation.

    This is what Theorem 2 asks for; coefficients that do not vary become zero.
    """
    x_hat = np.fft.rfft((X - X.mean(axis=0)).reshape(len(X), -1, B))
    deviation = np.sqrt(np.mean(np.abs(x_hat) ** 2, axis=0))
    varies = deviation > len(X) * EPS * deviation.max()
    x_hat = np.where(varies, x_hat / np.where(varies, deviation, 1.0), 0.0)
    return np.fft.irfft(x_hat, n=B).reshape(X.shape)


def marchenko_pastur(q: float) -> float:
    """Return κ of a large sample covariance with q = width / samples < 1, population κ = 1."""
    return float(((1 + np.sqrt(q)) / (1 - np.sqrt(q))) ** 2)


def diagonal_law(n: int, B: int, N: int) -> float:
    """Return the median of κ(theorem1) over N Gaussian samples of width n, from its exact law.

    A real frequency's η is χ² with N degrees of freedom, a complex one's with 2N, over those
    degrees; all are independent. With a single input block (B = n) it is κ(layer_hessian) too.
    """
    rng = np.random.default_rng((n, B, N))
    n_real = 1 if B % 2 else 2
    eta = [
        rng.chisquare(degrees, (LAW_DRAWS, n // B * n_frequencies)) / degrees
        for degrees, n_frequencies in ((N, n_real), (2 * N, (B - n_real) // 2))
    ]
    pooled = np.concatenate(eta, axis=1)
    return float(np.median(pooled.max(axis=1) / pooled.min(axis=1)))


def gaussian_samples(N: int, n: int, replicate: int) -> Array:
    """Return N samples of width n of independent standard normals, the same at every call."""
    return np.random.default_rng((N, n, replicate)).normal(size=(N, n))
