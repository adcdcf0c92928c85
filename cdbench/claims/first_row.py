"""Claim: the slice c_ij is the first row of its circulant block."""

from itertools import product

import numpy as np

from cdbench.claims.base import Bench, Claim, Measurements
from cdbench.engine.layers import EVALUATION, CDLinear
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
from cdbench.statistics.estimates import Observations, largest, smallest

PRODUCT = "error of Eq. 2's product, relative (place: case)"
SPECTRUM = "difference in σ(W) between row and column, relative (place: case)"
EIGENVALUES = "error of Sec. I's eigenvalues, relative (place: case)"
LAYER = "error of the audited layer's product, relative (place: case)"

BLOCK_SIZES = range(1, 17)
TELLING = range(3, 17)
"""With B = 1 and 2 the first row of a circulant is its first column."""
SHAPES = ((1, 1), (2, 3), (3, 2), (4, 4))
"""K_o and K_i of the layers."""
ROUNDING = 1e-10


class FirstRow(Claim):
    """W built with c as the blocks' rows and as their columns, against Eq. 2."""

    name = "first-row"
    title = "c_ij is the first row of its block"
    statement = (
        "Each slice c_ij is the first row of a circulant block C_ij defined by (C_ij)_kl = "
        "c_ij,(k-l) mod B, and y_i = Σ_j C_ij X_j = Σ_j F⁻¹[F[c_ij] ⊙ F[X_j]]."
    )
    where = "Sec. II (F1); Sec. III.1, Eq. 2; proof of Theorem 1"
    published = "c is the first row"
    method = (
        "For B = 1 to 16 and four shapes, 1 × 1 to 4 × 4 blocks, with normal c and X: W is built "
        "row by row from rolled copies of c, once with c as each block's first row and once as its "
        "first column, without the index formula, and W X compared in norm with Eq. 2's right side "
        "as printed. Beside it: whether the singular values of the two W differ, on which κ rests; "
        "whether Sec. I's eigenvalues, Σ_j c_j e^(2πijk/n), are those of the block whose "
        "first row is c, by its eigenvectors; and the layer that the audit trains."
    )
    rule = (
        "Up to 1e-10 counts as rounding. By B from 3 on, since with B = 1 and 2 row and column are "
        "the same: holds if Eq. 2 is met with c as the row at every B; holds under a condition, "
        "certain B, if at some; contradicted if at none, but with c as the column at every B; else "
        "not supported, Eq. 2 being met by neither."
    )
    overturn = (
        "Eq. 2 with a complex conjugate on F[c_ij], or the index (l-k) in place of (k-l): with "
        "both, c is the first row."
    )
    uses_seeds = False

    def observe(self, bench: Bench) -> list[Observation]:
        """Return the errors of every case."""
        del bench  # no run is needed
        return [
            Observation(quantity, name, case, error)
            for B in BLOCK_SIZES
            for case, (K_o, K_i) in enumerate(SHAPES, 1)
            for quantity, name, error in errors(B, K_o, K_i)
        ]

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return the ends of each B's errors, as row and as column, then what is told beside."""
        return [
            *(
                end(observations, PRODUCT, subject(side, B))
                for side, B, end in product(("row", "column"), BLOCK_SIZES, (smallest, largest))
            ),
            *(
                largest(observations, quantity, f"B={B}")
                for quantity, B in product((SPECTRUM, EIGENVALUES, LAYER), BLOCK_SIZES)
            ),
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""

        def worst(side: str, B: int) -> float:
            return found.find(PRODUCT, subject(side, B), statistic="largest").estimate

        def most(quantity: str) -> float:
            return max(m.estimate for m in found.all if m.quantity == quantity)

        rows = [B for B in TELLING if worst("row", B) <= ROUNDING]
        columns = [B for B in TELLING if worst("column", B) <= ROUNDING]
        if rows:
            verdict = HOLDS if rows == list(TELLING) else CONDITIONAL
        else:
            verdict = CONTRADICTED if columns == list(TELLING) else NOT_SUPPORTED
        row, column = (max(worst(side, B) for B in TELLING) for side in ("row", "column"))
        least = min(
            found.find(PRODUCT, subject("row", B), statistic="smallest").estimate for B in TELLING
        )
        return Judgement(
            verdict,
            f"error {least:.2g} … {row:.2g} as a row, up to {column:.0e} as a column",
            f"From B=3 on, Eq. 2 is met with c as the first row at {len(rows)} of {len(TELLING)} B "
            f"(errors of {least:.2g} to {row:.2g}), as the first column at {len(columns)} (up to "
            f"{column:.0e}). Singular values are the same up to {most(SPECTRUM):.0e} either way, "
            f"and Sec. I's eigenvalues belong to the first row, up to {most(EIGENVALUES):.0e}.",
            f"B = {', '.join(map(str, rows))}" if verdict == CONDITIONAL else None,
        )


def subject(side: str, B: int) -> str:
    """Return what a block size with c as row or column is called."""
    return f"c as the first {side}, B={B}"


def errors(B: int, K_o: int, K_i: int) -> list[tuple[str, str, float]]:
    """Return quantity, subject and error of all that is compared for one layer and sample."""
    rng = np.random.default_rng([B, K_o, K_i])
    c, X = rng.normal(size=(K_o, K_i, B)), rng.normal(size=(K_i, B))
    right = np.fft.ifft((np.fft.fft(c) * np.fft.fft(X)).sum(axis=1)).ravel()
    columns = array_of(np.swapaxes(circulants(c), 2, 3))
    rows = array_of(circulants(c))
    layer = CDLinear(K_i * B, K_o * B, B)
    y, _ = layer.forward({"c": c, "bias": np.zeros(layer.n_out)}, X.reshape(1, -1), EVALUATION)
    sigma = [np.linalg.svd(W, compute_uv=False) for W in (rows, columns)]
    return [
        (PRODUCT, subject("row", B), relative(rows @ X.ravel(), right)),
        (PRODUCT, subject("column", B), relative(columns @ X.ravel(), right)),
        (SPECTRUM, f"B={B}", relative(*sigma)),
        (EIGENVALUES, f"B={B}", eigenvalue_error(circulants(c)[0, 0])),
        (LAYER, f"B={B}", relative(y.ravel(), right)),
    ]


def circulants(c: Array) -> Array:
    """Return the blocks whose first rows are c: each further row is the last one, rolled by one."""
    return np.stack([np.roll(c, k, axis=-1) for k in range(c.shape[-1])], axis=-2)


def array_of(blocks: Array) -> Array:
    """Return W, (K_o B, K_i B), of blocks (K_o, K_i, B, B)."""
    K_o, K_i, B = blocks.shape[:3]
    return blocks.transpose(0, 2, 1, 3).reshape(K_o * B, K_i * B)


def eigenvalue_error(block: Array) -> float:
    """Return how far Sec. I's eigenvalues, of the block's first row, are from being its own."""
    B = len(block)
    phases = np.exp(2j * np.pi * np.outer(np.arange(B), np.arange(B)) / B)
    return relative(block @ phases, phases * (phases @ block[0]))


def relative(found: Array, expected: Array) -> float:
    """Return the norm of the difference over that of what is expected."""
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))
