"""Monarch for PyTorch, two block-diagonal matrices with a permutation after each."""

import torch
from torch import nn

from cdbench.engine.layers.monarch import DEFAULT_BLOCKS
from cdbench.torch.base import StructuredLinear


class Monarch(StructuredLinear):
    """``nn.Linear`` whose W is two block-diagonal matrices of b blocks (Dao et al. 2022).

    Parameters: ``W1`` (b, q, p) and ``W2`` (b, s, q) for b p inputs and b s outputs, ``bias``.
    Widths are rounded up to multiples of b. The inner width q is min(p, s) unless it is given.

    Examples
    --------
    >>> from cdbench.torch import Monarch
    >>> Monarch(64, 10, blocks=8)
    Monarch(in_features=64, out_features=10, blocks=8, bias=True, padded to 64 and 16, \
weights=160 (4 times fewer))
    """

    family = "monarch"
    W1: nn.Parameter
    W2: nn.Parameter

    def __init__(
        self,
        in_features: int,
        out_features: int,
        blocks: int = DEFAULT_BLOCKS,
        inner: int | None = None,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        structure = {"blocks": blocks, "inner": inner}
        super().__init__(in_features, out_features, structure, bias, device, dtype)

    def multiply(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the products with both factors; hidden entry j goes to block j mod b."""
        (b, q, p), s = self.W1.shape, self.W2.shape[1]
        groups = rows.reshape(-1, b, p).transpose(0, 1)
        hidden = torch.bmm(groups, self.W1.transpose(1, 2))  # (b, N, q)
        lanes = hidden.transpose(0, 1).reshape(-1, q, b).permute(2, 0, 1)
        return torch.bmm(lanes, self.W2.transpose(1, 2)).permute(1, 2, 0).reshape(-1, s * b)
