"""Layers that only move entries: zeros appended, columns cut off, one layout made the other."""


from cdbench.layers.base import Context, Layer, Params, Pullback
from cdbench.products.base import Array
from cdbench.products.layout import to_vertices


class Arrangement(Layer):
    """A layer without parameters that moves entries about, or adds zeros."""


class Pad(Arrangement):
    """Append zeros on the right: (N, n_in) to (N, n_out), n_out > n_in."""

    def forward(self, params: Params, x: Array, context: Context) -> tuple[Array, Pullback]:
        """Return ``x`` with zeros appended, and the pullback, which cuts them off."""
        return _widened(x, self.n_out, context), lambda dy, grads: dy[:, : self.n_in]


class Slice(Arrangement):
    """Cut off surplus columns on the right: (N, n_in) to (N, n_out), n_out < n_in."""

    def forward(self, params: Params, x: Array, context: Context) -> tuple[Array, Pullback]:
        """Return the first n_out columns, and the pullback, which appends zeros."""
        return x[:, : self.n_out], lambda dy, grads: _widened(dy, self.n_in, context)


def _widened(x: Array, n: int, context: Context) -> Array:
    """Return ``x`` (N, fewer than n) with zeros appended to (N, n)."""
    y = context.allocate.kept((len(x), n), x.dtype)
    y[:, : x.shape[1]] = x
    y[:, x.shape[1] :] = 0.0
    return y


class ToVertices(Arrangement):
    """Rows (N, n) to vertices (B, n / B, N), the layout of polygon and fft."""

    def __init__(self, n: int, B: int) -> None:
        super().__init__(n, n)
        self.B = B

    def forward(self, params: Params, x: Array, context: Context) -> tuple[Array, Pullback]:
        """Return ``x`` in the other layout, and the pullback, which is the way back."""
        return _vertices(x, self.B, context), lambda dy, grads: _rows(dy, context)


class ToRows(Arrangement):
    """Vertices (B, n / B, N) to rows (N, n)."""

    def __init__(self, n: int, B: int) -> None:
        super().__init__(n, n)
        self.B = B

    def forward(self, params: Params, x: Array, context: Context) -> tuple[Array, Pullback]:
        """Return ``x`` in the other layout, and the pullback, which is the way back."""
        return _rows(x, context), lambda dy, grads: _vertices(dy, self.B, context)


def _vertices(x: Array, B: int, context: Context) -> Array:
    N, n = x.shape
    y = context.allocate.kept((B, n // B, N), x.dtype)
    y[...] = to_vertices(x, B)
    return y


def _rows(x: Array, context: Context) -> Array:
    B, K, N = x.shape
    y = context.allocate.kept((N, K * B), x.dtype)
    to_vertices(y, B)[...] = x
    return y
