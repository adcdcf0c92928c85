"""Layer Hessians: against brute force, and the theorems that hold of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdbench.diagnostics.spectra import (
    DATA_KINDS,
    KINDS,
    LayerState,
    Numbers,
    condition,
    measure_spectra,
)
from cdbench.engine.layers import CDLinear, Dense
from cdbench.engine.layers.hessian import gauss_newton_values, independent_parts
from cdbench.engine.layers.input_spectrum import both_halves
from cdbench.engine.layers.low_rank import LowRank
from cdbench.engine.layers.spectral import Spectral
from cdbench.engine.layers.weight_layer import WeightLayer
from cdbench.engine.network import Network

EPS = float(np.finfo(np.float64).eps)


def state_of(layer, inputs, seed=0):
    rng = np.random.default_rng(seed)
    params = {name: rng.normal(size=shape) for name, shape in layer.parameter_shapes().items()}
    return LayerState(layer, params, (layer.n_out, layer.n_in), inputs, EPS)


def brute_force(layer, inputs):
    """JᵀJ / N of all outputs by all weights, column by column from unit weights."""
    ((name, shape),) = ((n, s) for n, s in layer.parameter_shapes().items() if n != "bias")
    columns = []
    for index in np.ndindex(shape):
        unit = np.zeros(shape)
        unit[index] = 1.0
        columns.append((inputs @ layer.matrix({name: unit}).T).ravel())
    J = np.stack(columns, axis=1)
    return J.T @ J / len(inputs)


def all_values(numbers):
    return np.sort(np.repeat(numbers.values, numbers.multiplicity))[::-1]


@pytest.mark.parametrize("B", [None, 1, 2, 3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("N", [1, 3, 40])
def test_layer_hessian_is_the_spectrum_of_brute_force(B, N):
    layer = Dense(5, 4) if B is None else CDLinear(2 * B, 3 * B, B)
    inputs = np.random.default_rng(1).normal(size=(N, layer.n_in)) + 0.5
    numbers = KINDS["layer_hessian"](state_of(layer, inputs))
    expected = np.linalg.eigvalsh(brute_force(layer, inputs))[::-1]
    scale = expected[0]
    np.testing.assert_allclose(all_values(numbers), expected, rtol=1e-10, atol=1e-13 * scale)
    found = condition(numbers)
    assert found.size == expected.size
    assert found.rank == np.linalg.matrix_rank(brute_force(layer, inputs), rtol=1e-12)


@settings(deadline=None, max_examples=60)
@given(
    B=st.integers(1, 9),
    K=st.integers(1, 4),
    N=st.integers(1, 60),
    spread=st.floats(0, 3),
    seed=st.integers(0, 10_000),
)
def test_cdlinear_is_never_worse_conditioned_than_dense(B, K, N, spread, seed):
    """Cauchy interlacing: in weight space its Hessian is a compression of the dense one."""
    n = K * B
    rng = np.random.default_rng(seed)
    scales = 10 ** rng.uniform(-spread, spread, n)
    inputs = rng.normal(size=(N, n)) * scales + rng.normal(size=n)
    blocks = condition(KINDS["layer_hessian"](state_of(CDLinear(n, n, B), inputs)))
    dense = condition(KINDS["layer_hessian"](state_of(Dense(n, n), inputs)))
    assert blocks.kappa <= dense.kappa * (1 + 1e-9)
    # In the coordinates √B · c its extremes lie between the dense ones.
    assert blocks.largest / B <= dense.largest * (1 + 1e-9)
    assert blocks.smallest / B >= dense.smallest * (1 - 1e-9) - 1e-12 * dense.largest


@settings(deadline=None, max_examples=60)
@given(B=st.integers(1, 8), K=st.integers(1, 4), N=st.integers(1, 40), seed=st.integers(0, 999))
def test_theorem_1_is_the_diagonal_and_so_looks_better_conditioned(B, K, N, seed):
    inputs = np.random.default_rng(seed).normal(size=(N, K * B)) + 1
    state = state_of(CDLinear(K * B, B, B), inputs)
    diagonal, exact = (condition(KINDS[kind](state)) for kind in DATA_KINDS)
    assert diagonal.kappa <= exact.kappa * (1 + 1e-9)
    total = np.sum(KINDS["theorem1"](state).values)
    assert np.sum(KINDS["layer_hessian"](state).values) == pytest.approx(total, rel=1e-10)


@pytest.mark.parametrize("B", [1, 2, 4, 8, 16])
def test_whitened_inputs_have_kappa_one_for_every_family(B):
    X = np.random.default_rng(0).normal(size=(200, 16))
    white = np.linalg.qr(X)[0] * np.sqrt(200)
    for layer in (CDLinear(16, 16, B), Dense(16, 16)):
        found = condition(KINDS["layer_hessian"](state_of(layer, white)))
        assert found.kappa == pytest.approx(1, abs=1e-10)


@pytest.mark.parametrize("B", [2, 4, 8])
def test_weight_of_a_whole_cdlinear_layer_is_that_of_its_matrix(B):
    for K_o, K_i in ((2, 3), (3, 2), (4, 4)):
        state = state_of(CDLinear(K_i * B, K_o * B, B), np.ones((1, K_i * B)), seed=B)
        assert state.acts_whole
        found = np.sort(KINDS["weight"](state).values)
        expected = np.sort(np.linalg.svd(state.matrix(), compute_uv=False)) ** 2
        np.testing.assert_allclose(found, expected, rtol=1e-9)


@settings(deadline=None)
@given(B=st.integers(1, 12), seed=st.integers(0, 99))
def test_both_halves_are_the_whole_transform(B, seed):
    x = np.random.default_rng(seed).normal(size=(3, B))
    whole = np.sort(np.abs(np.fft.fft(x)), axis=1)
    halves = np.sort(both_halves(np.abs(np.fft.rfft(x)), B), axis=1)
    np.testing.assert_allclose(halves, whole, atol=1e-12)


def test_flatness_of_known_spectra():
    assert condition(Numbers(np.full(5, 3.0), 0.0)).flatness == pytest.approx(1)
    assert condition(Numbers(np.array([1.0, 4.0]), 0.0)).flatness == pytest.approx(2 / 2.5)
    assert condition(Numbers(np.array([1.0, 0.0]), 0.0)).flatness == 0
    # Two flat groups of different height are flat each, not together.
    values = np.array([1.0, 1.0, 9.0, 9.0])
    assert condition(Numbers(values, 0.0, n_groups=2)).flatness == pytest.approx(1)
    assert condition(Numbers(values, 0.0)).flatness == pytest.approx(3 / 5)


def test_measurement_says_what_data_it_is_of_and_keeps_values_only_where_asked():
    network = Network([Dense(3, 2)])
    flat = np.random.default_rng(0).normal(size=network.n_parameters)
    X = np.random.default_rng(1).normal(size=(9, 3))
    kept = measure_spectra(network, flat, X, 2, sample="test")
    lean = measure_spectra(network, flat, X, 2, sample="test", values=False)
    assert {s.kind: s.sample for s in kept} == {
        kind: "test" if kind in DATA_KINDS else None for kind in KINDS
    }
    assert [s.condition for s in lean] == [s.condition for s in kept]
    assert all(s.values for s in kept)
    assert not any(s.values for s in lean)


def test_weights_that_move_no_output_in_common_have_their_own_values():
    """Outputs 0 and 2, which weight 1 joins, and output 1; output 3 and weight 5 are idle."""
    J = np.random.default_rng(0).normal(size=(6, 3, 4))
    moved = [[0], [0, 2], [2], [1], [1], []]
    for row, outputs in zip(J, moved, strict=True):
        row[:, [output for output in range(4) if output not in outputs]] = 0
    x = np.random.default_rng(1).normal(size=(9, 3))
    y = np.matmul(x, J).reshape(6, -1)
    found = np.sort(gauss_newton_values(J, x))
    np.testing.assert_allclose(found, np.linalg.eigvalsh(y @ y.T / 9), atol=1e-13)
    parts = [(list(w), list(o)) for w, o in independent_parts(J)]
    assert parts == [([0, 1, 2], [0, 2]), ([3, 4], [1])]


OF_THEIR_OWN = (
    *(LowRank(9, 7, 3), LowRank(4, 9, 4)),
    *(Spectral(12, 8, None, 4), Spectral(15, 10, 2, 5), Spectral(14, 7, None, 7)),
)


@pytest.mark.parametrize("layer", OF_THEIR_OWN)
@pytest.mark.parametrize("N", [2, 40])
def test_a_familys_own_values_are_those_of_its_jacobian(layer, N):
    state = state_of(layer, np.random.default_rng(2).normal(size=(N, layer.n_in)) + 0.5)
    expected = np.sort(WeightLayer.hessian_spectrum(layer, state.params, state.inputs).values)
    own = all_values(KINDS["layer_hessian"](state))[::-1]
    np.testing.assert_allclose(np.sqrt(own), np.sqrt(expected), atol=1e-12 * own[-1] ** 0.5)
