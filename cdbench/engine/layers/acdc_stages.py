"""The product of ACDC's factors Cᵀ diag(d) C diag(a), by two stages of small matrices."""

from collections.abc import Callable, Iterator

import numpy as np

from cdbench.engine.layers.base import Params
from cdbench.engine.products.base import Allocate, Array
from cdbench.engine.products.blocks import Call, bind_transform
from cdbench.engine.products.real_dct import StagedDCT

MOST_NUMBERS_OF_MAP = 2**16
"""Up to this size the linear map from the diagonals to their matrices is stored as one matrix."""

# Slots of scratch arrays.
START, END, D_BEFORE, D_AFTER = range(4)


class Stages:
    """K factors bound to their parameters and arrays, to be run repeatedly.

    With C = diag(G) · (F ⊗ I) · Q all factors are seen between the two stages, where each is two
    products with stacks of small matrices formed in each run: F diag(a) Fᵀ for each of the n_2
    places that the first stage leaves apart, then Gᵀ diag(d) G for each group of frequencies. No
    transform of the columns is left but F before all factors and Fᵀ after them, and no elementwise
    pass.

    Parameters
    ----------
    transform : StagedDCT
        C.
    params : Params
        ``a`` and ``d``, (K, n).
    n_columns : int
        M.
    dtype : numpy.dtype
        Of all arrays.
    allocate : Allocate
        Source of the arrays that have M columns.

    Attributes
    ----------
    start : (n, M) float
        The columns before the first factor, in the order Q. The caller writes them before ``run``;
        ``pullback`` leaves their gradients here, if wanted.
    end : (n, M) float
        Those after the last factor. The caller writes their gradients here before ``pullback``.
    """

    def __init__(
        self,
        transform: StagedDCT,
        params: Params,
        n_columns: int,
        dtype: np.dtype,
        allocate: Allocate,
    ) -> None:
        K, n = params["a"].shape
        M, n_1, first = n_columns, transform.n_1, transform.first.astype(np.finfo(dtype).dtype)
        first_T = np.ascontiguousarray(first.T)
        self.start = allocate.scratch(START, (n, M), dtype)
        self.end = allocate.scratch(END, (n, M), dtype)
        # Before and after the groups' products of each factor.
        before, after = (allocate.kept((k, n, M), dtype) for k in (K, K + 1))
        d_before = allocate.scratch(D_BEFORE, before.shape, dtype)
        d_after = allocate.scratch(D_AFTER, after.shape, dtype)
        # Row by row: the places j, then within one those of the first stage.
        order = transform.order.reshape(n_1, -1).T.ravel()
        of_a, of_d = (
            _Diagonals(params, name, order, dtype)
            for name, order in (("a", order), ("d", transform.frequencies))
        )
        self.diagonals = of_a, of_d
        places = _of_places(first_T, of_a, d_before, after[:-1])
        groups = list(_of_groups(transform, of_d, d_after[1:], before))
        self.stacks = [places, *groups]
        self.calls = [_stage(first, self.start, after[0])]
        # From the last to the first. The first two here are for the gradient of ``start`` only.
        self.calls_back = [_stage(first_T, d_after[0], self.start)]
        for k in range(K):
            self.calls.append(places.product(k, after[k], before[k]))
            self.calls += [stack.product(k, before[k], after[k + 1]) for stack in groups]
            # All these matrices are symmetric.
            self.calls_back.append(places.product(k, d_before[k], d_after[k]))
            self.calls_back += [stack.product(k, d_after[k + 1], d_before[k]) for stack in groups]
        self.calls.append(_stage(first_T, after[K], self.end))
        self.calls_back.append(_stage(first, self.end, d_after[K]))

    @staticmethod
    def spreading(columns: Array, width: int) -> Callable[[Array], None]:
        """Return the call that writes rows (M, width) here: even places, zeros, odd backwards."""
        n = len(columns)
        even, zero, odd = np.split(columns, [(width + 1) // 2, n - width // 2])
        backwards = odd[::-1]

        def spread(rows: Array) -> None:
            np.copyto(even, rows.T[::2])
            np.copyto(backwards, rows.T[1::2])
            if len(zero):
                zero.fill(0)

        return spread

    @staticmethod
    def gathering(columns: Array, rows: Array) -> Callable[[], None]:
        """Return the call that reads rows (M, width) back from here."""
        width, n = rows.shape[1], len(columns)
        even, odd = columns[: (width + 1) // 2], columns[n - width // 2 :][::-1]
        to_even, to_odd = rows.T[::2], rows.T[1::2]

        def gather() -> None:
            np.copyto(to_even, even)
            np.copyto(to_odd, odd)

        return gather

    def run(self) -> None:
        """Write ``end`` from the current contents of the parameters and of ``start``."""
        for diagonals in self.diagonals:
            diagonals.read()
        for stack in self.stacks:
            stack.form()
        for call in self.calls:
            call()

    def pullback(self, grads: Params, wanted: bool) -> None:
        """Write the gradients of a and d, and of ``start`` if wanted, from that of ``end``."""
        for call in self.calls_back[: None if wanted else 1 : -1]:
            call()
        for stack in self.stacks:
            stack.pull()
        for diagonals in self.diagonals:
            diagonals.write(grads)


class _Diagonals:
    """One of the two parameters, in the order of the matrices, and its gradient."""

    def __init__(self, params: Params, name: str, order: Array, dtype: np.dtype) -> None:
        self.values, self.name = params[name], name
        self.order, self.order_back = order, np.argsort(order)
        self.own, self.gradient = np.empty((2, *self.values.shape), dtype)

    def read(self) -> None:
        np.take(self.values, self.order, axis=1, out=self.own, mode="clip")

    def write(self, grads: Params) -> None:
        np.take(self.gradient, self.order_back, axis=1, out=grads[self.name], mode="clip")


class _Stack:
    """Matrices Gᵀ diag(v) G of all factors, with L different G.

    Parameters
    ----------
    G : (L, m, m) float64
    diagonals : two of (L, r, m)
        v, and where its gradient is written.
    sides : two of (…, m, M)
        The products' gradients and operands, for all matrices.
    factors : int
        Which axis of the stack counts factors.
    blocks : (n, M) -> (…, m, M)
        The columns' parts that a factor's matrices act on, a view.
    """

    def __init__(
        self,
        G: Array,
        diagonals: tuple[Array, Array],
        sides: tuple[Array, Array],
        factors: int,
        blocks: Callable[[Array], Array],
    ) -> None:
        self.v, self.dv = diagonals
        self.dy, self.x_T = sides[0], sides[1].swapaxes(-1, -2)
        self.blocks = blocks
        L, r, m = self.v.shape
        dtype = self.v.dtype
        stack = (*self.dy.shape[:-1], m)
        matrices, self.gradients = np.empty((2, *stack), dtype)
        self.of_factor = np.moveaxis(matrices, factors, 0)
        # Row i of a matrix of the map is the product of the i-th row of G with itself.
        self.is_stored = L * m**3 <= MOST_NUMBERS_OF_MAP
        real, shape = np.finfo(dtype).dtype, (L, r, m * m) if self.is_stored else (L, r, m, m)
        self.own, self.d_own = matrices.reshape(shape), self.gradients.reshape(shape)
        if self.is_stored:
            self.map = (G[..., None] * G[:, :, None]).reshape(L, m, m * m).astype(real)
            self.map_T = np.ascontiguousarray(self.map.swapaxes(1, 2))
        else:
            self.G = G.astype(real)[:, None]
            self.G_T = np.ascontiguousarray(self.G.swapaxes(2, 3))
            self.work = np.empty(shape, dtype)

    def form(self) -> None:
        """Write all matrices."""
        if self.is_stored:
            np.matmul(self.v, self.map, out=self.own)
        else:
            np.multiply(self.v[..., None], self.G, out=self.work)
            np.matmul(self.G_T, self.work, out=self.own)

    def product(self, k: int, x: Array, out: Array) -> Call:
        """Return the call that multiplies the columns ``x`` (n, M) by the matrices of factor k."""
        matrices, own_x, own_out = self.of_factor[k], self.blocks(x), self.blocks(out)
        return lambda: np.matmul(matrices, own_x, out=own_out)

    def pull(self) -> None:
        """Write the gradients of the diagonals: the diagonals of G dM Gᵀ."""
        np.matmul(self.dy, self.x_T, out=self.gradients)
        if self.is_stored:
            np.matmul(self.d_own, self.map_T, out=self.dv)
        else:
            np.matmul(self.G, self.d_own, out=self.work)
            np.vecdot(self.G, self.work, out=self.dv)


def _of_places(first_T: Array, diagonals: _Diagonals, dy: Array, x: Array) -> _Stack:
    """Return the matrices F diag(a) Fᵀ, one for each place, all with the same F."""
    n_1, (_, n, M) = len(first_T), dy.shape

    def blocks(columns: Array) -> Array:
        return columns.reshape(*columns.shape[:-2], n_1, n // n_1, M).swapaxes(-3, -2)

    parts = diagonals.own.reshape(1, -1, n_1), diagonals.gradient.reshape(1, -1, n_1)
    return _Stack(first_T[None], parts, (blocks(dy), blocks(x)), 0, blocks)


def _of_groups(
    transform: StagedDCT, diagonals: _Diagonals, dy: Array, x: Array
) -> Iterator[_Stack]:
    """Yield the matrices Gᵀ diag(d) G of the real groups, and of the others."""
    begin, M = 0, dy.shape[2]
    for G in transform.groups:
        g, m, _ = G.shape
        part = slice(begin, begin + g * m)
        begin = part.stop

        def blocks(columns: Array, part: slice = part, shape: tuple[int, ...] = (g, m, M)) -> Array:
            return columns[part].reshape(shape)

        own, gradient = (
            v[:, part].reshape(-1, g, m).swapaxes(0, 1) for v in (diagonals.own, diagonals.gradient)
        )
        own_dy, own_x = (z[:, part].reshape(-1, g, m, M).swapaxes(0, 1) for z in (dy, x))
        yield _Stack(G, (own, gradient), (own_dy, own_x), 1, blocks)


def _stage(matrix: Array, x: Array, out: Array) -> Call:
    """Return the call that applies the first stage or its transpose to columns (n, M)."""
    shape = (len(matrix), -1, x.shape[1])
    return bind_transform(matrix, x.reshape(shape), out.reshape(shape))
