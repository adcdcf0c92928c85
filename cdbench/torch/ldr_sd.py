"""LDR-SD for PyTorch: low displacement rank under learned subdiagonal operators."""

import torch
from torch import nn
from torch.nn import functional

from cdbench.torch.base import StructuredLinear


class LDRSD(StructuredLinear):
    """``nn.Linear`` of displacement rank r under learned operators (Thomas et al. 2018).

    W[j, l] = Σ_i g_i[j] h_i[l] + a[j − 1] c[l − 1] W[j − 1, l − 1] is formed in log₂ n steps, each
    of which doubles how many terms of the recurrence every entry has, and multiplied.

    Parameters: ``g`` (r, out_features), ``h`` (r, in_features), ``a`` (out_features − 1,), ``c``
    (in_features − 1,), ``bias``.

    Examples
    --------
    >>> from cdbench.torch import LDRSD
    >>> sorted(name for name, _ in LDRSD(8, 4, rank=1).named_parameters())
    ['a', 'bias', 'c', 'g', 'h']
    """

    family = "ldr-sd"
    g: nn.Parameter
    h: nn.Parameter
    a: nn.Parameter
    c: nn.Parameter

    def __init__(
        self,
        in_features: int,
        out_features: int,
        rank: int = 7,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(in_features, out_features, {"rank": rank}, bias, device, dtype)

    def multiply(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the product with W.

        After the step of t, entries hold 2 t terms, and a product of 2 t operators' entries
        leads to the next.
        """
        W = self.g.T @ self.h
        a, c = (functional.pad(own, (1, 0)) for own in (self.a, self.c))
        t = 1
        while t < min(W.shape):
            earlier = functional.pad(W[:-t, :-t], (t, 0, t, 0))
            W = W + a[:, None] * earlier * c
            a, c = (own * functional.pad(own[:-t], (t, 0)) for own in (a, c))
            t *= 2
        return functional.linear(rows, W)
