"""The planner and its counts: the least expected time, and the work that products really do."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdbench.engine.layers import CDLinear
from cdbench.engine.products import PRODUCTS, plan
from cdbench.engine.products.base import ROWS
from cdbench.engine.products.planner import expected_seconds
from cdbench.engine.products.work import SECONDS, Work, matrix_product
from cdbench.engine.products.workspace import Workspace

every_product = pytest.mark.parametrize("name", PRODUCTS)
every_dtype = pytest.mark.parametrize("dtype", SECONDS)
SAMPLES = st.sampled_from([1, 7, 64, 1000])
WIDTHS = st.lists(st.integers(1, 40), min_size=2, max_size=4)


# The choice


@every_dtype
@settings(deadline=None)
@given(N=SAMPLES, blocks=WIDTHS, B=st.integers(2, 70))
def test_planned_product_is_the_one_with_the_least_expected_time(dtype, N, blocks, B):
    widths = [B * K for K in blocks]
    seconds = {
        name: expected_seconds(product, N, widths, B, dtype) for name, product in PRODUCTS.items()
    }
    planned = plan(N, widths, B, dtype)
    assert seconds[planned] == min(seconds.values())
    assert plan(N, tuple(widths), B, dtype) == planned


@every_dtype
@settings(deadline=None)
@given(N=SAMPLES, widths=st.lists(st.integers(1, 4000), min_size=2, max_size=4))
def test_blocks_of_size_one_are_always_gathered(dtype, N, widths):
    assert plan(N, widths, 1, dtype) == "gather"


@every_dtype
@pytest.mark.parametrize("N", [1, 16, 64, 512])
@pytest.mark.parametrize("B", [2, 4, 8, 16])
def test_tiny_layers_are_gathered_and_wide_ones_never(dtype, N, B):
    assert plan(N, (16, 16), B, dtype) == "gather"
    assert plan(64, (64, 64, 64, -(-10 // B) * B), B, dtype) == "gather"  # the paper's network
    for n in (1024, 1600, 4096):
        assert plan(N, (n, n), B, dtype) != "gather"


@every_dtype
@every_product
@pytest.mark.parametrize("B", [2, 4, 20])
def test_more_of_anything_is_expected_to_take_longer(dtype, name, B):
    def seconds(N, *blocks):
        return expected_seconds(PRODUCTS[name], N, [B * K for K in blocks], B, dtype)

    assert 0 < seconds(8, 4, 4) < seconds(16, 4, 4)
    assert seconds(8, 4, 4) < seconds(8, 8, 4) < seconds(8, 8, 4, 4)
    assert seconds(8, 4, 4) < seconds(8, 4, 8)


# The counts


def test_work_adds_up_and_its_time_is_linear():
    one, two = Work(1, 2, 3, 4, 5), Work(10, 20, 30, 40, 50)
    assert one + two == Work(11, 22, 33, 44, 55)
    for dtype in SECONDS:
        assert two.seconds(dtype) == pytest.approx(10 * one.seconds(dtype))
        assert (one + two).seconds(dtype) == pytest.approx(one.seconds(dtype) + two.seconds(dtype))
    assert matrix_product(2, 3, 5, times=7) == Work(0, 7, 7 * 30, 7 * 31, 0)


class Counted:
    """np.matmul, with what its calls do: products of matrices, multiplications, numbers moved."""

    def __init__(self):
        self.matmul = np.matmul
        self.done = Work()

    def __call__(self, a, b, out):
        products, (m, k), n = math.prod(out.shape[:-2]), a.shape[-2:], b.shape[-1]
        moved = products * (m * k + k * n + m * n)
        self.done += Work(0, products, out.size * k, moved)
        return self.matmul(a, b, out=out)

    def of(self, call, *arguments):
        """What is counted during a call."""
        self.done = Work()
        call(*arguments)
        return self.done


class Sums:
    """np.add or np.subtract, with how many numbers its calls read and write."""

    moved = 0

    def __init__(self, of):
        self.of, self.reduce = of, of.reduce

    def __call__(self, a, b, out):
        Sums.moved += a.size + b.size + out.size
        return self.of(a, b, out=out)


class Indexed(np.ndarray):
    """An array, with how many numbers are taken from all of its kind by their index."""

    taken = 0

    def take(self, indices, *others):  # type: ignore[override]
        Indexed.taken += indices.size
        return super().take(indices, *others)


class OfIndexed(Workspace):
    """A workspace that lends such arrays."""

    def kept(self, shape, dtype):
        return super().kept(shape, dtype).view(Indexed)

    def scratch(self, slot, shape, dtype):
        return super().scratch(slot, shape, dtype).view(Indexed)


def in_memory(array, order):
    """The same array with its axes in this order in memory, slowest first."""
    return np.ascontiguousarray(array.transpose(order)).transpose(np.argsort(order))


@every_product
@pytest.mark.parametrize(
    "sizes",
    [
        (B, K_o, K_i, N)
        for B in (1, 2, 5, 8, 18, 25, 32, 64)
        for K_o, K_i, N in ((2, 3, 4), (8, 4, 70))
    ],
    ids=str,
)
@pytest.mark.parametrize("in_one_piece", [True, False])
def test_work_is_what_products_do(name, sizes, in_one_piece, monkeypatch):
    monkeypatch.setattr(np, "matmul", counted := Counted())
    B, K_o, K_i, N = sizes
    product, rng = PRODUCTS[name](K_o, K_i, B), np.random.default_rng(0)
    c = in_memory(rng.normal(size=(K_o, K_i, B)), CDLinear.memory_order["c"])
    shapes = [(N, K * B) if product.layout == ROWS else (B, K, N) for K in (K_i, K_o)]
    x, dy = (rng.normal(size=shape) for shape in shapes)
    if not in_one_piece:
        c = np.ascontiguousarray(c)
        x, dy = (in_memory(array, range(array.ndim)[::-1]) for array in (x, dy))
    _, run, pullback = product.bind(c, x, Workspace())
    forward = product.forward_work(N, K_o, K_i, B)
    backward = product.backward_work(N, K_o, K_i, B)
    for _ in range(2):
        for work, done in (
            (forward, counted.of(run)),
            (backward, counted.of(pullback, dy, np.empty_like(c))),
        ):
            assert done.products == work.products
            assert done.multiplications == work.multiplications
            # Besides these products, only fft adds; those sums are counted alike both ways.
            assert work.moved >= done.moved
            sums = work.moved - done.moved
            assert sums == pytest.approx(forward_sums(product, N), abs=1e-6)


def forward_sums(product, N):
    """How many numbers sums of arrays read and write in a forward pass of N samples."""
    c = np.ones((product.B, product.K_i, product.K_o)).T
    shape = (N, product.K_i * product.B) if product.layout == ROWS else (product.B, product.K_i, N)
    _, run, _ = product.bind(c, np.ones(shape))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("add", "subtract"):
            patch.setattr(np, name, Sums(getattr(np, name)))
        Sums.moved = 0
        run()
    return Sums.moved


@every_product
@pytest.mark.parametrize("sizes", [(1, 2, 3, 4), (4, 2, 3, 5), (18, 3, 1, 2)], ids=str)
def test_what_is_gathered_is_what_products_take_by_index(name, sizes):
    B, K_o, K_i, N = sizes
    product, c = PRODUCTS[name](K_o, K_i, B), np.ones((B, K_i, K_o)).view(Indexed).T
    shapes = [(N, K * B) if product.layout == ROWS else (B, K, N) for K in (K_i, K_o)]
    x, dy = (np.ones(shape).view(Indexed) for shape in shapes)
    _, run, pullback = product.bind(c, x, OfIndexed())
    for work, call in (
        (product.forward_work(N, K_o, K_i, B), run),
        (product.backward_work(N, K_o, K_i, B), lambda: pullback(dy, np.empty_like(c))),
    ):
        Indexed.taken = 0
        call()
        assert Indexed.taken == work.gathered


@every_product
def test_expected_time_is_that_of_the_work_of_all_layers(name):
    product, widths = PRODUCTS[name], (12, 8, 20)
    together = Work()
    for n_in, n_out in pairwise(widths):
        sizes = 16, n_out // 4, n_in // 4, 4
        together += product.forward_work(*sizes) + product.backward_work(*sizes)
    expected = expected_seconds(product, 16, widths, 4, "float64")
    arranging = expected - together.seconds("float64")
    assert (arranging > 1e-9) == (product.layout != ROWS)
    assert arranging >= -1e-12


MICROSECONDS: dict[str, dict[str, tuple[float, ...]]] = {
    "gather": {"float32": (40.072, 13.005, 26271), "float64": (62.973, 15.934, 56296)},
    "polygon": {"float32": (83.222, 15.188, 3311.9), "float64": (96.850, 15.099, 7059.9)},
    "fft": {"float32": (102.52, 62.306, 3055.6), "float64": (117.29, 61.446, 6054.0)},
}
"""Expected times of the sizes below. New ones choose other products: benchmarks/planner.py tells
whether these are faster."""


@every_dtype
@every_product
def test_expected_times_are_those_that_the_choice_was_last_compared_with(name, dtype):
    for (N, widths, B), expected in zip(
        ((64, (64, 64, 12), 4), (7, (72, 36), 18), (500, (1024, 1024), 32)),
        MICROSECONDS[name][dtype],
        strict=True,
    ):
        found = 1e6 * expected_seconds(PRODUCTS[name], N, widths, B, dtype)
        assert found == pytest.approx(expected, rel=1e-4)
