"""Known spectra, and the laws that tie the kinds to the layers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import block_diag, circulant

from cdbench.config.run_config import RunConfig
from cdbench.diagnostics.spectra import KINDS, LayerState, Numbers, condition, measure_spectra
from cdbench.engine.building import build_network
from cdbench.engine.layers import CDLinear, Dense, ReLU, Slice
from cdbench.engine.network import Network

EPS = float(np.finfo(np.float64).eps)
BLOCK_SIZES = pytest.mark.parametrize("B", [None, 1, 2, 3, 4, 5, 7, 8])


def random_layer(B, seed=0, K_o=3, K_i=2):
    rng = np.random.default_rng(seed)
    layer = Dense(6, 5) if B is None else CDLinear(K_i * B, K_o * B, B)
    params = {name: rng.normal(size=shape) for name, shape in layer.parameter_shapes().items()}
    return layer, params, rng.normal(size=(9, layer.n_in)) + 0.3


def state_of(layer, params, inputs, eps=EPS):
    return LayerState(layer, params, (layer.n_out, layer.n_in), inputs, eps)


def dense_state(W):
    W = np.asarray(W, dtype=float)
    layer = Dense(W.shape[1], W.shape[0])
    return state_of(layer, {"weight": W, "bias": np.zeros(len(W))}, np.ones((2, W.shape[1])))


def descending(values):
    return np.sort(values)[::-1]


def network_of(layer, params, inputs):
    """A network of one layer, with the flat vector of its parameters."""
    network = Network([layer])
    flat = np.concatenate([params[name].ravel() for name in layer.parameter_shapes()])
    return network, flat, inputs


@pytest.mark.parametrize("kind", ["weight", "published"])
def test_known_dense_spectra(kind):
    diagonal = KINDS[kind](dense_state(np.diag([3.0, -1.0, 0.5])))
    np.testing.assert_allclose(descending(diagonal.values), [9, 1, 0.25], rtol=1e-14)
    assert condition(diagonal).kappa == pytest.approx(36)
    identity = condition(KINDS[kind](dense_state(np.eye(4))))
    assert identity.kappa == pytest.approx(1)
    assert (identity.rank, identity.size) == (4, 4)


def test_known_circulant_spectrum():
    # [2, -1, 0, -1] is a ring's second difference, of eigenvalues 0, 2, 2, 4; here plus 1.
    layer = CDLinear(4, 4, 4)
    params = {"c": np.array([[[3.0, -1.0, 0.0, -1.0]]]), "bias": np.zeros(4)}
    state = state_of(layer, params, np.ones((2, 4)))
    for kind, expected in (
        ("published", [5, 3, 3, 1]),
        ("block_power", [25, 9, 9, 1]),
        ("weight", [25, 9, 9, 1]),
    ):
        np.testing.assert_allclose(descending(KINDS[kind](state).values), expected, rtol=1e-13)


@BLOCK_SIZES
def test_weight_is_the_spectrum_of_the_frequency_blocks(B):
    layer, params, inputs = random_layer(B)
    values = descending(KINDS["weight"](state_of(layer, params, inputs)).values)
    c = params["weight"][..., None] if B is None else params["c"]
    # Unitarily similar to blockdiag_k of the K_o x K_i matrices (F[c_ij](k))_ij.
    blocks = np.moveaxis(np.fft.fft(c), -1, 0)
    expected = np.linalg.svd(blocks, compute_uv=False).ravel() ** 2
    np.testing.assert_allclose(values, descending(expected), rtol=1e-10)


@pytest.mark.parametrize("B", [3, 5, 7])
def test_weight_leaves_out_padded_inputs_and_sliced_logits(B):
    network = build_network(RunConfig(B=B), 64, 10)
    flat = network.initial_parameters(np.random.default_rng(0))
    X = np.random.default_rng(1).random((20, 64))
    params = network.views(flat)
    found = [s.values for s in measure_spectra(network, flat, X, 0) if s.kind == "weight"]
    last = network.layers[-2] if isinstance(network.layers[-1], Slice) else network.layers[-1]
    assert isinstance(last, CDLinear)
    for place, values in zip(network.weight_layers, found, strict=True):
        c = params[place.position]["c"]
        W = np.block([[circulant(block) for block in row] for row in c])
        W = W[:, :64] if place.layer is network.layers[1] else W
        W = W[:10] if place.layer is last else W
        np.testing.assert_allclose(values, np.linalg.svd(W)[1] ** 2, rtol=1e-8)


@settings(deadline=None)
@given(B=st.integers(1, 9), seed=st.integers(0, 99))
def test_theorem_1_keeps_the_power_of_the_inputs(B, seed):
    layer, params, inputs = random_layer(B, seed)
    eta = KINDS["theorem1"](state_of(layer, params, inputs)).values.reshape(2, B)
    power = np.mean(np.sum(inputs.reshape(9, 2, B) ** 2, axis=2), axis=0)
    np.testing.assert_allclose(eta.sum(axis=1), B * power, rtol=1e-12)


@BLOCK_SIZES
def test_theorem_1_is_the_spectrum_of_the_hessians_diagonal_blocks(B):
    layer, params, inputs = random_layer(B)
    size = B or 1
    blocks = []
    for j in range(layer.n_in // size):
        hessian = np.zeros((size, size))
        for x in inputs:
            # One output block as a function of the generator c_0j: J by unit generators.
            J = np.empty((size, size))
            for m in range(size):
                unit = {name: np.zeros_like(value) for name, value in params.items()}
                unit["weight" if B is None else "c"][(0, j) if B is None else (0, j, m)] = 1.0
                J[:, m] = (layer.matrix(unit) @ x)[:size]
            hessian += J.T @ J / len(inputs)
        blocks.append(hessian)
    values = KINDS["theorem1"](state_of(layer, params, inputs)).values
    expected = np.linalg.eigvalsh(block_diag(*blocks))
    np.testing.assert_allclose(descending(values), descending(expected), rtol=1e-11)


@pytest.mark.parametrize("B", [1, 3, 4, 8])
def test_block_power_is_the_square_of_published(B):
    state = state_of(*random_layer(B))
    published = descending(KINDS["published"](state).values)
    assert published.size == 6 * B
    np.testing.assert_allclose(
        descending(KINDS["block_power"](state).values), published**2, rtol=1e-13
    )
    np.testing.assert_allclose(published, descending(np.abs(np.fft.fft(state.params["c"])).ravel()))


def test_published_is_squared_for_dense_and_unsquared_for_cdlinear():
    c = np.array([[[4.0]]])
    blocks = state_of(CDLinear(1, 1, 1), {"c": c, "bias": np.zeros(1)}, np.ones((1, 1)))
    assert KINDS["published"](blocks).values.tolist() == [4]
    assert KINDS["published"](dense_state(c[0])).values.tolist() == [16]


def test_published_drops_what_is_at_most_1e_12():
    c = np.array([[[2.0], [1e-12], [1.1e-12]]])
    state = state_of(CDLinear(3, 1, 1), {"c": c, "bias": np.zeros(1)}, np.ones((1, 3)))
    found = condition(KINDS["published"](state))
    assert (found.rank, found.size, found.threshold) == (2, 3, 1e-12)
    assert found.smallest == 1.1e-12
    assert found.kappa == found.kappa_nonnull == pytest.approx(2 / 1.1e-12)


@pytest.mark.parametrize("rank", [1, 3, 7])
def test_singular_matrix_has_infinite_kappa_and_its_rank(rank):
    rng = np.random.default_rng(rank)
    W = rng.normal(size=(8, rank)) @ rng.normal(size=(rank, 8))
    found = condition(KINDS["weight"](dense_state(W)))
    sigma = np.linalg.svd(W)[1][:rank]
    assert (found.kappa, found.rank, found.size) == (np.inf, rank, 8)
    assert found.kappa_nonnull == pytest.approx((sigma[0] / sigma[-1]) ** 2, rel=1e-9)


@pytest.mark.parametrize("B", [2, 3, 4, 5, 7, 8])
def test_constant_input_blocks_have_one_live_frequency_each(B):
    inputs = np.repeat(np.random.default_rng(0).uniform(0.5, 1, (50, 2)), B, axis=1)
    layer, params, _ = random_layer(B)
    found = condition(KINDS["theorem1"](state_of(layer, params, inputs)))
    assert (found.kappa, found.rank, found.size) == (np.inf, 2, 2 * B)
    assert found.kappa_nonnull < 2


@pytest.mark.parametrize("kind", KINDS)
def test_all_zero_weights_and_inputs_have_rank_zero(kind):
    layer, params, inputs = random_layer(4)
    state = state_of(layer, {name: 0 * value for name, value in params.items()}, 0 * inputs)
    found = condition(KINDS[kind](state))
    assert (found.rank, found.kappa, found.kappa_nonnull) == (0, np.inf, np.inf)


@pytest.mark.parametrize("kind", KINDS)
@BLOCK_SIZES
def test_measured_spectra_are_sorted_and_fit_their_condition(kind, B):
    network, flat, inputs = network_of(*random_layer(B))
    spectra = [s for s in measure_spectra(network, flat, inputs, 7) if s.kind == kind]
    (spectrum,) = spectra
    found, values = spectrum.condition, spectrum.values
    assert (spectrum.layer, spectrum.epoch) == (1, 7)
    assert list(values) == sorted(values, reverse=True)
    assert (found.largest, found.size) == (values[0], spectrum.multiplicity * len(values))
    assert found.kappa == pytest.approx(values[0] / values[-1])


def test_condition_of_a_spectrum_with_a_zero():
    found = condition(Numbers(np.array([1.0, 0.0, 8.0]), 0.0))
    assert (found.largest, found.smallest, found.kappa) == (8, 0, np.inf)
    assert (found.kappa_nonnull, found.rank, found.size) == (8, 2, 3)


def test_theorem_1_is_of_each_layers_own_inputs():
    network = Network([Dense(3, 2), ReLU(2), Dense(2, 2)])
    flat = np.random.default_rng(0).normal(size=network.n_parameters)
    X = np.random.default_rng(1).normal(size=(30, 3))
    first, second = (s for s in measure_spectra(network, flat, X, 0) if s.kind == "theorem1")
    W, b = (network.views(flat)[0][name] for name in ("weight", "bias"))
    hidden = np.maximum(X @ W.T + b, 0)
    np.testing.assert_allclose(first.values, descending(np.mean(X**2, axis=0)), rtol=1e-13)
    np.testing.assert_allclose(second.values, descending(np.mean(hidden**2, axis=0)), rtol=1e-13)


def test_float32_parameters_are_measured_in_float64_with_float32_thresholds():
    network, flat, inputs = network_of(*random_layer(4))
    narrow = measure_spectra(network, flat.astype("float32"), inputs, 0)
    rounded = measure_spectra(network, flat.astype("float32").astype("float64"), inputs, 0)
    for a, b in zip(narrow, rounded, strict=True):
        assert a.values == b.values
        assert (a.condition.threshold > b.condition.threshold) == (a.kind != "published")


def test_no_matrix_is_made_of_a_cdlinear_layer_that_acts_whole(monkeypatch):
    monkeypatch.setattr(CDLinear, "matrix", None)
    network = Network([CDLinear(16, 16, 4), ReLU(16), CDLinear(16, 16, 4)])
    flat = np.random.default_rng(0).normal(size=network.n_parameters)
    X = np.random.default_rng(1).normal(size=(30, 16))
    assert {s.kind for s in measure_spectra(network, flat, X, 0)} == set(KINDS)
