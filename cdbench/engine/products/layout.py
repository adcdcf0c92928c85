"""Conversion between the two layouts of activations, rows (N, n) and vertices (B, K, N)."""

from cdbench.engine.products.base import Array


def to_vertices(x: Array, B: int) -> Array:
    """Return rows (N, K B) as vertices (B, K, N), a view."""
    N, n = x.shape
    return x.reshape(N, n // B, B).transpose(2, 1, 0)


def to_rows(x: Array) -> Array:
    """Return vertices (B, K, N) as rows (N, K B), a copy."""
    B, K, N = x.shape
    return x.transpose(2, 1, 0).reshape(N, K * B)
