"""The spectral layer for PyTorch: a one-dimensional Fourier neural operator's."""

import torch
from torch import nn
from torch.nn import functional

from cdbench.engine.layers import WeightLayer
from cdbench.engine.layers.spectral import DEFAULT_LENGTH, FFT_LENGTH
from cdbench.engine.layers.spectral import Spectral as EngineLayer
from cdbench.engine.products.base import Array
from cdbench.torch.base import StructuredLinear
from cdbench.torch.fast_transforms import uses_fft


class Spectral(StructuredLinear):
    """``nn.Linear`` of channels of length L, by a matrix for each of M modes (Li et al. 2021).

    With all L // 2 + 1 modes, as by default, W is block-circulant of block size L in other
    coordinates; with fewer it is of lower rank. Transforms are real matrices, but FFTs from L = 64
    on where that is possible, that is eagerly in float32 and float64.

    Parameters: ``R`` (D, C_o, C_i), the real parts of all modes, then the imaginary parts of those
    that have one, for C_i L inputs and C_o L outputs; ``bias``. Buffers: ``T`` and ``S``, the
    transforms. Widths are rounded up to multiples of L.

    Examples
    --------
    >>> from cdbench.torch import Spectral
    >>> Spectral(64, 64, modes=2, length=8).R.shape
    torch.Size([3, 8, 8])
    """

    family = "spectral"
    R: nn.Parameter
    T: torch.Tensor
    S: torch.Tensor

    def __init__(
        self,
        in_features: int,
        out_features: int,
        modes: int | None = None,
        length: int = DEFAULT_LENGTH,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        structure = {"modes": modes, "length": length}
        super().__init__(in_features, out_features, structure, bias, device, dtype)

    def constants(self, layer: WeightLayer) -> dict[str, Array]:
        """Return the real transforms, to and from three products for each complex mode."""
        assert isinstance(layer, EngineLayer)
        T, S = layer.modes.bilinear_algorithm()
        return {"T": T, "S": S}

    def multiply(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the products of all modes, transformed back."""
        D, C_o, C_i = self.R.shape
        n_complex, L = len(self.T) - D, self.T.shape[1]
        M = D - n_complex
        real, imaginary, paired = self.R[:M], self.R[M:], slice(1, 1 + n_complex)
        channels = rows.reshape(-1, C_i, L)
        if L >= FFT_LENGTH and uses_fft(rows):
            rest = functional.pad(imaginary, (0, 0, 0, 0, 1, M - 1 - n_complex))
            x_hat = torch.fft.rfft(channels)[..., :M].permute(2, 0, 1)
            y_hat = torch.bmm(x_hat, torch.complex(real, rest).transpose(1, 2)).permute(1, 2, 0)
            outputs: torch.Tensor = torch.fft.irfft(y_hat, L)
            return outputs.reshape(-1, C_o * L)
        matrices = torch.cat([self.R, real[paired] + imaginary])
        x_hat = functional.linear(channels, self.T).permute(2, 0, 1)
        y = torch.bmm(x_hat, matrices.transpose(1, 2)).permute(1, 2, 0) @ self.S
        return y.reshape(-1, C_o * L)
