"""BLAST for PyTorch: blocks that share their factors, each with a diagonal of its own."""

import torch
from torch import nn

from cdbench.engine.layers.blast import DEFAULT_BLOCKS, DEFAULT_RANK
from cdbench.torch.base import StructuredLinear


class BLAST(StructuredLinear):
    """``nn.Linear`` of b × b blocks W_ij = U_i diag(s_ij) V_j of rank r (Lee et al. 2024).

    Parameters: ``U`` (b, q, r), ``V`` (b, r, p), ``s`` (b, b, r) for b p inputs and b q outputs,
    ``bias``. Widths are rounded up to multiples of b.

    Examples
    --------
    >>> from cdbench.torch import BLAST
    >>> BLAST(64, 64)
    BLAST(in_features=64, out_features=64, blocks=4, rank=7, bias=True, weights=1008 \
(4.06 times fewer))
    """

    family = "blast"
    U: nn.Parameter
    V: nn.Parameter
    s: nn.Parameter

    def __init__(
        self,
        in_features: int,
        out_features: int,
        blocks: int = DEFAULT_BLOCKS,
        rank: int = DEFAULT_RANK,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        structure = {"blocks": blocks, "rank": rank}
        super().__init__(in_features, out_features, structure, bias, device, dtype)

    def multiply(self, rows: torch.Tensor) -> torch.Tensor:
        """Return U_i Σ_j s_ij ⊙ V_j x_j for all i, the sums as one product for each of r places."""
        (b, q, _), p = self.U.shape, self.V.shape[2]
        z = torch.bmm(rows.reshape(-1, b, p).transpose(0, 1), self.V.transpose(1, 2))  # (b, N, r)
        t = torch.bmm(self.s.permute(2, 0, 1), z.permute(2, 0, 1))  # (r, b, N)
        y = torch.bmm(t.permute(1, 2, 0), self.U.transpose(1, 2))  # (b, N, q)
        return y.transpose(0, 1).reshape(-1, b * q)
