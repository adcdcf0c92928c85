"""The product by a short real DFT as one matrix, with three multiplications per frequency."""

import numpy as np

from cdbench.engine.products.base import (
    FRESH,
    VERTICES,
    Allocate,
    Array,
    BoundProduct,
    InTwoParts,
    Product,
)
from cdbench.engine.products.blocks import OnArray, bind_transform, transform_work
from cdbench.engine.products.real_dft import n_real
from cdbench.engine.products.work import Work, matrix_product

# Slots of scratch arrays.
TRANSFORMED, TRANSFORMED_DX, TRANSFORMED_DC = range(3)


class Polygon(Product):
    """One (K_o × K_i) product per real frequency, three per complex one, and no others.

    With x as a (B, K_i, N) array, ``T`` maps the B places of its blocks to R numbers, which are
    multiplied one by one by those of c, and ``S`` maps the R results to the B places of y:

        y = S [(T c) · (T x)].

    Everything is real. T has real part, imaginary part and their sum for each complex frequency,
    from which Gauss's three products give the complex product. With r real and m complex
    frequencies, R = r + 3 m is the fewest multiplications that a circular convolution of real
    numbers needs (Winograd 1980). The adjoints are the same formula, read from y's side.

    The best product for small B and large n.
    """

    name = "polygon"
    layout = VERTICES

    def __init__(self, K_o: int, K_i: int, B: int) -> None:
        super().__init__(K_o, K_i, B)
        self.T, self.S = bilinear_algorithm(B)
        self._matrices: dict[object, tuple[Array, Array, Array, Array]] = {}

    @classmethod
    def forward_work(cls, N: int, K_o: int, K_i: int, B: int) -> Work:
        """Return the work of R products, the transforms of c and x to R numbers, and those to y."""
        R = rank(B)
        transforms = (
            transform_work(R, B, K_i, K_o)
            + transform_work(R, B, K_i, N)
            + transform_work(B, R, K_o, N)
        )
        return Work(calls=4) + matrix_product(K_o, K_i, N, times=R) + transforms

    @classmethod
    def backward_work(cls, N: int, K_o: int, K_i: int, B: int) -> Work:
        """Return the work of 2 R products, and of the adjoints of the transforms."""
        R = rank(B)
        transforms = (
            transform_work(B, R, K_i, K_o)
            + transform_work(B, R, K_i, N)
            + transform_work(R, B, K_o, N)
        )
        return Work(calls=6) + matrix_product(K_o, K_i, N, times=2 * R) + transforms

    @classmethod
    def bytes_needed(cls, N: int, K_o: int, K_i: int, B: int, itemsize: int) -> int:
        """Return the bytes of the transforms of c and x, of their gradients, and of y."""
        matrices = 2 * rank(B) * B * (8 + 2 * itemsize)
        return matrices + itemsize * rank(B) * (2 * K_o * K_i + (2 * K_i + K_o) * N)

    def bind(self, c: Array, x: Array, allocate: Allocate = FRESH) -> BoundProduct:
        """Return the bound product, as in Product; x is (B, K_i, N)."""
        T, S, T_adjoint, S_adjoint = self._in_dtype(x.dtype)
        R, K_o, K_i, N, dtype = len(T), self.K_o, self.K_i, x.shape[2], x.dtype
        c_hat, x_hat = allocate.kept((R, K_i, K_o), c.dtype), allocate.kept((R, K_i, N), dtype)
        y, dx = allocate.kept((self.B, K_o, N), dtype), allocate.kept(x.shape, dtype)
        y_hat = dy_hat = allocate.scratch(TRANSFORMED, (R, K_o, N), dtype)
        dc_hat = allocate.scratch(TRANSFORMED_DC, (R, K_i, K_o), c.dtype)
        dx_hat = allocate.scratch(TRANSFORMED_DX, (R, K_i, N), dtype)
        transform_c = bind_transform(T, c.transpose(2, 1, 0), c_hat)
        transform_x = bind_transform(T, x, x_hat)
        transform_y = bind_transform(S, y_hat, y)
        transform_dx = bind_transform(T_adjoint, dx_hat, dx)
        transform_dy = OnArray(lambda dy: bind_transform(S_adjoint, dy, dy_hat))
        transform_dc = OnArray(lambda dc: bind_transform(T_adjoint, dc_hat, dc.transpose(2, 1, 0)))
        c_hat_T = c_hat.transpose(0, 2, 1)
        dy_hat_T = dy_hat.transpose(0, 2, 1)

        def of_x() -> None:
            transform_x()
            np.matmul(c_hat_T, x_hat, out=y_hat)
            transform_y()

        def pullback(dy: Array, dc: Array, wanted: bool = True) -> Array | None:
            transform_dy(dy)
            np.matmul(x_hat, dy_hat_T, out=dc_hat)
            transform_dc(dc)
            if not wanted:
                return None
            np.matmul(c_hat, dy_hat, out=dx_hat)
            transform_dx()
            return dx

        return BoundProduct(y, InTwoParts(transform_c, of_x), pullback)

    def _in_dtype(self, dtype: np.dtype) -> tuple[Array, Array, Array, Array]:
        """Return T, S and their transposes in the precision of ``dtype``, each contiguous."""
        real = np.finfo(dtype).dtype
        if real not in self._matrices:
            T, S = self.T.astype(real), self.S.astype(real)
            both = (T, S, T.T, S.T)
            self._matrices[real] = tuple(map(np.ascontiguousarray, both))  # type: ignore[assignment]
        return self._matrices[real]


def rank(B: int) -> int:
    """Return R, the number of multiplications in a circular convolution of length B."""
    r = n_real(B)
    return r + 3 * ((B - r) // 2)


def bilinear_algorithm(B: int) -> tuple[Array, Array]:
    """Return T (R, B) and S (B, R): c ⊛ x = S ((T c) ⊙ (T x)) for circular convolution.

    Frequency k of x is Σ_t x_t (cos θ_t - i sin θ_t), θ_t = 2π k t / B. With a, b the real and
    imaginary parts of a frequency of c, and u, v those of x, the products are a u, b v and
    (a + b)(u + v). The convolution has real part a u - b v; its imaginary part is the third
    product minus the other two.
    """
    t = np.arange(B)
    rows: list[Array] = [np.ones(B)]
    columns: list[Array] = [np.full(B, 1 / B)]
    if B % 2 == 0:
        sign = (-1.0) ** t
        rows.append(sign)
        columns.append(sign / B)
    for k in range(1, (B + 1) // 2):
        angle = 2 * np.pi * (k * t % B) / B
        cos, sin = np.cos(angle), np.sin(angle)
        rows += [cos, -sin, cos - sin]
        columns += [2 / B * (cos + sin), 2 / B * (sin - cos), -2 / B * sin]
    return np.array(rows), np.array(columns).T
