"""The low-rank layer for PyTorch, two thin matrices."""

import torch
from torch import nn
from torch.nn import functional

from cdbench.engine.layers.low_rank import DEFAULT_RANK
from cdbench.torch.base import StructuredLinear


class LowRank(StructuredLinear):
    """``nn.Linear`` with W = U V of rank r (Sainath et al. 2013).

    Parameters: ``U`` (out_features, r), ``V`` (r, in_features), ``bias``. Any widths; an r larger
    than the smaller one is cut to it.

    Examples
    --------
    >>> import torch
    >>> from cdbench.torch import LowRank
    >>> LowRank(64, 10, rank=2)
    LowRank(in_features=64, out_features=10, rank=2, bias=True, weights=148 (4.32 times fewer))
    """

    family = "low-rank"
    U: nn.Parameter
    V: nn.Parameter

    def __init__(
        self,
        in_features: int,
        out_features: int,
        rank: int = DEFAULT_RANK,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(in_features, out_features, {"rank": rank}, bias, device, dtype)

    def multiply(self, rows: torch.Tensor) -> torch.Tensor:
        """Return ``(rows @ V.T) @ U.T``."""
        return functional.linear(functional.linear(rows, self.V), self.U)
