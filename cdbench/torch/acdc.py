"""ACDC for PyTorch, a product of diagonal matrices and cosine transforms."""

import torch
from torch import nn
from torch.nn import functional

from cdbench.engine.layers import WeightLayer
from cdbench.engine.layers.acdc import DEFAULT_DEPTH, SAMPLES_PER_INPUT
from cdbench.engine.products.base import Array
from cdbench.engine.products.real_dct import dct_matrix
from cdbench.torch.base import StructuredLinear
from cdbench.torch.graphs import making_graph


class ACDC(StructuredLinear):
    """``nn.Linear`` by K factors Cᵀ diag(d_k) C diag(a_k), C the DCT-II (Moczulski et al. 2016).

    n = max(in_features, out_features); inputs are padded, surplus outputs cut. C is a real matrix,
    so a row costs 2 K products with it: the layer saves weights, not time. With two rows or more
    for each input it takes less to form W, which is done unless the layer is compiled or exported,
    where the number of rows may not decide.

    Parameters: ``a`` and ``d`` (K, n), ``bias``. Buffer: ``C`` (n, n).

    Examples
    --------
    >>> from cdbench.torch import ACDC
    >>> ACDC(64, 64, depth=2)
    ACDC(in_features=64, out_features=64, depth=2, bias=True, weights=256 (16 times fewer))
    """

    family = "acdc"
    a: nn.Parameter
    d: nn.Parameter
    C: torch.Tensor

    def __init__(
        self,
        in_features: int,
        out_features: int,
        depth: int = DEFAULT_DEPTH,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(in_features, out_features, {"depth": depth}, bias, device, dtype)

    def constants(self, layer: WeightLayer) -> dict[str, Array]:
        """Return the orthonormal DCT-II."""
        return {"C": dct_matrix(max(layer.n_in, layer.n_out))}

    def multiply(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the rows after all factors, or their product with W."""
        if making_graph() or len(rows) < SAMPLES_PER_INPUT * self.padded_in:
            return self._after_factors(rows)
        identity = torch.eye(self.padded_in, device=rows.device, dtype=self.a.dtype)
        return rows @ self._after_factors(identity)

    def _after_factors(self, rows: torch.Tensor) -> torch.Tensor:
        y = functional.pad(rows, (0, self.a.shape[1] - self.padded_in))
        for a, d in zip(self.a, self.d, strict=True):
            y = (functional.linear(y * a, self.C) * d) @ self.C
        return y[:, : self.padded_out]
