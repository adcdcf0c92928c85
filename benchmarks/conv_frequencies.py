"""A block-circulant convolution frequency by frequency, in turns with the engine's, which forms W.

With W formed, windows take as many multiplications as with a dense kernel. Here each block of
channels is transformed to R numbers as the polygon does it (products/polygon.py), each of which has
a convolution of its own, of C_i / B to C_o / B channels; and what they give is transformed back.
Forward and backward, float32, one thread. Both must agree before they are timed. Seconds are the
processor's.
"""

from collections.abc import Mapping
from time import process_time

import numpy as np

from cdbench.engine.layers import Context
from cdbench.engine.layers.cdlinear import CDLinear
from cdbench.engine.layers.convolution import Convolution
from cdbench.engine.products.base import Array
from cdbench.engine.products.polygon import bilinear_algorithm
from cdbench.engine.products.workspace import Workspace
from measure import (
    Call,
    Row,
    Spread,
    alternate,
    arguments,
    console,
    machine,
    one_thread,
    print_rows,
)

SIZES = ((16, 32, 28), (64, 64, 28), (128, 128, 14))
"""Channels that enter and leave, and the side of the image in pixels."""
BLOCKS = (2, 4, 8)
KERNEL, BATCH, ROUNDS = 3, 64, 9
TOLERANCE = 1e-4
"""Largest difference of the two, by the largest entry."""

Results = Mapping[str, Array]
"""``y``, ``x`` (its gradient), ``c`` and ``bias`` (theirs)."""


class Side:
    """The images that enter, or those that leave, one at a time.

    The planes of an image lie flat, with their zeros around them. The entries that one tap takes
    from all windows are then one run of memory; those of windows across a margin are unused.

    Parameters
    ----------
    K : int
        Blocks of channels.
    transform, back : (R, B), (B, R) float
        To the numbers that are multiplied, and from them.
    shape : tuple of int
        Height and width of the image.
    kernel : int
        k, odd; the stride is 1, and the image keeps its size.
    """

    def __init__(
        self, K: int, transform: Array, back: Array, shape: tuple[int, int], kernel: int
    ) -> None:
        (R, B), (height, width), margin = transform.shape, shape, kernel // 2
        dtype, across = transform.dtype, width + 2 * margin
        self._transform, self._back = transform, back
        self.padded = np.zeros((K, B, height + 2 * margin, across), dtype)
        self._inside = self.padded[..., margin : margin + height, margin : margin + width]
        self._flat = self.padded.reshape(K, B, -1)
        self._numbers = np.empty((R, K, self._flat.shape[2]), dtype)
        n = height * across - 2 * margin
        a, b, c = self._numbers.strides
        self._windows = np.lib.stride_tricks.as_strided(
            self._numbers, (R, kernel, kernel, K, n), (a, across * c, c, b, c)
        )
        self._copy = np.empty(self._windows.shape, dtype)
        self.rows = self._copy.reshape(R, -1, n)
        start = margin * (across + 1)
        self.centres = self._numbers[..., start : start + n]
        self._result = np.empty(self._flat.shape, dtype)
        self._written = self._result[..., :n]
        self._shown = self._result.reshape(self.padded.shape)[..., :height, :width]

    def read(self, image: Array) -> None:
        """Transform an image (height · width, channels); write ``rows``, (R, k² · K, windows)."""
        K, B, height, width = self._inside.shape
        np.copyto(self._inside, image.reshape(height, width, K, B).transpose(2, 3, 0, 1))
        np.matmul(self._transform, self._flat, out=self._numbers.transpose(1, 0, 2))
        np.copyto(self._copy, self._windows)

    def write(self, numbers: Array, image: Array) -> None:
        """Transform numbers (R, K, windows) back, into an image (height · width, channels)."""
        K, B, height, width = self._inside.shape
        np.matmul(self._back, numbers.transpose(1, 0, 2), out=self._written)
        np.copyto(image.reshape(height, width, K, B), self._shown.transpose(2, 3, 0, 1))


class Frequencies:
    """The convolution of images with a block-circulant kernel, frequency by frequency.

    Parameters
    ----------
    c : (K_o, k² · K_i, B) float
        As CDLinear has it, K_i the fastest.
    bias : (n_out,) float
        The bias.
    x, dy : (N · height · width, channels) float
        Pixels that enter, and the gradient of those that leave.
    shape : tuple of int
        Height and width of the image.
    """

    def __init__(
        self, c: Array, bias: Array, x: Array, dy: Array, shape: tuple[int, int], kernel: int
    ) -> None:
        self.c, self.bias, self.x, self.dy = c, bias, x, dy
        (K_o, _, B), K_i, self._taps = c.shape, x.shape[1] // c.shape[2], kernel**2
        self.T, S = (matrix.astype(x.dtype) for matrix in bilinear_algorithm(B))
        T_adjoint, S_adjoint = (np.ascontiguousarray(matrix.T) for matrix in (self.T, S))
        # What comes from the gradient goes through the adjoints.
        self._to_x = Side(K_i, self.T, T_adjoint, shape, kernel)
        self._to_y = Side(K_o, S_adjoint, S, shape, kernel)
        pixels = shape[0] * shape[1]
        self._images = [slice(i, i + pixels) for i in range(0, len(x), pixels)]
        self.y, self.dx = np.empty_like(dy), np.empty_like(x)

    def kernels(self) -> Array:
        """Return those of the numbers, (R, K_o, k², K_i)."""
        K_o, _, B = self.c.shape
        numbers = np.tensordot(self.T, self.c, (1, 2))
        return numbers.reshape(len(self.T), K_o, self._taps, self.x.shape[1] // B)

    def forward(self) -> None:
        """Compute ``y``."""
        kernels = self.kernels()
        matrices = kernels.reshape(*kernels.shape[:2], -1)
        for image in self._images:
            self._to_x.read(self.x[image])
            self._to_y.write(np.matmul(matrices, self._to_x.rows), self.y[image])
            np.add(self.y[image], self.bias, out=self.y[image])

    def backward(self) -> Results:
        """Return the gradients, and ``y``."""
        kernels = self.kernels()
        R, K_o, taps, K_i = kernels.shape
        # What moved a window forward moves its gradient back: taps in the other order.
        turned = kernels[:, :, ::-1].transpose(0, 3, 2, 1).reshape(R, K_i, taps * K_o)
        total = np.zeros((R, K_o, taps * K_i), self.x.dtype)
        for image in self._images:
            self._to_x.read(self.x[image])
            self._to_y.read(self.dy[image])
            total += np.matmul(self._to_y.centres, self._to_x.rows.transpose(0, 2, 1))
            self._to_x.write(np.matmul(turned, self._to_y.rows), self.dx[image])
        dc = np.tensordot(total, self.T, (0, 0))
        dbias = np.ones(len(self.dy), self.dy.dtype) @ self.dy
        return {"y": self.y, "x": self.dx, "c": dc, "bias": dbias}

    def both(self) -> Results:
        """Return the results of a pass forward and one backward."""
        self.forward()
        return self.backward()


class Formed:
    """The same convolution by the engine."""

    def __init__(
        self, c: Array, bias: Array, x: Array, dy: Array, shape: tuple[int, int], kernel: int
    ) -> None:
        K_o, K_i, B = c.shape
        layer = Convolution(CDLinear(K_i * B, K_o * B, B), shape, kernel)
        self._dy, self._grads = dy, {"c": np.empty_like(c), "bias": np.empty_like(bias)}
        context = Context(training=True, allocate=Workspace())
        self._y, self._run, self._pullback = layer.bind({"c": c, "bias": bias}, x, context)

    def both(self) -> Results:
        """Return the results of a pass forward and one backward."""
        self._run()
        dx = self._pullback(self._dy, self._grads)
        return {"y": self._y, "x": dx, **self._grads}


def rivals(
    n_in: int, n_out: int, side: int, B: int, N: int, dtype: str = "float32"
) -> tuple[Formed, Frequencies]:
    """Return both ways, of the same random images and kernel."""
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> Array:
        return rng.standard_normal(shape).astype(dtype)

    # In memory as the engine has it.
    c = normal(B, KERNEL**2 * n_in // B, n_out // B).transpose(2, 1, 0)
    pixels = N * side**2
    told = (c, normal(n_out), normal(pixels, n_in), normal(pixels, n_out), (side, side), KERNEL)
    return Formed(*told), Frequencies(*told)


def farthest(formed: Formed, frequencies: Frequencies) -> float:
    """Return the largest difference of any result, by its largest entry; this also warms both."""
    own, others = formed.both(), frequencies.both()
    return max(float(np.abs(own[key] - others[key]).max() / np.abs(own[key]).max()) for key in own)


def compare(n_in: int, n_out: int, side: int, N: int, rounds: int) -> None:
    """Let both ways take turns for every block size, and print their times."""
    calls: dict[str, Call] = {}
    for B in BLOCKS:
        formed, frequencies = rivals(n_in, n_out, side, B, N)
        apart = farthest(formed, frequencies)
        if apart > TOLERANCE:
            raise SystemExit(
                f"{n_in} to {n_out} channels, B = {B}: the two ways are {apart:.1e} apart; "
                f"expected at most {TOLERANCE:g}"
            )
        calls |= {f"B={B}, W formed": formed.both, f"B={B}, by frequencies": frequencies.both}
    taken = alternate(calls, rounds, clock=process_time)
    rows = []
    for B in BLOCKS:
        formed_s, own_s = (taken[f"B={B}, {way}"] for way in ("W formed", "by frequencies"))
        rows.append(Row(f"B={B}, W formed", Spread.of(formed_s)))
        ratio = Spread.of_ratios(formed_s, own_s)
        rows.append(Row(f"B={B}, by frequencies", Spread.of(own_s), ratio, "W formed"))
    print_rows(f"{n_in} to {n_out} channels, {side} × {side} pixels, k = {KERNEL}, N = {N}", rows)


def main() -> None:
    """Measure and print."""
    asked = arguments(__doc__).parse_args()
    one_thread()
    for size in SIZES[: 1 if asked.quick else None]:
        compare(*size, *((2, 1) if asked.quick else (BATCH, ROUNDS)))
    console.print(machine())


if __name__ == "__main__":
    main()
