"""The nearest members of families: known answers, and that nothing in the family comes nearer."""

from itertools import pairwise

import numpy as np
import pytest

from cdbench.config import families
from cdbench.engine.layers.convolution import Convolution
from cdbench.engine.layers.nearest import alternating
from cdbench.engine.layers.nearest.targets import Target, semidefinite_solution
from cdbench.engine.layers.taps import Taps, bound_matrix
from cdbench.engine.products.base import FRESH
from cdbench.errors import NotDefinedError, ShapeError
from tests import layer_laws
from tests.cases import for_each

LINEAR = [
    ("cdlinear", {"B": 4}),
    ("cdlinear", {"B": 2}),
    ("dense", {}),
    ("block-diagonal", {"blocks": 4, "basis": "none"}),
    ("block-diagonal", {"blocks": 4, "basis": "dct"}),
    ("block-diagonal", {"blocks": 4, "basis": "random"}),
    ("circulant", {}),
    ("spectral", {"length": 4}),
    ("spectral", {"length": 4, "modes": 2}),
]
BY_SVD = [
    ("low-rank", {"rank": 3}),
    ("monarch", {"blocks": 4, "inner": 6}),
    ("monarch", {"blocks": 4, "inner": 3}),
    ("kronecker", {"terms": 3}),
]
ALTERNATING = [("toeplitz-like", {"rank": 2}), ("blast", {"blocks": 4, "rank": 2})]

WHOLE = [(16, 16), (24, 16), (16, 24)]
SIZES = [(whole, whole) for whole in WHOLE] + [
    ((16, 16), (15, 14)),
    ((12, 16), (9, 11)),
    ((16, 12), (16, 3)),
    ((16, 16), (2, 16)),
]
"""(n_out, n_in) of a layer, and of its part that acts."""


def layer_of(own, shape):
    return families.family(own[0]).build(shape[1], shape[0], own[1])


def moment_of(c, rng):
    """A second moment whose eigenvalues lie far apart."""
    x = rng.normal(size=(3 * c, c)) * np.linspace(0.2, 2, c) + 0.5
    return x.T @ x / len(x)


def cases(families_of, sizes=SIZES, weighted=(False, True)):
    """Yield a layer, a matrix and a moment or None, of every kind."""
    for own in families_of:
        for shape, acting in sizes:
            for is_weighted in weighted:
                rng = np.random.default_rng(5)
                moment = moment_of(acting[1], rng) if is_weighted else None
                yield layer_of(own, shape), rng.normal(size=acting), moment


def acting_part(layer, params, matrix):
    return layer.matrix(params)[: matrix.shape[0], : matrix.shape[1]]


def distance(layer, params, matrix, moment):
    rest = matrix - acting_part(layer, params, matrix)
    M = np.eye(matrix.shape[1]) if moment is None else moment
    return np.sqrt(np.sum((rest @ M) * rest))


def slopes(layer, params, matrix, moment):
    """The derivatives of half the squared distance in all weights, over what they are at zero."""
    whole = layer_laws.stored(layer, {**params, "bias": np.zeros(layer.n_out)})
    rest = matrix - acting_part(layer, whole, matrix)
    M = np.eye(matrix.shape[1]) if moment is None else moment
    found = []
    for own in (rest, matrix):
        bound, grads = bound_matrix(layer, whole, np.float64, FRESH), layer_laws.empty(layer)
        bound.form()
        bound.gradient[...] = 0
        bound.gradient[: matrix.shape[0], : matrix.shape[1]] = own @ M
        bound.pull(grads)
        found.append([np.linalg.norm(grads[name]) for name in params])
    return max(found[0]) / max(found[1])


def test_a_member_is_its_own_nearest():
    own_sizes = {"kronecker": SIZES[:3], "toeplitz-like": SIZES[:1]}
    for own in [*LINEAR, *BY_SVD, ALTERNATING[0]]:
        for layer, matrix, moment in cases([own], own_sizes.get(own[0], SIZES)):
            member = acting_part(layer, layer_laws.drawn(layer), matrix)
            found = layer.nearest(member, moment)
            assert {name: value.shape for name, value in found.items()} == layer.weight_shapes
            size = distance(layer, found, 0 * member, moment)
            assert distance(layer, found, member, moment) < 1e-12 * size, (own, matrix.shape)


def test_what_is_left_is_orthogonal_to_every_change_of_the_weights():
    for layer, matrix, moment in cases(LINEAR):
        found = layer.nearest(matrix, moment)
        if layer.family != "dense":
            assert slopes(layer, found, matrix, moment) < 1e-12, (layer.family, matrix.shape)
    for layer, matrix, moment in cases(BY_SVD, SIZES[:3], weighted=[False]):
        assert slopes(layer, layer.nearest(matrix, moment), matrix, moment) < 1e-12
    for layer, matrix, moment in cases([("low-rank", {"rank": 3})]):
        assert slopes(layer, layer.nearest(matrix, moment), matrix, moment) < 1e-11


def test_no_other_member_that_is_tried_comes_nearer():
    rng = np.random.default_rng(0)
    for layer, matrix, moment in cases([*LINEAR, *BY_SVD]):
        found = layer.nearest(matrix, moment)
        least = distance(layer, found, matrix, moment)
        # Where they alternate they stop short of the minimum by what the last sweep gained.
        exact = layer.family not in {"monarch", "kronecker"}
        bound = least * (1 - (1e-12 if exact else 1e-3))
        others = [layer_laws.drawn(layer, seed) for seed in range(5)]
        others += [
            {name: value + step * rng.normal(size=value.shape) for name, value in found.items()}
            for step in 5 * (1e-3, 1e-2, 0.1)
        ]
        assert all(distance(layer, own, matrix, moment) >= bound for own in others), layer.family


def test_circulant_blocks_take_the_means_of_the_diagonals_that_act():
    rng = np.random.default_rng(1)
    matrix, B = rng.normal(size=(7, 9)), 4
    c = layer_of(("cdlinear", {"B": B}), (8, 12)).nearest(matrix)["c"]
    for i, j, m in np.ndindex(c.shape):
        places = [(i * B + k, j * B + (k - m) % B) for k in range(B)]
        acting = [matrix[place] for place in places if place[0] < 7 and place[1] < 9]
        np.testing.assert_allclose(c[i, j, m], np.mean(acting) if acting else 0, atol=1e-15)


def test_low_rank_loses_the_singular_values_that_it_leaves_out():
    """Eckart and Young (1936), for the matrix and for the matrix times a root of the moment."""
    rng = np.random.default_rng(2)
    matrix, moment = rng.normal(size=(16, 24)), moment_of(24, rng)
    root = np.linalg.cholesky(moment)
    layer = layer_of(("low-rank", {"rank": 5}), matrix.shape)
    for own, M in ((matrix, None), (matrix @ root, moment)):
        left_out = np.linalg.svd(own, compute_uv=False)[5:]
        got = distance(layer, layer.nearest(matrix, M), matrix, M)
        np.testing.assert_allclose(got, np.linalg.norm(left_out), rtol=1e-12)


def test_factors_share_the_size_of_their_product():
    rng = np.random.default_rng(2)
    found = layer_of(("low-rank", {"rank": 3}), (16, 24)).nearest(100 * rng.normal(size=(16, 24)))
    np.testing.assert_allclose(
        np.linalg.norm(found["U"], axis=0), np.linalg.norm(found["V"], axis=1), rtol=1e-12
    )


def test_monarch_loses_what_each_block_loses():
    """Entries from block k to block l number ⌊q / b⌋ or one more: the rank that block keeps."""
    rng, b = np.random.default_rng(3), 4
    for q in (1, 3, 4, 6, 9):
        layer = layer_of(("monarch", {"blocks": b, "inner": q}), (24, 16))
        matrix = rng.normal(size=(24, 16))
        left_out = 0.0
        for row in range(b):
            for k in range(b):
                rank = sum(j % b == row for j in range(k * q, (k + 1) * q))
                block = matrix[row::b, k * 4 : (k + 1) * 4]
                left_out += np.sum(np.linalg.svd(block, compute_uv=False)[rank:] ** 2)
        got = distance(layer, layer.nearest(matrix), matrix, None)
        np.testing.assert_allclose(got, np.sqrt(left_out), rtol=1e-9, atol=1e-12)


def test_a_kronecker_product_is_found_among_others():
    rng = np.random.default_rng(4)
    A, B = rng.normal(size=(4, 4)), rng.normal(size=(4, 6))
    found = layer_of(("kronecker", {"terms": 1}), (16, 24)).nearest(np.kron(A, B))
    np.testing.assert_allclose(np.kron(found["A"][0], found["B"][0]), np.kron(A, B), atol=1e-12)


def test_inputs_that_are_alike_weigh_alike():
    for layer, matrix, _ in cases([*LINEAR, ("low-rank", {"rank": 3})], weighted=[False]):
        plain = layer.matrix(layer.nearest(matrix))
        weighted = layer.matrix(layer.nearest(matrix, 7.0 * np.eye(matrix.shape[1])))
        np.testing.assert_allclose(weighted, plain, atol=1e-12, err_msg=layer.family)


def test_weights_that_only_inputs_without_a_moment_reach_stay_those_without_one():
    rng = np.random.default_rng(6)
    moment = moment_of(16, rng)
    moment[:8] = moment[:, :8] = 0  # of the first two blocks
    layer, matrix = layer_of(("cdlinear", {"B": 4}), (16, 16)), rng.normal(size=(16, 16))
    got, plain = layer.nearest(matrix, moment)["c"], layer.nearest(matrix)["c"]
    np.testing.assert_allclose(got[:, :2], plain[:, :2], atol=1e-12)
    assert np.abs(got - plain).max() > 0.01


def test_alternating_never_leaves_farther_than_it_began(monkeypatch):
    for layer, matrix, moment in cases([*ALTERNATING, *BY_SVD[1:]], SIZES[1:4]):
        left = []
        for sweeps in (0, 1, 5):
            monkeypatch.setattr(alternating, "SWEEPS", sweeps)
            left.append(distance(layer, layer.nearest(matrix, moment), matrix, moment))
        assert all(after <= before * (1 + 1e-12) for before, after in pairwise(left)), left
        if moment is not None:
            assert left[-1] < 0.99 * left[0]


def test_a_moment_is_better_served_by_what_is_nearest_under_it():
    for layer, matrix, moment in cases([*ALTERNATING, *BY_SVD, *LINEAR], SIZES[:2], [True]):
        if layer.family != "dense":
            plain = distance(layer, layer.nearest(matrix), matrix, moment)
            assert distance(layer, layer.nearest(matrix, moment), matrix, moment) < plain


def test_convolutions_take_their_kernels_nearest():
    rng = np.random.default_rng(7)
    kernel = rng.normal(size=(8, 36))
    taps = Taps(layer_of(("low-rank", {"rank": 2}), (8, 4)), 9)
    layer = Convolution(taps, (5, 5), 3)
    found = layer.matrix({**layer.nearest(kernel), "bias": np.zeros(8)})
    for part, own in zip(np.hsplit(found, 9), np.hsplit(kernel, 9), strict=True):
        tail = np.linalg.svd(own, compute_uv=False)[2:]
        np.testing.assert_allclose(np.linalg.norm(part - own), np.linalg.norm(tail), rtol=1e-12)
    with pytest.raises(NotDefinedError) as caught:
        layer.nearest(kernel, np.eye(36))
    assert str(caught.value) == (
        "a nearest kernel with a moment, or of some taps, is not defined for low-rank layers"
    )


@for_each("family", ["acdc", "ldr-sd"])
def test_families_whose_nearest_nobody_finds_say_so(family):
    layer = families.family(family).build(8, 8, families.structure_of(family, None))
    with pytest.raises(NotDefinedError) as caught:
        layer.nearest(np.eye(8))
    assert str(caught.value) == f"the nearest member is not defined for {family} layers"


def test_what_does_not_fit_is_refused_in_a_line():
    layer = layer_of(("cdlinear", {"B": 4}), (8, 12))
    good, moment = np.ones((8, 12)), np.eye(12)
    bad = np.where(np.eye(8, 12), np.nan, 1.0)
    for matrix, own, message in (
        (np.ones((9, 12)), None, "a matrix of shape (9, 12), expected at most (8, 12)"),
        (np.ones(12), None, "a matrix of shape (12,), expected at most (8, 12)"),
        (np.ones((0, 12)), None, "a matrix of shape (0, 12), expected at most (8, 12)"),
        (bad, None, "a matrix with nan or inf, expected finite entries"),
        (
            good,
            np.eye(8),
            "a moment of shape (8, 8) for 12 inputs, expected (12, 12) and finite entries, "
            "as x.T @ x / len(x) gives",
        ),
        (
            good,
            np.full((12, 12), np.inf),
            "a moment of shape (12, 12) for 12 inputs, expected (12, 12) and finite entries, "
            "as x.T @ x / len(x) gives",
        ),
        (good, 0 * moment, "a moment whose diagonal adds up to 0, expected more than 0"),
    ):
        with pytest.raises(ShapeError) as caught:
            layer.nearest(matrix, own)
        assert str(caught.value) == f"CDLinear got {message}"


def test_singular_equations_have_their_shortest_solution():
    rng = np.random.default_rng(8)
    J = rng.normal(size=(3, 6))
    A, b = J.T @ J, J.T @ rng.normal(size=(3, 2))
    expected = np.linalg.lstsq(A, b, rcond=1e-12)[0]
    np.testing.assert_allclose(semidefinite_solution(A, b), expected, atol=1e-10)
    assert not semidefinite_solution(0 * A, b).any()


def test_a_target_without_a_moment_weighs_nothing():
    rest = np.arange(6.0).reshape(2, 3)
    assert Target(rest, None).weighted(rest) is rest
