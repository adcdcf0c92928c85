"""Every family's layer in PyTorch, eager, as one would write it there: by einsum, FFT and autograd.

Square layers only. Each takes our parameters under their names, so that both compute the same.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import with_torch
from cdbench.engine.products.base import Array
from measure import Call


class Rival(nn.Module):
    """A layer with the parameters of one of ours, which also says its structure."""

    bias: torch.Tensor

    def __init__(self, layer: Any, params: Mapping[str, Array]) -> None:
        super().__init__()
        del layer
        for name, value in params.items():
            tensor = torch.from_numpy(np.array(value, order="C"))
            self.register_parameter(name, nn.Parameter(tensor))


class CDLinear(Rival):
    """Block by block rfft, einsum and irfft."""

    c: torch.Tensor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the output (N, n)."""
        return with_torch.circulant(x, self.c) + self.bias


class Dense(Rival):
    """The one function for it."""

    weight: torch.Tensor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the output (N, n)."""
        return functional.linear(x, self.weight, self.bias)


class LowRank(Rival):
    """Two such functions."""

    U: torch.Tensor
    V: torch.Tensor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the output (N, n)."""
        return functional.linear(functional.linear(x, self.V), self.U, self.bias)


class BlockDiagonal(Rival):
    """One einsum, which shuffles as well."""

    W: torch.Tensor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the output (N, n)."""
        b, _, p = self.W.shape
        y = torch.einsum("nkp,kqp->nqk", x.view(-1, b, p), self.W)
        return y.reshape(len(x), -1) + self.bias


class KroneckerSum(Rival):
    """W by one einsum, and its product."""

    A: torch.Tensor
    B: torch.Tensor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the output (N, n)."""
        W = torch.einsum("tij,tkl->ikjl", self.A, self.B)
        return functional.linear(x, W.reshape(x.shape[1], x.shape[1]), self.bias)


class Monarch(Rival):
    """Two einsums."""

    W1: torch.Tensor
    W2: torch.Tensor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the output (N, n)."""
        b, q, p = self.W1.shape
        hidden = torch.einsum("nkp,kqp->nkq", x.view(-1, b, p), self.W1)
        y = torch.einsum("nql,lsq->nsl", hidden.reshape(-1, q, b), self.W2)
        return y.reshape(len(x), -1) + self.bias


class SignedCirculant(Rival):
    """Signs, then a product of spectra."""

    c: torch.Tensor
    signs: torch.Tensor

    def __init__(self, layer: Any, params: Mapping[str, Array]) -> None:
        super().__init__(layer, params)
        self.register_buffer("signs", torch.from_numpy(layer.signs).to(self.c.dtype))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the output (N, n)."""
        y_hat = torch.fft.rfft(x * self.signs) * torch.fft.rfft(self.c)
        y: torch.Tensor = torch.fft.irfft(y_hat, n=x.shape[1])
        return y + self.bias


class ACDC(Rival):
    """Cosine transforms by an FFT of as many entries, reordered (Makhoul 1980); n is even."""

    a: torch.Tensor
    d: torch.Tensor
    phase: torch.Tensor
    inverse: torch.Tensor

    def __init__(self, layer: Any, params: Mapping[str, Array]) -> None:
        super().__init__(layer, params)
        n, dtype = layer.n, torch.promote_types(self.a.dtype, torch.complex64)
        phase = np.exp(-0.5j * np.pi / n * np.arange(n)) * np.sqrt(2 / n)
        phase[0] *= np.sqrt(0.5)
        self.register_buffer("phase", torch.from_numpy(phase).to(dtype))
        # e^(iπk / 2n) u_k, and the same of −i u_(n−k), for the first half of the frequencies.
        inverse = np.exp(0.5j * np.pi / n * np.arange(n // 2 + 1)) * np.sqrt(n / 2)
        both = np.stack([inverse, -1j * inverse])
        both[0, 0] *= np.sqrt(2)
        self.register_buffer("inverse", torch.from_numpy(both).to(dtype))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the output (N, n)."""
        for a, d in zip(self.a.unbind(), self.d.unbind(), strict=True):
            x = self.idct(d * self.dct(a * x))
        return x + self.bias

    def dct(self, x: torch.Tensor) -> torch.Tensor:
        """Return the orthonormal DCT-II of each row."""
        v = torch.cat([x[:, ::2], x[:, 1::2].flip(1)], 1)
        u: torch.Tensor = (torch.fft.fft(v) * self.phase).real
        return u

    def idct(self, u: torch.Tensor) -> torch.Tensor:
        """Return its inverse."""
        n = u.shape[1]
        mirrored = functional.pad(u[:, n // 2 :].flip(1), (1, 0))
        v_hat = u[:, : n // 2 + 1] * self.inverse[0] + mirrored * self.inverse[1]
        v = torch.fft.irfft(v_hat, n=n)
        return torch.stack([v[:, : n // 2], v[:, n // 2 :].flip(1)], 2).flatten(1)


class ToeplitzLike(Rival):
    """Products with skew-circulant, then with circulant matrices, by FFTs of all samples.

    A skew-circulant product is a linear convolution whose second half is subtracted.
    """

    g: torch.Tensor
    h: torch.Tensor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the output (N, n)."""
        n = x.shape[1]
        x_hat, h_hat = torch.fft.rfft(x, 2 * n), torch.fft.rfft(self.h, 2 * n)
        halves = torch.fft.irfft(x_hat[:, None] * h_hat, n=2 * n)
        terms = torch.fft.rfft(halves[..., :n] - halves[..., n:])
        y_hat = torch.einsum("nrk,rk->nk", terms, torch.fft.rfft(self.g))
        y: torch.Tensor = torch.fft.irfft(y_hat, n=n)
        return y + self.bias


class LDRSD(Rival):
    """W row by row, which takes less time than its Krylov matrices, and its product."""

    g: torch.Tensor
    h: torch.Tensor
    a: torch.Tensor
    c: torch.Tensor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the output (N, n)."""
        first, *others = (self.g.T @ self.h).unbind()
        rows = [first]
        for row, a in zip(others, self.a.unbind(), strict=True):
            rows.append(row + functional.pad(a * self.c * rows[-1][:-1], (1, 0)))
        return functional.linear(x, torch.stack(rows), self.bias)


class Blast(Rival):
    """Three einsums."""

    U: torch.Tensor
    V: torch.Tensor
    s: torch.Tensor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the output (N, n)."""
        z = torch.einsum("njp,jrp->njr", x.view(len(x), len(self.V), -1), self.V)
        t = torch.einsum("njr,ijr->nir", z, self.s)
        return torch.einsum("nir,iqr->niq", t, self.U).reshape(len(x), -1) + self.bias


class Spectral(Rival):
    """As CDLinear, but with one complex parameter for the matrices of all frequencies."""

    R: torch.Tensor

    def __init__(self, layer: Any, params: Mapping[str, Array]) -> None:
        L, M, n_complex = layer.modes
        R = np.array(params["R"][:M], np.result_type(params["R"].dtype, np.complex64))
        R[1 : 1 + n_complex] += 1j * params["R"][M:]
        super().__init__(layer, {"R": R, "bias": params["bias"]})
        self.L, self.M = L, M

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the output (N, n)."""
        x_hat = torch.fft.rfft(x.view(len(x), -1, self.L))[..., : self.M]
        y_hat = torch.einsum("njk,kij->nik", x_hat, self.R)
        y: torch.Tensor = torch.fft.irfft(y_hat, n=self.L)
        return y.reshape(len(x), -1) + self.bias


RIVALS: dict[str, type[Rival]] = {
    "cdlinear": CDLinear,
    "dense": Dense,
    "low-rank": LowRank,
    "block-diagonal": BlockDiagonal,
    "kronecker": KroneckerSum,
    "monarch": Monarch,
    "circulant": SignedCirculant,
    "acdc": ACDC,
    "toeplitz-like": ToeplitzLike,
    "ldr-sd": LDRSD,
    "blast": Blast,
    "spectral": Spectral,
}
"""By family."""


def bind(layer: Any, params: Mapping[str, Array], x: Array, dy: Array) -> tuple[Array, Array, Call]:
    """Return PyTorch's output and dL/dx for these, and a call that makes both passes."""
    rival = RIVALS[layer.family](layer, params)
    own_x, own_dy = torch.from_numpy(x).requires_grad_(), torch.from_numpy(dy)
    wanted = (own_x, *rival.parameters())

    def both() -> tuple[torch.Tensor, ...]:
        return torch.autograd.grad(rival(own_x), wanted, own_dy)

    with torch.no_grad():
        y: Array = rival(own_x).numpy()
    dx: Array = both()[0].numpy()
    return y, dx, both
