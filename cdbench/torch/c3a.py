"""Conversion from and to the kernels of C3A, an adapter of circular convolutions (Chen et al.)."""

import torch

from cdbench.errors import ShapeError
from cdbench.torch.cdlinear import CDLinear


def from_c3a(kernel: torch.Tensor) -> CDLinear:
    """Return the layer, without a bias, that adds what a C3A adapter of this kernel adds.

    C3A, as PEFT has it, maps blocks by y_i = fft(Σ_j ifft(x_j) · fft(w_ij)) / n_in: by circular
    correlation, ``y_i[k] = Σ_j Σ_l w_ij[(l − k) mod B] x_j[l] / n_in``. Hence
    ``c[m] = w[(−m) mod B] / n_in``.

    Parameters
    ----------
    kernel : (out_features / B, in_features / B, B) tensor
        PEFT's ``c3a_kernel``.

    Raises
    ------
    ShapeError
        If it has another number of dimensions.

    Examples
    --------
    >>> import torch
    >>> from cdbench.torch import from_c3a
    >>> from_c3a(torch.tensor([[[1.0, 2.0, 3.0]]])).c * 3
    tensor([[[1., 3., 2.]]], grad_fn=<MulBackward0>)
    """
    if kernel.dim() != 3 or not kernel.numel():
        raise ShapeError(
            f"from_c3a got a kernel of shape {tuple(kernel.shape)}, expected "
            "(out_features / B, in_features / B, B)"
        )
    K_o, K_i, B = kernel.shape
    layer = CDLinear(K_i * B, K_o * B, B, bias=False, device=kernel.device, dtype=kernel.dtype)
    with torch.no_grad():
        layer.c.copy_(reversed_lags(kernel) / layer.in_features)
    return layer


def to_c3a(layer: CDLinear) -> torch.Tensor:
    """Return the kernel with which a C3A adapter adds what the layer gives without its bias.

    Raises
    ------
    ShapeError
        If B does not divide the widths, which C3A has no padding for.
    """
    if (layer.padded_in, layer.padded_out) != (layer.in_features, layer.out_features):
        raise ShapeError(
            f"to_c3a got widths {layer.in_features} and {layer.out_features}, expected multiples "
            f"of B = {layer.c.shape[2]}"
        )
    return reversed_lags(layer.c.detach()) * layer.in_features


def reversed_lags(c: torch.Tensor) -> torch.Tensor:
    """Return ``c[..., (−m) mod B]`` at m, which is its own inverse."""
    return c.flip(-1).roll(1, -1)
