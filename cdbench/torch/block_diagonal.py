"""The block-diagonal layer for PyTorch, with a shuffle or in a fixed orthonormal basis."""

import torch
from torch import nn
from torch.nn import functional

from cdbench.config.structure import Value
from cdbench.engine.layers import WeightLayer
from cdbench.engine.layers.block_diagonal import DEFAULT_BLOCKS, NO_BASIS
from cdbench.engine.layers.block_diagonal import BlockDiagonal as EngineLayer
from cdbench.engine.products.base import Array
from cdbench.torch.base import StructuredLinear


class BlockDiagonal(StructuredLinear):
    """``nn.Linear`` of b groups of inputs: a grouped convolution of size 1 with a channel shuffle.

    Without a basis output r of group k comes at r b + k, so that the next layer mixes the groups
    (Zhang et al. 2018). In a basis ``dct``, ``hartley`` or ``random``, an orthonormal b × b matrix,
    group k is coefficient k of each run of b inputs, and outputs are transformed back, without a
    shuffle; CDLinear is this with the Fourier basis.

    Parameters: ``W`` (b, q, p) for b p inputs and b q outputs, ``bias``. Buffer: ``T`` (b, b).
    Widths are rounded up to multiples of b.

    Examples
    --------
    >>> import torch
    >>> from cdbench.torch import BlockDiagonal
    >>> layer = BlockDiagonal(64, 32, blocks=4, basis="dct")
    >>> layer(torch.zeros(5, 3, 64)).shape
    torch.Size([5, 3, 32])
    """

    family = "block-diagonal"
    W: nn.Parameter
    T: torch.Tensor

    def __init__(
        self,
        in_features: int,
        out_features: int,
        blocks: int = DEFAULT_BLOCKS,
        basis: str = NO_BASIS,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        structure: dict[str, Value | None] = {"blocks": blocks, "basis": basis}
        super().__init__(in_features, out_features, structure, bias, device, dtype)

    def constants(self, layer: WeightLayer) -> dict[str, Array]:
        """Return the basis, a vector a row, if there is one."""
        assert isinstance(layer, EngineLayer)
        return {} if layer.T is None else {"T": layer.T}

    def multiply(self, rows: torch.Tensor) -> torch.Tensor:
        """Return all groups' products, in the order of the outputs, or transformed back."""
        b, q, p = self.W.shape
        if self.structure["basis"] == NO_BASIS:
            groups = rows.reshape(-1, b, p).transpose(0, 1)
        else:
            groups = functional.linear(rows.reshape(-1, p, b), self.T).permute(2, 0, 1)
        y = torch.bmm(groups, self.W.transpose(1, 2)).permute(1, 2, 0)  # (N, q, b)
        if self.structure["basis"] != NO_BASIS:
            y = y @ self.T
        return y.reshape(-1, q * b)
