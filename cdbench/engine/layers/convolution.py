"""Two-dimensional convolution whose kernel is the matrix of any layer family."""

from math import prod

import numpy as np

from cdbench.engine.layers.base import BoundLayer, BoundMatrix, Context, Params, Pullback
from cdbench.engine.layers.taps import bound_matrix
from cdbench.engine.layers.unfolding import Geometry, Unfolding
from cdbench.engine.layers.weight_layer import WeightLayer
from cdbench.engine.products.base import FRESH, Allocate, Array
from cdbench.errors import ShapeError

AT_ONCE = 1 << 19
"""Bytes of unfolded rows that are held at once: what a core's cache holds."""

PADDED, UNFOLDED, D_PADDED, D_UNFOLDED, PART, TOTAL, TURNED = range(20, 27)
"""Slots of scratch arrays."""


class Convolution(WeightLayer):
    """Cross-correlation of images with a kernel, plus a bias; a pixel of a sample is a row.

    It maps (N · height · width, channels) to (N · height' · width', n_out). Its matrix, spectra and
    Hessian are those of ``inner``, for which each window is a sample.

    Parameters
    ----------
    inner : WeightLayer
        The kernel as a layer of n_in = k² · C entries, in the order (row, column, channel).
    image : tuple of int
        Height and width of what enters.
    kernel, stride : int
        k, and the distance of windows, in pixels.
    padding : str
        ``same``: zeros around, so that with stride 1 the size stays, of an even kernel one more
        below and to the right; or ``valid``: none.

    Raises
    ------
    ShapeError
        If the kernel does not fit the image.
    """

    def __init__(
        self,
        inner: WeightLayer,
        image: tuple[int, int],
        kernel: int,
        stride: int = 1,
        padding: str = "same",
    ) -> None:
        super().__init__(inner.n_in // kernel**2, inner.n_out, inner.weight_shapes)
        self._inner, self.image, self.kernel = inner, image, kernel
        if padding == "valid" and kernel > min(image):
            raise ShapeError(
                f"kernel = {kernel} does not fit an image of {image[0]} × {image[1]} pixels; "
                f"expected at most --kernel {min(image)}, or --padding same"
            )
        beyond = 2 * min(image) + 1  # the smallest kernel whose every window holds the whole image
        if max(kernel, stride) > beyond:
            name, value = ("kernel", kernel) if kernel > beyond else ("stride", stride)
            raise ShapeError(
                f"{name} = {value} reaches beyond an image of {image[0]} × {image[1]} pixels; "
                f"expected at most --{name} {min(image)}"
            )
        before, after = ((kernel - 1) // 2, kernel // 2) if padding == "same" else (0, 0)
        self.geometry = Geometry(*image, kernel, stride, (before, before), (after, after))
        self.memory_order = inner.memory_order  # type: ignore[misc]
        self.family, self.structure = inner.family, inner.structure  # type: ignore[misc]
        self.fisher_parameter = inner.fisher_parameter  # type: ignore[misc]

    @property
    def inner(self) -> WeightLayer:
        """The layer whose matrix is the kernel."""
        return self._inner

    @property
    def image_out(self) -> tuple[int, int]:
        """Height and width of what leaves."""
        return self.geometry.windows

    def initialize(self, params: Params, rng: np.random.Generator) -> None:
        """Draw the inner layer's."""
        self._inner.initialize(params, rng)

    def matrix(self, params: Params) -> Array:
        """Return the kernel as the inner layer's matrix, (n_out, k² · C)."""
        return self._inner.matrix(params)

    def nearest(self, matrix: Array, moment: Array | None = None) -> Params:
        """Return the inner layer's."""
        return self._inner.nearest(matrix, moment)

    def rows_after(self, n: int) -> int:
        """Return the windows of n pixels."""
        return n // prod(self.image) * prod(self.image_out)

    def multiply_adds(self) -> int:
        """Return those of the inner layer, for a window."""
        return self._inner.multiply_adds()

    def unfolded(self, x: Array) -> Array:
        """Return the windows of pixels (N · height · width, channels) as rows (…, k² · C)."""
        self.check_input(x)
        n = len(x) // (self.image[0] * self.image[1])
        windows = Unfolding(self.geometry, n, self.n_in, (0, 1), x.dtype, FRESH)
        windows.prepare()
        return windows.unfold(x)

    def check_input(self, x: Array) -> None:
        """Raise ShapeError unless ``x`` is whole images of pixels (…, channels)."""
        super().check_input(x)
        pixels = self.image[0] * self.image[1]
        if len(x) % pixels:
            raise ShapeError(f"Convolution got {len(x)} pixels, expected a multiple of {pixels}")

    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer that forms the kernel in each run and goes by chunks of samples.

        The windows are unfolded again on the way back, so that they are never all in memory.
        """
        self.check_input(x)
        allocate, dtype = context.allocate, x.dtype
        bound = bound_matrix(self._inner, params, dtype, allocate)
        taps, channels, n_out = self.kernel**2, self.n_in, self.n_out
        pixels, windows = (h * w for h, w in (self.image, self.image_out))
        N = len(x) // pixels
        widest = max(windows * (taps * channels + 1), pixels * taps * n_out)
        n = max(1, min(N, AT_ONCE // (widest * dtype.itemsize)))
        y = allocate.kept((N * windows, n_out), dtype)
        # The last row is the bias: a row of each chunk ends with a 1.
        kernel = allocate.kept((taps * channels + 1, n_out), dtype)
        by_taps = kernel[:-1].reshape(taps, channels, n_out)
        W, bias = self._by_taps(bound.W), params["bias"]
        slots = (PADDED, UNFOLDED)
        to_rows = Unfolding(self.geometry, n, channels, slots, dtype, allocate, one=True)
        chunks = [
            (slice(i * pixels, (i + n) * pixels), slice(i * windows, (i + n) * windows))
            for i in range(0, N, n)
        ]

        def run() -> None:
            bound.form()
            np.copyto(by_taps, W)
            kernel[-1] = bias
            to_rows.prepare()
            for into, out in chunks:
                np.matmul(to_rows.unfold(x[into]), kernel, out=y[out])

        return BoundLayer(y, run, self._pullback(x, kernel, bound, to_rows, chunks, n, allocate))

    def _pullback(
        self,
        x: Array,
        kernel: Array,
        bound: BoundMatrix,
        to_rows: Unfolding,
        chunks: list[tuple[slice, slice]],
        n: int,
        allocate: Allocate,
    ) -> Pullback:
        taps, channels, n_out = self.kernel**2, self.n_in, self.n_out
        dx = allocate.kept(x.shape, x.dtype)
        by_taps = kernel[:-1].reshape(taps, channels, n_out)
        total, part = (allocate.scratch(slot, kernel.shape, x.dtype) for slot in (TOTAL, PART))
        turned = allocate.scratch(TURNED, (taps * n_out, channels), x.dtype)
        slots = (D_PADDED, D_UNFOLDED)
        back = Unfolding(self.geometry.turned(), n, n_out, slots, x.dtype, allocate)
        gradient = self._by_taps(bound.gradient)

        def pullback(dy: Array, grads: Params, wanted: bool = True) -> Array | None:
            to_rows.prepare()
            total.fill(0)
            if wanted:
                back.prepare()
                # What moved a window forward moves its gradient back: taps in the other order.
                own = turned.reshape(taps, n_out, channels)
                np.copyto(own, by_taps[::-1].transpose(0, 2, 1))
            for into, out in chunks:
                np.matmul(to_rows.unfold(x[into]).T, dy[out], out=part)
                np.add(total, part, out=total)
                if wanted:
                    np.matmul(back.unfold(dy[out]), turned, out=dx[into])
            grads["bias"][...] = total[-1]
            gradient[...] = total[:-1].reshape(by_taps.shape)
            bound.pull(grads)
            return dx if wanted else None

        return pullback

    def _by_taps(self, matrix: Array) -> Array:
        """Return a view of the inner matrix as (taps, C, n_out)."""
        return matrix.reshape(self.n_out, self.kernel**2, -1).transpose(1, 2, 0)
