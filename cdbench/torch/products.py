"""Three ways to the block-circulant product of Eq. 2, equal to rounding, and which one is taken."""

from collections.abc import Callable
from typing import Any

import torch
from torch.autograd import Function
from torch.nn import functional

from cdbench.torch.autograd import Circulants, FrequencyProduct
from cdbench.torch.graphs import making_graph


def _applied(function: type[Function]) -> Callable[..., Any]:
    """Return the function of autograd or, to a compiler, which derives its own, what it is of."""
    return function.forward if making_graph() else function.apply


def block_circulant(c: torch.Tensor) -> torch.Tensor:
    """Return W (K_o · B, K_i · B) of c (K_o, K_i, B): block (i, j) is c[i, j, (k − l) mod B]."""
    K_o, K_i, B = c.shape
    W: torch.Tensor = _applied(Circulants)(c)
    return W.view(K_o * B, K_i * B)


def materialised(x: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    """Return ``x @ W.T``, (N, K_o · B), of x (N, K_i · B), by the matrix W itself."""
    return functional.linear(x, block_circulant(c))


def real(x: torch.Tensor, c: torch.Tensor, T: torch.Tensor, S: torch.Tensor) -> torch.Tensor:
    """Return ``x @ W.T`` by R = r + 3 m real products of (N, K_i) and (K_i, K_o) matrices.

    T has the real part, the imaginary part and their sum of each of the m complex frequencies, of
    which Gauss's three products make the complex one. With the r real frequencies, R is the fewest
    multiplications that a circular convolution of real numbers needs (Winograd 1980).

    Parameters
    ----------
    x : (N, K_i · B)
        Rows.
    c : (K_o, K_i, B)
        The first columns of W's blocks.
    T, S : (R, B), (B, R)
        ``engine.products.polygon.bilinear_algorithm(B)``.
    """
    y: torch.Tensor = _applied(FrequencyProduct)(x, c, T, S)[0]
    return y


def rfft(x: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    """Return ``x @ W.T`` by the FFT of each block and a complex product for each frequency.

    In float32 and float64: PyTorch has no transforms of lower precision that work everywhere.
    """
    K_o, K_i, B = c.shape
    if not len(x):  # there is no FFT of no rows
        return materialised(x, c)
    if K_o == K_i == 1:  # numbers for matrices: nothing to rearrange
        y_hat = torch.fft.rfft(x) * torch.fft.rfft(c[0, 0])
        whole: torch.Tensor = torch.fft.irfft(y_hat, n=B)
        return whole
    y: torch.Tensor = _applied(FrequencyProduct)(x, c, None, None)[0]
    return y


PATHS = ("auto", "materialised", "real", "rfft")
"""What a layer may be told; ``auto`` takes the path that ``chosen`` names."""

SMALL = 32 * 32
"""Entries of W up to which W itself is as fast as anything."""
LARGEST_REAL = 128
"""Bytes of a block's first column up to which the real transform, O(B²), is faster than the FFT:
B = 32 in float32 and 16 in float64."""
LARGEST_HALF = 64
"""Largest B of the real transform in bfloat16 and float16, for which there is no FFT."""


def chosen(n_in: int, n_out: int, B: int, dtype: torch.dtype) -> str:
    """Return the path that takes the least time, forward and backward, by what was measured.

    Measured on a CPU, in one thread, for N from 1 to 256 rows, which make no difference worth a
    rule (benchmarks/torch_layers.py). W itself for small or trivial layers; the real transform for
    small blocks; the FFT for larger ones, or, in half precision, W.

    Parameters
    ----------
    n_in, n_out : int
        Widths, multiples of B.
    B : int
        Block size.
    dtype : torch.dtype
        In which the product is computed.
    """
    if B == 1 or n_in * n_out <= SMALL:
        return "materialised"
    if dtype.itemsize < torch.float32.itemsize:
        return "real" if B <= LARGEST_HALF else "materialised"
    return "real" if B * dtype.itemsize <= LARGEST_REAL else "rfft"
