"""Layers that only move entries: they append zeros, cut off columns or change the layout."""

from cdbench.engine.layers.base import BoundLayer, Context, Layer, Params
from cdbench.engine.products.base import Array
from cdbench.engine.products.layout import to_vertices


class Arrangement(Layer):
    """A layer without parameters that moves entries about, or adds zeros."""


class Pad(Arrangement):
    """Append zeros on the right: (N, n_in) to (N, n_out), n_out > n_in."""

    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer that appends zeros to ``x``; the pullback cuts them off."""
        y = context.allocate.kept((len(x), self.n_out), x.dtype)
        return BoundLayer(y, lambda: _widen(x, y), lambda dy, grads: dy[:, : self.n_in])


class Slice(Arrangement):
    """Cut off surplus columns on the right: (N, n_in) to (N, n_out), n_out < n_in."""

    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the first n_out columns of ``x``, a view; the pullback appends zeros."""
        dx = context.allocate.kept(x.shape, x.dtype)
        return BoundLayer(x[:, : self.n_out], lambda: None, lambda dy, grads: _widen(dy, dx))


def _widen(x: Array, y: Array) -> Array:
    """Write ``x``, and zeros to its right, into the wider ``y``, and return it."""
    n = x.shape[1]
    y[:, :n] = x
    y[:, n:] = 0.0
    return y


class ToVertices(Arrangement):
    """Rows (N, n) to vertices (B, n / B, N), the layout of polygon and fft."""

    def __init__(self, n: int, B: int) -> None:
        super().__init__(n, n)
        self.B = B

    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer that converts ``x`` to the other layout; the pullback converts back."""
        y = context.allocate.kept((self.B, self.n_out // self.B, len(x)), x.dtype)
        dx = context.allocate.kept(x.shape, x.dtype)
        return BoundLayer(
            y,
            lambda: _copy(to_vertices(x, self.B), y),
            lambda dy, grads: _copy(dy, to_vertices(dx, self.B), dx),
        )


class ToRows(Arrangement):
    """Vertices (B, n / B, N) to rows (N, n)."""

    def __init__(self, n: int, B: int) -> None:
        super().__init__(n, n)
        self.B = B

    def bind(self, params: Params, x: Array, context: Context) -> BoundLayer:
        """Return the layer that converts ``x`` to the other layout; the pullback converts back."""
        y = context.allocate.kept((x.shape[2], self.n_out), x.dtype)
        dx = context.allocate.kept(x.shape, x.dtype)
        return BoundLayer(
            y,
            lambda: _copy(x, to_vertices(y, self.B)),
            lambda dy, grads: _copy(to_vertices(dy, self.B), dx),
        )


def _copy(source: Array, target: Array, whole: Array | None = None) -> Array:
    """Copy; return the target or, if given, the whole array of which it is a view."""
    target[...] = source
    return target if whole is None else whole
