"""The Toeplitz-like layer for PyTorch: a sum of circulant times skew-circulant matrices."""

import torch
from torch import nn
from torch.nn import functional

from cdbench.torch.base import StructuredLinear


class ToeplitzLike(StructuredLinear):
    """``nn.Linear`` of displacement rank r under cyclic shifts (Sindhwani et al. 2015).

    W = Σ_i Z_1(g_i) Z_-1(h_i), of circulant and skew-circulant matrices with these first columns,
    is formed in O(r n²), without a Fourier transform: by one product of rank r, which is the
    displacement, and sums along diagonals. Then it is multiplied.

    Parameters: ``g`` and ``h`` (r, n) with n = max(in_features, out_features), ``bias``.

    Examples
    --------
    >>> from cdbench.torch import ToeplitzLike
    >>> ToeplitzLike(64, 64, rank=2).g.shape
    torch.Size([2, 64])
    """

    family = "toeplitz-like"
    g: nn.Parameter
    h: nn.Parameter

    def __init__(
        self,
        in_features: int,
        out_features: int,
        rank: int = 8,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(in_features, out_features, {"rank": rank}, bias, device, dtype)

    def multiply(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the product with W.

        As in the engine: with two periods side by side, diagonals are rows that begin one entry
        more or less than 2 n after each other. A diagonal ends with its beginning negated, so it
        begins with half the sum of what it loses from entry to entry.
        """
        n = self.g.shape[1]
        displacement = (2 * self.h.flip(1)).T @ self.g.repeat(1, 2)  # (n, 2 n), transposed
        flat = functional.pad(displacement.reshape(-1), (0, n + 1))[1:]
        by_diagonals = flat.reshape(n, 2 * n + 1)[:, :n]
        before = by_diagonals.cumsum(0) - by_diagonals
        period = by_diagonals.sum(0) / 2 - before
        flat = period.repeat(1, 2).reshape(-1)[n : n + n * (2 * n - 1)]
        W_T = flat.reshape(n, 2 * n - 1)[: self.padded_in, : self.padded_out]
        return rows @ W_T
