"""The spectral layer: a one-dimensional Fourier neural operator's, without its pointwise part."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from cdbench.config.structure import Structure, StructureParameter
from cdbench.engine.layers.base import BoundLayer, Context, Params
from cdbench.engine.layers.hessian import Eigenvalues
from cdbench.engine.layers.input_spectrum import powers
from cdbench.engine.layers.nearest.circulants import nearest_circulants
from cdbench.engine.layers.nearest.targets import Target
from cdbench.engine.layers.spectral_products import Modes, by_fft, by_matrices
from cdbench.engine.layers.weight_layer import GAIN, WeightLayer
from cdbench.engine.products.base import Array
from cdbench.engine.products.real_dft import n_real
from cdbench.errors import ShapeError

DEFAULT_LENGTH = 4
FFT_LENGTH = 64
"""From this length of a channel on, an FFT is faster than matrices."""


class Spectral(WeightLayer):
    """Linear map of C_i to C_o channels, one complex matrix for each frequency (Li et al. 2021).

    A sample's entries are C_i = n_in / L channels of length L, one after the other. With X̂_k their
    frequency k, Y_k = R_k X̂_k for the M lowest modes k < M and 0 for the others; the outputs are
    the inverse real DFT of Y, C_o = n_out / L channels. With all L // 2 + 1 modes W is a
    block-circulant matrix of block size L in other coordinates, where a step moves one frequency;
    with fewer it is one of rank min(C_i, C_o) D.

    Parameters, as views of the network's flat vector: ``R`` (D, C_o, C_i) and ``bias`` (n_out,).
    R has the real parts of all modes, and then the imaginary parts of those that have one: not DC,
    k = 0, and not Nyquist, k = L / 2. D is 2 M − 1, but L if all modes are kept. Every number
    that is stored acts. Activations are rows.

    The default L = 4 cuts 64 entries into 16 channels, with 1,024 weights like other families.

    Initial values of R are normal with E|R_k|² = 2 L / (C_i Σ_k w_k), shared by both parts, where
    w is 1 for DC and Nyquist, else 2: n_in Var W = 2. With all modes that is CDLinear's
    distribution.

    Departures from the paper: one dimension, no pointwise linear map beside it, a bias for each
    entry rather than each channel, and normal values of the variance that preserves the gain.

    Parameters
    ----------
    n_in, n_out : int
        Widths.
    modes : int, optional
        Modes M that are kept, all by default.
    length : int
        Length L of a channel.

    Raises
    ------
    ShapeError
        If L does not divide both widths, or L has fewer modes.
    """

    family = "spectral"
    structure: ClassVar[tuple[StructureParameter, ...]] = (
        StructureParameter("modes", "Modes that are kept; all by default.", None),
        StructureParameter("length", "Length of a channel.", DEFAULT_LENGTH),
    )

    # Frequency by frequency matrices that are stored like a dense layer's weight.
    memory_order: ClassVar[Mapping[str, tuple[int, ...]]] = {"R": (0, 2, 1)}

    def __init__(
        self, n_in: int, n_out: int, modes: int | None = None, length: int = DEFAULT_LENGTH
    ) -> None:
        super().__init__(n_in, n_out)
        self.check_widths(length)
        most = length // 2 + 1
        if modes is not None and not 1 <= modes <= most:
            raise ShapeError(f"Spectral got {modes} modes of length {length}, expected 1 to {most}")
        M = most if modes is None else modes
        n_self_conjugate = n_real(length) if most == M else 1
        self.L, self.modes = length, Modes(length, M, M - n_self_conjugate)
        self.C_i, self.C_o = n_in // length, n_out // length
        self.weight_shapes = {"R": (self.modes.D, self.C_o, self.C_i)}

    @classmethod
    def width_multiple(cls, structure: Structure) -> int:
        """Return L, to a multiple of which widths are rounded up."""
        return int(structure.get("length", DEFAULT_LENGTH))

    def initialize(self, params: Params, rng: np.random.Generator) -> None:
        """Draw R from N(0, E|R|²), both parts of a complex mode from N(0, E|R|² / 2)."""
        D, M = self.modes.D, self.modes.M  # D is Σ_k w_k
        R = rng.normal(0.0, np.sqrt(GAIN * self.L / (self.C_i * D)), (D, self.C_o, self.C_i))
        R[self.modes.paired] *= np.sqrt(0.5)
        R[M:] *= np.sqrt(0.5)
        params["R"][...] = R
        params["bias"][...] = 0.0

    def matrix(self, params: Params) -> Array:
        """Return W, (n_out, n_in), whose blocks of size L are circulant."""
        R, k = params["R"], np.arange(self.L)
        columns: Array = np.tensordot(self._inverse.astype(R.dtype), R, axes=1)
        W: Array = columns[(k[:, None] - k[None, :]) % self.L]
        return W.transpose(2, 0, 3, 1).reshape(self.n_out, self.n_in)

    @property
    def _inverse(self) -> Array:
        """The inverse DFT (L, D) of a channel's modes, which gives the first column of a block."""
        M, L = self.modes.M, self.L
        angle = 2 * np.pi / L * (np.outer(np.arange(L), np.arange(M)) % L)
        weight = np.full(M, 1 / L)
        weight[self.modes.paired] = 2 / L
        return np.concatenate(
            [weight * np.cos(angle), -(weight * np.sin(angle))[:, self.modes.paired]], axis=1
        )

    def _nearest(self, target: Target) -> Params:
        """Return the modes of the nearest circulant blocks, or least squares."""
        found = nearest_circulants(target, self.C_o, self.C_i, self.L, self._inverse)
        return {"R": np.moveaxis(found, 2, 0)}

    def multiply_adds(self) -> int:
        """Return those of the modes' matrices: one real or four for each, times C_o · C_i."""
        n_real_modes = self.modes.M - self.modes.n_complex
        return self.C_o * self.C_i * (n_real_modes + 4 * self.modes.n_complex)

    def expected_rank(self) -> int:
        """Return min(C_i, C_o) D: the rank of each mode's matrix, twice for complex ones."""
        return min(self.C_i, self.C_o) * self.modes.D

    def weight_gain(self) -> dict[str, float]:
        """Return that of R: 1 for entries of DC and Nyquist, 2 for both parts of other modes."""
        n_real_modes = self.modes.M - self.modes.n_complex
        return {"R": (n_real_modes + 4 * self.modes.n_complex) / self.modes.D}

    def hessian_spectrum(self, params: Params, x: Array) -> Eigenvalues:
        """Return w_k / L times those of S_k = mean x̂_k x̂_kᴴ for each mode, each C_o times.

        w is 1 for DC and Nyquist. For other modes it is 2, and both parts of R_k have the numbers.
        """
        del params
        x_hat = np.fft.rfft(x.reshape(len(x), self.C_i, self.L))[..., : self.modes.M]
        numbers = powers(np.moveaxis(x_hat, 2, 0)) / self.L
        numbers[self.modes.paired] *= 2
        numbers = np.concatenate([numbers, numbers[self.modes.paired]])
        return Eigenvalues(numbers.ravel(), max(len(x), self.C_i), self.C_o)

    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer that computes ``x @ W.T + bias``."""
        self.check_input(x)
        # A real FFT drops the imaginary parts of a complex step.
        bind = by_fft if self.L >= FFT_LENGTH and x.dtype.kind == "f" else by_matrices
        y, multiply, products_pullback = bind(self.modes, params["R"], x, context.allocate)
        bias, ones = params["bias"], np.ones(len(x), x.dtype)

        def run() -> None:
            multiply()
            np.add(y, bias, out=y)

        def pullback(dy: Array, grads: Params, wanted: bool = True) -> Array | None:
            np.dot(ones, dy, out=grads["bias"])
            return products_pullback(dy, grads["R"], wanted)

        return BoundLayer(y, run, pullback)
