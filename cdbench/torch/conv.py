"""Block-circulant convolution for PyTorch: the kernel is the matrix of a CDLinear."""

from typing import cast

import torch
from torch import nn
from torch.nn import functional

from cdbench.errors import ConfigurationError
from cdbench.torch import products
from cdbench.torch.cdlinear import CDLinear

Pair = int | tuple[int, int]


def _pair(value: Pair) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


class CDConv2d(nn.Module):
    """``nn.Conv2d`` whose kernel, at each of its taps, is an array of circulant B × B blocks.

    Parameters: ``c`` (K_o, taps · K_i, B), drawn from N(0, 2 / (taps · padded_in)), and ``bias``
    (out_channels,). It is a CDLinear of the windows' entries in the order (row, column, channel),
    as the engine has convolutions: ``kernel_matrix`` is that of its ``Convolution``. Channels are
    rounded up to multiples of B: missing ones are zeros, surplus ones are cut off.

    The kernel is formed once a pass and PyTorch's own convolution is used: N images share it, so
    that forming it costs little, and its multiplications are as many as a dense one's. What is
    saved are weights.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels.
    kernel_size : int or (int, int)
        Height and width of the kernel.
    B : int
        Block size: as many times fewer weights.
    stride, padding, dilation
        As of ``nn.Conv2d``; padding may be ``same`` or ``valid``.
    bias : bool
        Whether to learn a bias.
    device, dtype
        Of the parameters.

    Raises
    ------
    ShapeError
        If there is no channel.
    ConfigurationError
        If B or the kernel is less than 1.

    Examples
    --------
    >>> import torch
    >>> CDConv2d(3, 8, 3, B=4, padding=1)(torch.zeros(2, 3, 5, 6)).shape
    torch.Size([2, 8, 5, 6])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        B: int,
        stride: Pair = 1,
        padding: Pair | str = 0,
        dilation: Pair = 1,
        bias: bool = True,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = _pair(kernel_size)
        taps = self.kernel_size[0] * self.kernel_size[1]
        if min(self.kernel_size) < 1:
            raise ConfigurationError(
                f"CDConv2d got kernel_size = {kernel_size}, expected 1 or more pixels"
            )
        self.in_channels, self.out_channels, self.B = in_channels, out_channels, B
        self.stride, self.padding, self.dilation = stride, padding, dilation
        # Checks B and the channels.
        channels = CDLinear(in_channels, out_channels, B, bias, "materialised", "meta", dtype)
        self.padded_in = channels.padded_in
        own = CDLinear(taps * self.padded_in, out_channels, B, bias, "materialised", device, dtype)
        self.c, self.bias = own.c, own.bias

    def kernel_matrix(self) -> torch.Tensor:
        """Return W as it acts, (out_channels, taps · padded_in), differentiable in c."""
        return products.block_circulant(self.c)[: self.out_channels]

    @property
    def weight(self) -> torch.Tensor:
        """The kernel as ``nn.Conv2d`` has it, (out_channels, in_channels, height, width)."""
        kernel = self.kernel_matrix().view(self.out_channels, *self.kernel_size, self.padded_in)
        return kernel.permute(0, 3, 1, 2)[:, : self.in_channels]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (N, out_channels, height', width') of images (N, in_channels, height, width).

        Without the first axis of one image.
        """
        padding = cast("str", self.padding)  # or numbers: of one name in PyTorch's signature
        return functional.conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation)

    def weight_gain(self) -> dict[str, float]:
        """Return B for c, each entry of which stands at B places of the kernel."""
        return {"c": float(self.B)}

    def extra_repr(self) -> str:
        """Return channels, kernel, structure, padding and the number of weights."""
        said = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"]
        said += [f"B={self.B}, stride={self.stride}, padding={self.padding!r}"]
        said += [f"dilation={self.dilation}, bias={self.bias is not None}"]
        outputs = self.c.shape[0] * self.B
        if (self.padded_in, outputs) != (self.in_channels, self.out_channels):
            said.append(f"padded to {self.padded_in} and {outputs}")
        dense = self.in_channels * self.out_channels * self.kernel_size[0] * self.kernel_size[1]
        weights = self.c.numel()
        said.append(f"weights={weights} ({dense / weights:.3g} times fewer)")
        return ", ".join(said)
