"""The Kronecker-sum layer for PyTorch."""

import torch
from torch import nn
from torch.nn import functional

from cdbench.engine.layers.kronecker import DEFAULT_TERMS, KroneckerSum
from cdbench.torch.base import StructuredLinear


class Kronecker(StructuredLinear):
    """``nn.Linear`` with W = Σ_t A_t ⊗ B_t, of s terms (Zhou and Wu 2015; Zhang et al. 2021).

    Widths are factored as n_in = m_i p_i and n_out = m_o p_o, as near to squares as possible, and
    for that rounded up to multiples of 4. Where the formula takes more than half of a dense layer's
    multiply-adds, or W is small, W is formed.

    Parameters: ``A`` (s, m_o, m_i), ``B`` (s, p_o, p_i), ``bias``.

    Attributes
    ----------
    direct : bool
        Whether W is not formed.

    Examples
    --------
    >>> from cdbench.torch import Kronecker
    >>> [tuple(own.shape) for own in Kronecker(64, 12, terms=2).parameters()]
    [(2, 3, 8), (2, 4, 8), (12,)]
    """

    family = "kronecker"
    A: nn.Parameter
    B: nn.Parameter

    def __init__(
        self,
        in_features: int,
        out_features: int,
        terms: int = DEFAULT_TERMS,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(in_features, out_features, {"terms": terms}, bias, device, dtype)
        layer = self.engine_layer()
        assert isinstance(layer, KroneckerSum)
        self.direct = layer.direct

    def multiply(self, rows: torch.Tensor) -> torch.Tensor:
        """Return Σ_t A_t X B_tᵀ of each row's X (m_i, p_i), or the product with W."""
        (s, m_o, m_i), (_, p_o, p_i) = self.A.shape, self.B.shape
        if not self.direct:
            blocks = self.A.reshape(s, -1).T @ self.B.reshape(s, -1)
            W = blocks.reshape(m_o, m_i, p_o, p_i).transpose(1, 2).reshape(m_o * p_o, m_i * p_i)
            return functional.linear(rows, W)
        T = functional.linear(rows.reshape(-1, m_i, p_i), self.B.reshape(s * p_o, p_i))
        own = T.reshape(-1, m_i * s, p_o).transpose(1, 2)  # (N, p_o, m_i s): one product for all
        Y = functional.linear(own, self.A.permute(1, 2, 0).reshape(m_o, m_i * s))
        return Y.transpose(1, 2).reshape(-1, m_o * p_o)
