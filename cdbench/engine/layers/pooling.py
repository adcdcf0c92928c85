"""Layers of images that change the number of rows."""

from math import prod

import numpy as np

from cdbench.engine.layers.base import BoundLayer, Context, Layer, Params
from cdbench.engine.products.base import Array
from cdbench.errors import ShapeError

SIZE = 2
"""Height and width of what is pooled, in pixels."""


class Pooling(Layer):
    """Pools 2 × 2 pixels; an odd last row or column is cut off.

    It maps (N · height · width, channels) to (N · ⌊height / 2⌋ · ⌊width / 2⌋, channels).
    """

    def __init__(self, channels: int, image: tuple[int, int]) -> None:
        super().__init__(channels, channels)
        if min(image) < SIZE:
            raise ShapeError(
                f"pooling got an image of {image[0]} × {image[1]} pixels, expected at least 2 × 2; "
                "fewer --channels, or --pooling none"
            )
        self.image, self.image_out = image, (image[0] // SIZE, image[1] // SIZE)

    def rows_after(self, n: int) -> int:
        """Return the pools of n pixels."""
        return n // prod(self.image) * prod(self.image_out)

    def corners(self, x: Array) -> list[Array]:
        """Return the four pixels of each pool, views (N, height', width', channels) of ``x``."""
        height, width = (SIZE * n for n in self.image_out)
        images = x.reshape(-1, *self.image, self.n_in)[:, :height, :width]
        return [images[:, i::SIZE, j::SIZE] for i in range(SIZE) for j in range(SIZE)]


class AveragePooling(Pooling):
    """The mean of each 2 × 2 pixels."""

    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer that averages ``x``."""
        self.check_input(x)
        corners = self.corners(x)
        y = context.allocate.kept(corners[0].shape, x.dtype)
        dx = context.allocate.kept(x.shape, x.dtype)
        d_corners = self.corners(dx)

        def run() -> None:
            np.add(corners[0], corners[1], out=y)
            np.add(y, corners[2], out=y)
            np.add(y, corners[3], out=y)
            np.multiply(y, 0.25, out=y)

        def pullback(dy: Array, grads: Params) -> Array:
            dx.fill(0)
            np.multiply(dy.reshape(y.shape), 0.25, out=d_corners[0])
            for other in d_corners[1:]:
                np.copyto(other, d_corners[0])
            return dx

        return BoundLayer(y.reshape(-1, self.n_out), run, pullback)


class MaxPooling(Pooling):
    """The largest of each 2 × 2 pixels, by the real part; of equals the first has the gradient."""

    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer that takes maxima of ``x``."""
        self.check_input(x)
        allocate, corners = context.allocate, self.corners(x)
        y = allocate.kept(corners[0].shape, x.dtype)
        dx = allocate.kept(x.shape, x.dtype)
        first = allocate.kept((len(corners), *y.shape), np.bool)
        taken = allocate.scratch(0, y.shape, np.bool)
        d_corners, real = self.corners(dx), x.dtype.kind == "f"

        def run() -> None:
            # What follows may overwrite y, and what came before was perhaps overwritten already.
            np.copyto(y, corners[0])
            first[0] = True
            for place, other in enumerate(corners[1:], 1):
                np.greater(other.real, y.real, out=first[place])
                if real:
                    np.maximum(y, other, out=y)  # much faster than copying where it is greater
                else:
                    np.copyto(y, other, where=first[place])

        def pullback(dy: Array, grads: Params) -> Array:
            dx.fill(0)
            taken[...] = False
            for place in reversed(range(len(corners))):  # the last that was greater
                np.greater(first[place], taken, out=first[place])
                np.logical_or(taken, first[place], out=taken)
                np.multiply(dy.reshape(y.shape), first[place], out=d_corners[place])
            return dx

        return BoundLayer(y.reshape(-1, self.n_out), run, pullback)


class Flatten(Layer):
    """The pixels of a sample beside each other: (N · P, C) to (N, P · C), the channel fastest."""

    def __init__(self, channels: int, pixels: int) -> None:
        super().__init__(channels, channels * pixels)
        self.pixels = pixels

    def rows_after(self, n: int) -> int:
        """Return the samples of n pixels."""
        return n // self.pixels

    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer that copies ``x`` into rows of samples."""
        self.check_input(x)
        y = context.allocate.kept((self.rows_after(len(x)), self.n_out), x.dtype)
        pixels = y.reshape(x.shape)
        return BoundLayer(y, lambda: np.copyto(pixels, x), lambda dy, grads: dy.reshape(x.shape))
