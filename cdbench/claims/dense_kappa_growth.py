"""Claim 10: κ of a randomly initialised dense layer grows as n."""

from collections.abc import Sequence

import numpy as np

from cdbench.claims.base import Bench, Claim, Measurements
from cdbench.records.judgement import (
    CONTRADICTED,
    HOLDS,
    NOT_SUPPORTED,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.statistics.estimates import Observations, median
from cdbench.statistics.exponents import exponent_of_medians
from cdbench.statistics.wording import above, below, ends, in_digits

SIZES = (8, 16, 32, 64, 128, 256, 512)
REPLICATES = 100

SQUARE = "κ of σ²(W), n × n"
WIDE = "κ of σ²(W), n/2 × n"
EDELMAN = "κ of σ²(W), n × n, median by Edelman's law"
EXPONENT = "exponent of κ in n"

PUBLISHED, TOLERANCE = 1.0, 0.1
"""The exponent that Θ(n) says, and how far from it the measured one may be."""

MEDIAN_ROOT = (1 + np.sqrt(1 + 2 * np.log(2))) / np.log(2)
"""Median of √κ / n for a large square Gaussian matrix: where exp(-2/x - 2/x²) is a half (Edelman
1988, Eigenvalues and condition numbers of random matrices); 3.67."""


class DenseKappaGrowth(Claim):
    """Condition numbers of Gaussian matrices of growing width."""

    name = "dense-kappa-growth"
    title = "κ of random dense layers grows as n"
    statement = (
        "For randomly initialised dense layers, Marchenko–Pastur theory predicts "
        "κ(W) = σ²_max/σ²_min = Θ(n_in), growing without bound as networks scale."
    )
    where = "Sec. I; Sec. V after Theorem 2; Sec. VIII"
    published = "κ = Θ(n)"
    method = (
        f"Singular values of {REPLICATES} Gaussian n × n matrices for each of n = "
        f"{', '.join(map(str, SIZES))}; the slope of ln(median κ) against ln n. κ is the paper's, "
        "of squared singular values, and free of the initial weights' scale. Medians, because κ of "
        "a square Gaussian matrix has no mean. Beside it n/2 × n matrices, for which "
        "Marchenko–Pastur does apply."
    )
    rule = (
        "By the exponent of the square matrices, 95 % interval over the replicates: holds if the "
        "interval lies within 0.9 to 1.1; contradicted if it lies wholly outside; else not "
        "supported."
    )
    overturn = "An exponent of 1 for square matrices; theory gives n² (Edelman 1988)."
    uses_seeds = False

    def observe(self, bench: Bench) -> list[Observation]:
        """Return κ of every random matrix; the same ones for any bench."""
        del bench
        return condition_numbers(SIZES, REPLICATES)

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return both exponents, then the median of each size."""
        exponents, medians = [], []
        for quantity in (SQUARE, WIDE):
            cases = {(quantity, s): size(s) for s in observations.subjects(quantity)}
            exponents.append(exponent_of_medians(observations, EXPONENT, quantity, cases))
            medians += [median(observations, *case) for case in cases]
        return exponents + medians

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        square, wide = found.find(EXPONENT, SQUARE), found.find(EXPONENT, WIDE)
        low, high = ends(square)
        if max(abs(low - PUBLISHED), abs(high - PUBLISHED)) <= TOLERANCE:
            verdict = HOLDS
        elif above(square, PUBLISHED + TOLERANCE) or below(square, PUBLISHED - TOLERANCE):
            verdict = CONTRADICTED
        else:
            verdict = NOT_SUPPORTED
        reason = (
            f"The median κ of square matrices grows with the exponent {in_digits(square)} in n, "
            "that of σ_max/σ_min, unsquared, with half of it, and that of n/2 × n matrices with "
            f"{in_digits(wide)}."
        )
        return Judgement(verdict, f"exponent {in_digits(square)} of square matrices", reason)


def condition_numbers(sizes: Sequence[int], replicates: int) -> list[Observation]:
    """Return κ of σ²(W) of Gaussian matrices, and Edelman's median, case by case."""
    found = []
    for n in sizes:
        rng = np.random.default_rng(n)
        for quantity, n_out in ((SQUARE, n), (WIDE, n // 2)):
            for replicate in range(replicates):
                sigma = np.linalg.svd(rng.normal(size=(n_out, n)), compute_uv=False)
                kappa = float((sigma[0] / sigma[-1]) ** 2)
                found.append(Observation(quantity, subject(n), replicate, kappa))
        found.append(Observation(EDELMAN, subject(n), 0, float((MEDIAN_ROOT * n) ** 2)))
    return found


def subject(n: int) -> str:
    """Return how the matrices of width n are called."""
    return f"n={n}"


def size(subject: str) -> int:
    """Return the width n of a subject."""
    return int(subject.removeprefix("n="))
