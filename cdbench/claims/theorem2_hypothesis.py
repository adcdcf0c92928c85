"""Claim: Theorem 2's own hypothesis, which leaves open how input blocks go together."""

from collections.abc import Callable, Collection, Sequence
from itertools import pairwise, product
from math import sqrt

import numpy as np

from cdbench.claims.base import Bench, Claim, Measurements
from cdbench.claims.evidence.whitened import (
    WIDTH,
    condition_of,
    gaussian_samples,
    identity_covariance,
    marchenko_pastur,
    subject,
)
from cdbench.engine.products.base import Array
from cdbench.records.judgement import (
    CONDITIONAL,
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.statistics.estimates import Observations, largest, mean, median
from cdbench.statistics.exponents import exponent_of_medians
from cdbench.statistics.numerals import format_number
from cdbench.statistics.wording import above, below, in_digits

BLOCK_SIZES = (2, 3, 4, 5, 7, 8)
CORRELATIONS = (0.0, 0.5, 0.9, 1.0)
"""Of the second block with the first, coefficient by coefficient."""
ROUNDING = 1e-10

VARIANCE = "largest |variance of F[X_j](k) - 1|"
EXACT, THEOREM = "κ of layer_hessian, correlated blocks", "κ of theorem1, correlated blocks"
RANK = "rank of layer_hessian, share of its size"

SAMPLES = (256, 1024, 8192, 65536)
REPLICATES = {256: 20, 1024: 20, 8192: 16, 65536: 8}
PAPER_B = 4
LOCAL = "local exponent of κ - 1 in N"
LOCAL_LAW = f"{LOCAL}, by Marchenko–Pastur"
ALLOWED, TOLERANCE = -0.5, 0.1


def over(N: int) -> str:
    """Return what κ on N samples is called."""
    return f"κ of layer_hessian, white inputs, N={N}"


def law_over(N: int) -> str:
    """Return what κ by the Marchenko–Pastur law is called."""
    return f"κ by Marchenko–Pastur, white inputs, N={N}"


def span(low: int, high: int) -> str:
    """Return what the exponent between two numbers of samples is of."""
    return f"cdlinear B={PAPER_B}, N from {low:,} to {high:,}"


def at(correlation: float, B: int) -> str:
    """Return what two blocks of that correlation and size are called."""
    together = "X_2 = X_1" if correlation == 1 else f"correlation {correlation:g}"
    return f"{together}, B={B}"


class Theorem2Hypothesis(Claim):
    """κ of the layer's Hessian on inputs that meet the theorem's hypothesis to the letter."""

    name = "theorem-2-hypothesis"
    title = "Theorem 2 under its own hypothesis"
    statement = (
        "Suppose the input data are pre-whitened so that F[X_j](k) has variance 1 across the "
        "dataset for all k and all input blocks j. Then the population Hessian has κ = 1, and on N "
        "examples κ ≤ 1 + O(√(B/N)) with high probability."
    )
    where = "Sec. V, Theorem 2"
    published = "variance 1 of every coefficient gives κ = 1"
    method = (
        "The hypothesis is on each coefficient alone. So two input blocks of variance 1 are taken, "
        "X_1 white and X_2 correlated with it by 0, 0.5, 0.9 and 1, the last being X_2 = X_1, as "
        f"exact populations, B = {', '.join(map(str, BLOCK_SIZES))}. That the hypothesis is met is "
        "computed from F[X_j](k), and κ is that of the layer's exact Hessian, beside κ of Theorem "
        "1's numbers, which is all that the proof looks at. For the second sentence, the growth of "
        f"κ - 1 is measured where inputs are white throughout: the exponent in N between N = "
        f"{', '.join(map(str, SAMPLES))}, n = {WIDTH}, B = {PAPER_B}, which is local, and goes to "
        "-1/2 by the Marchenko–Pastur law."
    )
    rule = (
        "Up to 1e-10 counts as rounding. not supported unless some correlated inputs meet the "
        "hypothesis. contradicted if for inputs that meet it κ differs from 1 at every B, or if "
        "the 95 % interval of the local exponent from 8,192 to 65,536 lies above -1/2 + 0.1. holds "
        "under a condition, certain B, if κ = 1 for all such inputs at some B but not all. holds "
        "if κ = 1 in every case and the interval lies below -1/2 + 0.1; else not supported."
    )
    overturn = (
        "A hypothesis on the blocks together, E F[X_j](k) F[X_j'](k)* = 0 for j ≠ j': then κ = 1. "
        "As it stands, two lines of algebra give (1 + ρ)/(1 - ρ)."
    )
    uses_seeds = False

    def observe(self, bench: Bench) -> list[Observation]:
        """Return what the correlated inputs are and give, and κ on white samples."""
        del bench  # no run is needed
        return [*correlated(), *white_samples()]

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return the counter-examples' κ, the local exponents, and those of the law."""
        spans = list(pairwise(SAMPLES))
        model = subject(PAPER_B)

        def exponents(name: str, called: Callable[[int], str]) -> list[Measurement]:
            return [
                exponent_of_medians(
                    observations, name, span(*ends), {(called(N), model): N for N in ends}, 1.0
                )
                for ends in spans
            ]

        return [
            *(
                mean(observations, quantity, at(correlation, B))
                for quantity in (VARIANCE, EXACT, THEOREM, RANK)
                for correlation in CORRELATIONS
                for B in BLOCK_SIZES
            ),
            *exponents(LOCAL, over),
            *exponents(LOCAL_LAW, law_over),
            *(median(observations, over(N), model) for N in SAMPLES),
            *(largest(observations, law_over(N), model) for N in SAMPLES),
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""

        def value(quantity: str, correlation: float, B: int) -> float:
            return found.find(quantity, at(correlation, B)).estimate

        met = [
            (correlation, B)
            for correlation in CORRELATIONS
            for B in BLOCK_SIZES
            if value(VARIANCE, correlation, B) <= ROUNDING
        ]
        failing = {B for own, B in met if abs(value(EXACT, own, B) - 1) > ROUNDING}
        first, *_, last = (found.find(LOCAL, span(*ends)) for ends in pairwise(SAMPLES))
        verdict = _verdict(any(own for own, _ in met), failing, last)
        half, equal = (_words([value(EXACT, own, B) for B in BLOCK_SIZES]) for own in (0.5, 1.0))
        read_off = max(value(THEOREM, *own) for own in met) if met else np.nan
        kept = [f"{B}" for B in BLOCK_SIZES if B not in failing]
        return Judgement(
            verdict,
            f"X_2 = X_1: κ = {equal}; κ − 1 ∝ N^{in_digits(last)} at large N",
            f"{len(met)} of {len(CORRELATIONS) * len(BLOCK_SIZES)} inputs meet the hypothesis; κ "
            f"is {half} where blocks are correlated by 0.5 and {equal} where X_2 = X_1, though "
            f"Theorem 1's numbers have κ up to {format_number(read_off)}. On white samples κ − 1 "
            f"goes as N^{in_digits(first)} from {SAMPLES[0]:,} to {SAMPLES[1]:,} and as "
            f"N^{in_digits(last)} from {SAMPLES[-2]:,} to {SAMPLES[-1]:,}, "
            f"where the bound has N^−0.5.",
            f"B = {', '.join(kept)}" if verdict == CONDITIONAL else None,
        )


def correlated() -> list[Observation]:
    """Return what pairs of blocks of each correlation are and give."""
    found = []
    for correlation, B in product(CORRELATIONS, BLOCK_SIZES):
        X = two_blocks(B, correlation)
        exact, read_off = (condition_of(kind, B, X) for kind in ("layer_hessian", "theorem1"))
        values = (departure(X, B), exact.kappa, read_off.kappa, exact.rank / exact.size)
        found += [
            Observation(quantity, at(correlation, B), 0, value)
            for quantity, value in zip((VARIANCE, EXACT, THEOREM, RANK), values, strict=True)
        ]
    return found


def two_blocks(B: int, correlation: float) -> Array:
    """Return a population (4 B, 2 B) of two blocks, each of variance 1 in every F[X_j](k)."""
    independent = identity_covariance(2 * B) / sqrt(B)
    first, other = np.hsplit(np.concatenate([independent, -independent]), 2)
    second = correlation * first + sqrt(1 - correlation**2) * other
    return np.hstack([first, second])


def departure(X: Array, B: int) -> float:
    """Return by how much a coefficient's variance over the samples X (N, n) departs from 1."""
    x_hat = np.fft.fft(X.reshape(len(X), -1, B))
    return float(np.abs(np.var(x_hat, axis=0) - 1).max())


def white_samples() -> list[Observation]:
    """Return κ on white samples of every N, and what the law says."""
    model = subject(PAPER_B)
    found = []
    for N in SAMPLES:
        for replicate in range(REPLICATES[N]):
            X = gaussian_samples(N, WIDTH, replicate)
            kappa = condition_of("layer_hessian", PAPER_B, X).kappa
            found.append(Observation(over(N), model, replicate, kappa))
        law = marchenko_pastur(WIDTH / PAPER_B / N)
        found.append(Observation(law_over(N), model, 0, law))
    return found


def _verdict(tested: bool, failing: Collection[int], last: Measurement) -> str:
    grows = above(last, ALLOWED + TOLERANCE)
    if not tested:
        return NOT_SUPPORTED
    if grows or len(failing) == len(BLOCK_SIZES):
        return CONTRADICTED
    if failing:
        return CONDITIONAL
    return HOLDS if below(last, ALLOWED + TOLERANCE) else NOT_SUPPORTED


def _words(kappas: Sequence[float]) -> str:
    low, high = (format_number(end) for end in (min(kappas), max(kappas)))
    return low if low == high else f"{low} … {high}"
