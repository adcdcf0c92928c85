"""Lanczos on matrices whose spectra are known: ends, trace, moments, density."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse.linalg import LinearOperator, aslinearoperator
from threadpoolctl import threadpool_limits

from cdbench.config.run_config import RunConfig
from cdbench.diagnostics.curvature import measure_curvature
from cdbench.diagnostics.curvature.lanczos import (
    LONG_STEPS,
    PROBE_STEPS,
    PROBES,
    _vanishes,
    lanczos,
    lanczos_spectrum,
)
from cdbench.engine.building import build_network
from tests.cases import for_each


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """As in ``execute``; small products are slower with more."""
    with threadpool_limits(1, "blas"):
        yield


def rotated(eigenvalues, seed=3):
    """A dense symmetric matrix with these eigenvalues."""
    n = len(eigenvalues)
    Q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))
    return (Q * eigenvalues) @ Q.T


def nothing(n):
    return np.zeros((0, n))


BULK = np.random.default_rng(0).normal(0.0, 0.02, 490)
SPECTRUM = np.concatenate([BULK, [-0.5, 1, 2, 3, 4, 5, 6, 7, 8, 10]])


def test_lanczos_runs_give_ritz_pairs_and_a_gauss_quadrature():
    A = rotated(SPECTRUM)
    start, m = np.random.default_rng(6).normal(size=500), 7
    run = lanczos(aslinearoperator(A), start, m, nothing(500))
    np.testing.assert_allclose(run.vectors @ run.vectors.T, np.eye(m), rtol=0, atol=1e-14)
    residuals = np.linalg.norm(run.vectors @ A - run.values[:, None] * run.vectors, axis=1)
    np.testing.assert_allclose(run.residuals, residuals, rtol=1e-9, atol=1e-13)
    q = start / np.linalg.norm(start)
    for degree in range(2 * m):
        exact = q @ np.linalg.matrix_power(A, degree) @ q
        np.testing.assert_allclose(run.weights @ run.values**degree, exact, rtol=1e-10)


def test_lanczos_keeps_away_from_known_eigenvectors():
    values = np.arange(1.0, 31)
    known = np.eye(30)[-2:]
    start = np.concatenate([np.ones(28), [0, 0]])
    run = lanczos(aslinearoperator(np.diag(values)), start, 100, known)
    np.testing.assert_allclose(run.values, values[:-2], rtol=1e-12)
    assert np.abs(run.vectors @ known.T).max() <= 1e-15


@pytest.mark.parametrize("seed", range(3))
def test_spectrum_of_a_known_matrix_is_recovered(seed):
    found = lanczos_spectrum(aslinearoperator(rotated(SPECTRUM)), seed, nothing(500))
    assert found.weights.sum() == pytest.approx(1, abs=1e-12)
    assert found.weights.min() >= 0
    assert (found.largest, found.smallest) == pytest.approx((10, -0.5), abs=1e-9)
    assert abs(found.total(found.nodes) - SPECTRUM.sum()) <= 4 * found.trace_error
    # The outliers are taken out of the probes' variance, and some of the bulk with them.
    of_bulk = np.sqrt(2 * np.sum(BULK**2) / PROBES)
    assert 0.8 * of_bulk < found.trace_error < of_bulk
    for power in (2, 3):
        assert found.total(found.nodes**power) == pytest.approx(np.sum(SPECTRUM**power), rel=1e-3)
    assert found.total(np.abs(found.nodes)) == pytest.approx(np.abs(SPECTRUM).sum(), rel=0.05)
    assert found.total(np.abs(found.nodes) > 0.1) == pytest.approx(10)


@pytest.mark.parametrize(
    "eigenvalues",
    [
        pytest.param(np.arange(1.0, 31), id="distinct"),
        pytest.param(np.repeat([-1.0, 0.0, 2.0], 10), id="repeated"),
        pytest.param(np.ones(30), id="identity"),
        pytest.param(np.zeros(30), id="zero"),
    ],
)
def test_spectrum_of_a_small_matrix_is_recovered_whole(eigenvalues):
    found = lanczos_spectrum(aslinearoperator(rotated(eigenvalues)), 0, nothing(30))
    for value in set(eigenvalues):
        share = found.weights[np.abs(found.nodes - value) <= 1e-10].sum()
        # Of a repeated eigenvalue all but one belong to the probes, which see it in proportion.
        assert share == pytest.approx(np.mean(eigenvalues == value), abs=0.15)
    assert found.weights.sum() == pytest.approx(1)
    assert found.largest == pytest.approx(eigenvalues.max(), abs=1e-12)
    assert found.smallest == pytest.approx(eigenvalues.min(), abs=1e-12)


def test_equal_eigenvalues_leave_the_trace_no_error():
    A = rotated(np.append(np.full(29, 5.0), 9.0))
    assert lanczos_spectrum(aslinearoperator(A), 0, nothing(30)).trace_error <= 1e-5


def test_ends_are_those_of_the_long_run_where_it_resolves_nothing():
    values = np.linspace(-1, 1, 1000)
    found = lanczos_spectrum(aslinearoperator(np.diag(values)), 0, nothing(1000))
    assert len(found.nodes) == PROBES * PROBE_STEPS
    assert -1 <= found.smallest < -0.998 < found.nodes.min()
    assert 1 >= found.largest > 0.998 > found.nodes.max()


@pytest.mark.parametrize("seed", range(4))
def test_random_vectors_are_drawn_anew_where_nothing_is_left_of_them(seed):
    A = np.array([[1.0, -1.0], [-1.0, 1.0]])
    null = np.array([[1.0, 1.0]]) / np.sqrt(2)  # as is every second Rademacher vector
    found = lanczos_spectrum(aslinearoperator(A), seed, null)
    np.testing.assert_allclose(found.nodes, [0, 2], atol=1e-15)


def test_supposed_null_vectors_are_used_only_if_they_are():
    values = np.geomspace(1e-9, 1.0, 200)
    values[0] = 0.0
    A = aslinearoperator(np.diag(values))
    used, refused = (lanczos_spectrum(A, 0, np.eye(200)[[i]]) for i in (0, 1))
    assert used.smallest == 0.0
    assert used.nodes[0] == 0.0
    assert refused.smallest > 0.0
    assert 0.0 not in refused.nodes


def test_probes_are_as_many_and_as_long_as_they_are_named():
    values, calls = np.linspace(0, 1, 400), []

    def product(v):
        calls.append(v)
        return values * v

    lanczos_spectrum(LinearOperator((400, 400), matvec=product, dtype=float), 0, nothing(400))
    assert len(calls) == 1 + LONG_STEPS + PROBES * PROBE_STEPS


def test_damped_kappa_is_finite_and_kappa_a_ratio_where_all_is_positive():
    found = lanczos_spectrum(aslinearoperator(np.diag(np.linspace(1.0, 4.0, 50))), 0, nothing(50))
    labels = dict.fromkeys(("matrix", "coordinates", "sample", "method"), "")
    row = found.curvature(epoch=0, n_samples=1, **labels)
    assert row.kappa == pytest.approx(4)
    assert row.damped_kappa == pytest.approx(4.001 / 1.001)
    assert row.kappa_nonnull is None
    slightly_negative = replace(found, smallest=-0.5e-3).curvature(epoch=0, n_samples=1, **labels)
    assert slightly_negative.damped_kappa == pytest.approx(4.001 / 0.5e-3)
    assert slightly_negative.kappa == np.inf


@for_each("rank", [0, 1, 2, 5])
@pytest.mark.parametrize("n", [4, 30, 34, 120, 300])
@for_each("sign", [1, -1])
@for_each("form", ["dense", "factored"])
@for_each("seed", range(2))
def test_matrix_of_low_rank_has_no_eigenvalues_but_its_own(rank, n, sign, form, seed):
    own = sign * np.array([3.0, 2.0, 1.0, 0.1, 1e-5])[: min(rank, n)]
    V = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, len(own))))[0]
    A = aslinearoperator((V * own) @ V.T)
    if form == "factored":  # as a network's: what it rounds lies in the eigenvectors' span
        A = LinearOperator((n, n), matvec=lambda v: V @ (own * (V.T @ v)), dtype=float)
    found = lanczos_spectrum(A, seed, nothing(n))
    expected = np.concatenate([own, [0.0] * (len(own) < n)])
    assert found.largest == pytest.approx(expected.max(), abs=1e-12)
    assert found.smallest == pytest.approx(expected.min(), abs=1e-12)
    # Semidefinite, so that no Ritz value is beyond the ends or, in magnitude, above the trace.
    assert np.all(sign * found.nodes >= -3e-12)
    assert np.all(sign * found.nodes <= abs(found.total(found.nodes)) * (1 + 1e-10))
    assert found.total(found.nodes) == pytest.approx(own.sum(), abs=1e-10)
    assert found.weights.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("hidden", [(4,), (8, 8)])
@pytest.mark.parametrize(
    "case", ["zeros", "one sample", "two samples", "same samples", "constant feature"]
)
@pytest.mark.parametrize("B", [None, 2])
def test_degenerate_data_give_lanczos_the_exact_spectrum(case, hidden, B):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 5)), rng.integers(3, size=40)
    if case == "zeros":
        X *= 0
    elif case == "constant feature":
        X[:, 1] = 2.0
    elif case == "same samples":
        X[:] = X[0]
    else:
        n = 1 if case == "one sample" else 2
        X, y = X[:n], y[:n]
    config = RunConfig(dataset="iris", B=B or 1, hidden=hidden)
    network = build_network(config if B else config.baseline(), 5, 3)
    parameters = network.initial_parameters(rng)
    at = (network, parameters, X, y)
    exact, estimate = (
        measure_curvature(*at, sample="train", epoch=0, method=method)
        for method in ("exact", "lanczos")
    )
    for a, b in zip(exact, estimate, strict=True):
        tolerance = 1e-6 * max(abs(a.largest), abs(a.smallest))
        assert b.largest == pytest.approx(a.largest, abs=tolerance)
        assert b.smallest == pytest.approx(a.smallest, abs=tolerance)
        assert abs(b.trace - a.trace) <= 5 * b.trace_error + tolerance
        assert b.effective_rank >= 1
        if b.matrix == "gauss_newton":
            assert b.largest <= b.trace + 5 * b.trace_error + tolerance
            assert b.smallest >= -1e-10 * b.largest


@pytest.mark.parametrize(("times_the_level", "vanishes"), [(0.5, True), (5.0, False)])
def test_a_vector_is_null_up_to_the_rounding_of_a_typical_product(
    times_the_level: float, vanishes: bool
) -> None:
    P = 60
    diagonal = np.ones(P)
    diagonal[0] = times_the_level * P * np.finfo(np.float64).eps
    null = np.eye(P)[:1]
    operator = aslinearoperator(np.diag(diagonal))
    assert _vanishes(operator, null, np.random.default_rng(0)) == vanishes
