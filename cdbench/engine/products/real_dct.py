"""The orthonormal DCT-II, factored into a small transform and a matrix for each of its groups."""

from functools import cache

import numpy as np

from cdbench.engine.products.base import Array
from cdbench.engine.products.real_dft import n_real, orthonormal_matrix


class StagedDCT:
    """The orthonormal DCT-II as C = Pᵀ · diag(G_0, G_1, …) · (F ⊗ I) · Q.

    In the order Q of Makhoul (1980), even places and then odd ones backwards, the DCT is a real DFT
    whose frequencies are turned in pairs, C[m, i] ~ cos(2π m (i + ¼) / n). It therefore factors
    like one (Cooley and Tukey 1965): with places i = j + n_2 t, the orthonormal real DFT F over t
    leaves groups of frequencies, m ≡ ± k modulo n_1, that do not mix. Each group has its own
    orthonormal matrix G: n_2 × n_2 for the real k, 2 n_2 × 2 n_2 for the others.

    Parameters
    ----------
    n : int
        Length.
    n_1 : int
        Length of the first stage, a divisor of n; 1 leaves one matrix.

    Attributes
    ----------
    order : (n,) int
        Q: which place of a vector comes where.
    frequencies : (n,) int
        P: which frequency each row of the groups gives.
    first : (n_1, n_1) float64
        F.
    groups : tuple of (g, m, m) float64
        The matrices of equal size: of the real groups and of the others. Two real ones count as one
        of the others.
    """

    def __init__(self, n: int, n_1: int) -> None:
        self.n, self.n_1, self.n_2 = n, n_1, n // n_1
        self.order = np.concatenate([np.arange(0, n, 2), np.arange(1, n, 2)[::-1]])
        self.first = orthonormal_matrix(n_1)
        n_reals = n_real(n_1) if n_1 > 1 else 1
        residue = np.arange(n) % n_1
        real = [np.flatnonzero(residue == k * n_1 // 2) for k in range(n_reals)]
        pairs = [
            np.flatnonzero((residue == k) | (residue == n_1 - k)) for k in range(1, (n_1 + 1) // 2)
        ]
        self.frequencies = np.concatenate([*real, *pairs])
        matrices = [self._group(rows, self.first[[k]]) for k, rows in enumerate(real)]
        of_pairs = [
            self._group(rows, self.first[n_reals + 2 * k : n_reals + 2 * k + 2])
            for k, rows in enumerate(pairs)
        ]
        if of_pairs and n_reals == 2:  # together as large as the others: one stack of products
            zeros = np.zeros_like(matrices[0])
            of_pairs.insert(0, np.block([[matrices[0], zeros], [zeros, matrices[1]]]))
            matrices = []
        self.groups = tuple(np.array(same) for same in (matrices, of_pairs) if same)

    def _group(self, rows: Array, first: Array) -> Array:
        """Return the matrix that maps a group's part of the first stage to these frequencies."""
        n = self.n
        angle = 2 * np.pi / n * (rows[:, None] * (np.arange(n) + 0.25) % n)
        scale: Array = np.sqrt(np.where(rows == 0, 1, 2) / n)
        cosines = (scale[:, None] * np.cos(angle)).reshape(len(rows), self.n_1, self.n_2)
        group: Array = np.einsum("mtj,rt->mrj", cosines, first).reshape(len(rows), -1)
        return group


@cache
def staged_dct(n: int) -> StagedDCT:
    """Return the transform with which products take least time, the same one for the same n.

    The stages' lengths are then nearly equal.
    """
    return StagedDCT(n, max(n_1 for n_1 in range(1, n + 1) if n % n_1 == 0 and n_1**2 <= n))


@cache
def dct_matrix(n: int) -> Array:
    """Return the orthonormal matrix C of the DCT-II, not to be written to."""
    i = np.arange(n)
    C: Array = np.sqrt(2 / n) * np.cos(np.pi / (2 * n) * (i[:, None] * (2 * i + 1) % (4 * n)))
    C[0] = np.sqrt(1 / n)
    C.flags.writeable = False
    return C
