"""The circulant layer with random signs for PyTorch."""

import torch
from torch import nn

from cdbench.engine.layers import WeightLayer
from cdbench.engine.layers.circulant import SHORTEST_FFT, SignedCirculant
from cdbench.engine.products.base import Array
from cdbench.torch.base import StructuredLinear
from cdbench.torch.fast_transforms import uses_fft


class Circulant(StructuredLinear):
    """``nn.Linear`` by one circulant matrix after fixed random signs (Cheng et al. 2015).

    ``W[k, l] = c[(k − l) mod n] signs[l]`` with n = max(in_features, out_features): n weights.
    From n = 192 on it is computed by FFT where that is possible, that is eagerly in float32 and
    float64; else W is formed.

    Parameters: ``c`` (n,), ``bias``. Buffer: ``signs`` (in_features,), the engine's.

    Examples
    --------
    >>> from cdbench.torch import Circulant
    >>> Circulant(64, 64)
    Circulant(in_features=64, out_features=64, bias=True, weights=64 (64 times fewer))
    """

    family = "circulant"
    c: nn.Parameter
    signs: torch.Tensor

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(in_features, out_features, {}, bias, device, dtype)

    def constants(self, layer: WeightLayer) -> dict[str, Array]:
        """Return the signs."""
        assert isinstance(layer, SignedCirculant)
        return {"signs": layer.signs}

    def multiply(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the circular convolution of the signed rows with c."""
        n = len(self.c)
        if n >= SHORTEST_FFT and uses_fft(rows):
            spectrum = torch.fft.rfft(rows * self.signs, n) * torch.fft.rfft(self.c)
            outputs: torch.Tensor = torch.fft.irfft(spectrum, n)
            return outputs[:, : self.padded_out]
        # Read in rows of 2 n − 1 entries, repeated c begins one entry earlier in each.
        repeated = self.c.repeat(2 * self.padded_in)[: self.padded_in * (2 * n - 1)]
        W_T = repeated.reshape(self.padded_in, 2 * n - 1)[:, : self.padded_out]
        return rows @ (W_T * self.signs[:, None])
