"""The real DFT in one stage or two: orthonormal, the frequencies of numpy, its adjoint."""

import numpy as np
import pytest

from cdbench.engine.products.base import FRESH
from cdbench.engine.products.real_dft import RealDFT, n_real, orthonormal_matrix, stage_lengths
from cdbench.engine.products.workspace import Workspace
from tests.cases import for_each

LENGTHS = [*range(1, 65), 72, 96, 97, 100, 105, 121, 128, 210, 256]
every_length = for_each("B", LENGTHS)
# One stage, two of an odd length, two of even and odd lengths, and a prime.
some_lengths = for_each("B", [1, 2, 7, 16, 18, 20, 24, 25, 29, 32, 33])
either = for_each("orthonormal", [True, False])


def applied(bind, x, out=None, allocate=FRESH):
    """What a bound transform writes."""
    out = np.full(x.shape, np.nan, x.dtype) if out is None else out
    bind(x, out, allocate)()
    return out


def matrix(dft):
    """The transform as a (B, B) matrix."""
    return applied(dft.bind, np.eye(dft.B)[:, :, None])[:, :, 0]


def draw(B, K=3, N=5):
    return np.random.default_rng(B).normal(size=(B, K, N))


@every_length
def test_matrix_is_orthonormal(B):
    M = matrix(RealDFT(B, orthonormal=True))
    np.testing.assert_allclose(M @ M.T, np.eye(B), rtol=0, atol=2e-15 * np.sqrt(B))


@every_length
def test_rows_are_the_frequencies_of_the_dft_each_of_them_once(B):
    M, r = matrix(RealDFT(B, orthonormal=False)), n_real(B)
    expected = np.fft.rfft(np.eye(B), axis=0)
    assert r == 2 - B % 2
    np.testing.assert_allclose(M[0], expected[0].real, rtol=0, atol=1e-12)
    if r == 2:
        np.testing.assert_allclose(M[1], expected[B // 2].real, rtol=0, atol=1e-12)
    found = M[r::2] + 1j * M[r + 1 :: 2]
    # A frequency above B / 2 is the conjugate of one below.
    nearest = [
        np.abs(np.stack([row - expected, row.conj() - expected])).max(axis=2).min(axis=0)
        for row in found
    ]
    assert all(distances.min() < 1e-12 * B for distances in nearest)
    assert sorted(int(d.argmin()) for d in nearest) == list(range(1, (B + 1) // 2))


@every_length
def test_orthonormal_rows_are_the_others_divided_by_their_norm(B):
    plain = matrix(RealDFT(B, orthonormal=False))
    norms = np.full((B, 1), np.sqrt(B / 2))
    norms[: n_real(B)] = np.sqrt(B)
    np.testing.assert_allclose(
        matrix(RealDFT(B, orthonormal=True)), plain / norms, rtol=0, atol=1e-14
    )


@for_each("B", range(1, 17))
def test_one_stage_is_the_matrix_itself(B):
    np.testing.assert_array_equal(matrix(RealDFT(B, orthonormal=True)), orthonormal_matrix(B))


@some_lengths
@either
@for_each("dtype", ["float64", "float32", "complex128"])
def test_transform_and_adjoint_act_as_the_matrix_and_its_transpose(B, orthonormal, dtype):
    dft = RealDFT(B, orthonormal=orthonormal)
    M, x = matrix(dft), draw(B).astype(dtype)
    if dtype == "complex128":
        x = x + 1j * draw(B + 1)[:B]
    eps = np.finfo(dtype).eps
    for way, acting in ((dft.bind, M), (dft.bind_adjoint, M.T)):
        out = applied(way, x)
        expected = np.einsum("fb,bkn->fkn", acting, x.astype(np.result_type(dtype, float)))
        tolerance = 4 * eps * np.abs(expected).max() * np.sqrt(B)
        np.testing.assert_allclose(out, expected, rtol=0, atol=tolerance)


@some_lengths
@either
def test_arrays_need_not_lie_in_one_piece(B, orthonormal):
    dft, x = RealDFT(B, orthonormal=orthonormal), draw(B)
    for way in (dft.bind, dft.bind_adjoint):
        expected = applied(way, x)
        rows = np.ascontiguousarray(x.transpose(2, 1, 0)).transpose(2, 1, 0)
        outs = {
            "transposed": np.full(x.shape[::-1], np.nan).transpose(2, 1, 0),
            "blocks first": np.moveaxis(np.full((3, 5, B), np.nan), -1, 0),
            "every other": np.full((2 * B, 3, 5), np.nan)[::2],
        }
        for name, out in outs.items():
            applied(way, rows, out)
            np.testing.assert_allclose(out, expected, rtol=0, atol=1e-13, err_msg=name)


@some_lengths
def test_workspace_gives_what_new_arrays_give(B):
    dft, workspace = RealDFT(B, orthonormal=True), Workspace()
    for x in (draw(B), draw(B, 2, 4), draw(B) + 1):
        for way in (dft.bind, dft.bind_adjoint):
            workspace.restart()
            lent = applied(way, x, allocate=workspace)
            np.testing.assert_array_equal(lent, applied(way, x))


@some_lengths
@for_each("in_pieces", [False, True])
def test_bound_transform_reads_and_writes_its_arrays_whenever_it_is_called(B, in_pieces):
    dft = RealDFT(B, orthonormal=True)
    step = 1 + in_pieces
    x, out = np.empty((step * B, 3, 5))[::step], np.empty((step * B, 3, 5))[::step]
    for way in (dft.bind, dft.bind_adjoint):
        call = way(x, out, FRESH)
        for factor in (1.0, -2.0):
            x[...], out[...] = factor * draw(B), np.nan
            call()
            np.testing.assert_array_equal(out, applied(way, factor * draw(B)))


@every_length
def test_stages_multiply_to_the_length_and_are_the_cheapest_ones(B):
    first, second = stage_lengths(B)
    assert first * second == B
    assert second % 2 == B % 2  # both real frequencies in one group
    allowed = [f for f in range(2, B) if B % f == 0 and (B // f) % 2 == B % 2]
    costs = [f + 2 * (B // f) for f in allowed]
    if first == 1:
        assert B <= 16 or not costs or min(costs) >= 0.75 * B
    else:
        assert B > 16
        assert first + 2 * second == min(costs) < 0.75 * B


@pytest.mark.parametrize(
    ("B", "stages"), [(16, (1, 16)), (17, (1, 17)), (18, (9, 2)), (25, (5, 5)), (32, (8, 4))]
)
def test_stages_of_some_lengths(B, stages):
    assert stage_lengths(B) == stages
