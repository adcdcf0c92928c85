"""Samples of a set too large to be kept transformed: read, converted and transformed when taken."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cdbench.engine.products.base import Array

Rows = NDArray[np.int64]

Transform = Callable[..., Array]
"""``(X, out=None) -> X``: a fitted input transform of samples (n, n_features) float64. It may
write into ``out``, which may be X itself."""

VALUES_AT_ONCE = 2**16
"""Numbers transformed at a time: half a mebibyte in float64, which stays in a core's cache."""

ROWS_AT_ONCE = 2**13
"""Rows that a network makes of samples, where these are several each, that are taken at a time."""

BYTES_OF_COLUMNS = 2**23
"""Size in float64 of the columns that a transform is fitted to at a time."""


class Samples:
    """Chosen rows of an array, as a training takes them: a few at a time.

    Where an array of transformed samples would be held in memory, this holds the source, which may
    be mapped from a file and so shared between processes. Its values are, bit for bit, those of
    that array: converted to float64, transformed, and rounded.

    Parameters
    ----------
    source : (N_all, n_features) real
        The values as they were read.
    rows : (N,) int64, optional
        Which rows of it, in order; None for all.
    transform : Transform, optional
        The fitted input transform.
    dtype : dtype, optional
        What the transformed values are rounded to.
    order : (n_features,) int64, optional
        Columns of the source in the order in which the features are.
    """

    ndim = 2

    def __init__(
        self,
        source: NDArray[Any],
        rows: Rows | None = None,
        transform: Transform | None = None,
        dtype: DTypeLike = np.float64,
        order: Rows | None = None,
    ) -> None:
        # A plain view: indexing a memmap object costs more, the mapping is the same.
        self.source, self.rows, self.transform = source.view(np.ndarray), rows, transform
        self.order, self.dtype, self.rounded = order, np.dtype(dtype), np.dtype(dtype)
        self.shape = (len(source) if rows is None else len(rows), source.shape[1])
        self._at_once = max(1, VALUES_AT_ONCE // source.shape[1])

    def __len__(self) -> int:
        """Return N."""
        return self.shape[0]

    def transformed(self, transform: Transform, dtype: DTypeLike) -> "Samples":
        """Return the same rows with a transform, rounded to the dtype."""
        return Samples(self.source, self.rows, transform, dtype, self.order)

    def astype(self, dtype: DTypeLike, copy: bool = False) -> "Samples":
        """Return the same values in another dtype; what was rounded before stays so."""
        del copy
        same = self.transformed(self.transform, self.rounded) if self.transform else self.only(None)
        same.dtype = np.dtype(dtype)
        return same

    def only(self, rows: Rows | None) -> "Samples":
        """Return these of the rows, (n,); None for all."""
        chosen = self.rows if rows is None else self._in_source(rows)
        return Samples(self.source, chosen, self.transform, self.rounded, self.order)

    def take(self, rows: Rows, out: Array) -> Array:
        """Write the samples of these rows (n,) into ``out`` (n, n_features), and return it."""
        for start in range(0, len(rows), self._at_once):
            stop = start + self._at_once
            self._write(rows[start:stop], out[start:stop])
        return out

    def __getitem__(self, key: Any) -> Array:
        """Return the samples of a slice or of indices as a new array (n, n_features)."""
        rows = np.arange(len(self))[key]
        return self.take(rows, np.empty((len(rows), self.shape[1]), self.dtype))

    def _in_source(self, rows: Rows) -> Rows:
        return rows if self.rows is None else self.rows[rows]

    def _write(self, rows: Rows, out: Array) -> None:
        raw = self.source.take(self._in_source(rows), axis=0)
        if self.order is not None:
            raw = raw.take(self.order, axis=1)
        values = raw.astype(np.float64)
        if self.transform is not None:
            values = self.transform(values, values)
        # Writing rounds too; an array in between would take a fifth of the time.
        out[...] = values if out.dtype == self.rounded else values.astype(self.rounded)


def chunks(X: "Array | Samples", n_samples: int = 1024) -> Iterator[Array]:
    """Yield an array as it is, or samples some at a time, (n, n_features)."""
    if isinstance(X, Samples):
        yield from parts_of(X, n_samples)
    else:
        yield X


def samples_at_once(rows_per_sample: int) -> int:
    """Return how many samples to take at a time for a network that makes rows of each."""
    return min(1024, 1 + ROWS_AT_ONCE // rows_per_sample)


def parts_of(X: "Array | Samples", n_samples: int) -> Iterator[Array]:
    """Yield so many samples at a time, (n, n_features)."""
    for start in range(0, len(X), n_samples):
        yield X[start : start + n_samples]


def columns(X: "Array | Samples") -> Iterator[tuple[slice, Array]]:
    """Yield an array as it is, or a few features at a time of all samples, (N, n), with which.

    Samples must not have a transform. Sums over a column are the same, bit for bit, however many
    columns are beside it.
    """
    if not isinstance(X, Samples):
        yield slice(None), X
        return
    N, n_features = X.shape
    # Of one column alone NumPy would sum in another order.
    n_blocks = max(1, n_features // max(2, BYTES_OF_COLUMNS // (8 * N)))
    edges = np.linspace(0, n_features, n_blocks + 1).astype(int)
    for start, stop in pairwise(edges.tolist()):
        these = slice(start, stop)
        order = X.order
        source = X.source[:, these] if order is None else X.source.take(order[these], axis=1)
        chosen = source if X.rows is None else source.take(X.rows, axis=0)
        yield these, chosen.astype(np.float64, order="C")
