"""Spectra of layers whose rows are tokens or windows: against Jacobians of whole networks."""

import numpy as np
import pytest

from cdbench.diagnostics.spectra import measure_spectra
from cdbench.engine.architectures.attention import Blocks, image_network, text_network
from cdbench.engine.architectures.parts import Weights
from cdbench.engine.layers import EVALUATION, CDLinear, Dense, LayerNorm, ReLU
from cdbench.engine.layers.convolution import Convolution
from cdbench.engine.layers.low_rank import LowRank
from cdbench.engine.layers.pooling import AveragePooling
from cdbench.engine.layers.taps import kernel_layer
from cdbench.engine.layers.tokens import MeanOfTokens, Patches
from cdbench.engine.network import Network

IMAGE, CLASSES = (4, 4, 1), 3
BLOCKS = Blocks(width=4, depth=1, heads=2, head_width=2, activation=ReLU)


WEIGHTS = {
    "dense": Weights(Dense),
    "cdlinear": Weights(CDLinear, {"B": 2}),
    "low-rank": Weights(LowRank, {"rank": 2}),
}


def conv_network(name="dense", activation=ReLU):
    """Two convolutions with pooling in between; the first reads an image of one channel."""
    weights = WEIGHTS[name]
    first = Convolution(weights.first_kernel(1, 4, 9), IMAGE[:2], 3)
    second = Convolution(weights.kernel(4, 4, 9), (2, 2), 3)
    head = [MeanOfTokens(4, 4), Dense(4, CLASSES)]
    return Network(
        [Patches(IMAGE, (1, 1)), first, activation(4), AveragePooling(4, IMAGE[:2]), second, *head]
    )


def point(network, texts=False):
    rng = np.random.default_rng(0)
    flat = network.initial_parameters(rng) + 0.1 * rng.normal(size=network.n_parameters)
    n = network.n_in
    return flat, rng.integers(0, 3, (5, n)).astype(float) if texts else rng.normal(size=(5, n))


def networks():
    for name, own in WEIGHTS.items():
        yield f"text {name}", text_network(own, BLOCKS, 3, 3), True
        yield f"image {name}", image_network(own, BLOCKS, IMAGE, (2, 2), CLASSES), False
    for name in ("dense", "cdlinear", "low-rank"):
        yield f"conv {name}", conv_network(name), False


def jacobian(network, flat, X, place):
    """∂(outputs of the layer at this place)/∂(its weights but the bias) by central differences."""
    layer, step = network.layers[place.position], 1e-5
    x = network.inputs(network.views(flat), X)[place.position]

    def outputs(theta):
        return layer.forward(network.views(theta)[place.position], x, EVALUATION)[0]

    marks = np.zeros_like(flat)
    for name, value in network.views(marks)[place.position].items():
        value[...] = name != "bias"
    columns = []
    for one in np.flatnonzero(marks):
        move = step * (np.arange(flat.size) == one)
        columns.append((outputs(flat + move) - outputs(flat - move)).ravel() / (2 * step))
    return np.array(columns).T, len(outputs(flat))


@pytest.mark.long
def test_layer_hessian_is_the_gauss_newton_matrix_of_the_layers_outputs():
    for what, network, texts in networks():
        flat, X = point(network, texts)
        found = {
            one.layer: one for one in measure_spectra(network, flat, X, 0, kinds=["layer_hessian"])
        }
        for number, place in enumerate(network.weight_layers, 1):
            J, n_rows = jacobian(network, flat, X, place)
            expected = np.linalg.eigvalsh(J.T @ J / n_rows)[::-1]
            values = np.repeat(found[number].values, found[number].multiplicity)
            assert len(values) == len(expected), (what, number)
            np.testing.assert_allclose(
                values, expected, rtol=0, atol=1e-8 * expected[0], err_msg=f"{what} {number}"
            )


def test_chunks_change_nothing_and_one_chunk_has_all_rows(monkeypatch):
    for what, network, texts in networks():
        flat, X = point(network, texts)
        whole = measure_spectra(network, flat, X, 0)
        monkeypatch.setattr("cdbench.diagnostics.spectra.second_moments.AT_ONCE", 1)
        parts = measure_spectra(network, flat, X, 0)
        monkeypatch.undo()
        assert len(whole) == len(parts) >= 2 * len(network.weight_layers), what
        for one, other in zip(whole, parts, strict=True):
            atol = 1e-13 * one.values[0]
            np.testing.assert_allclose(one.values, other.values, rtol=0, atol=atol, err_msg=what)
            assert one.condition.threshold == pytest.approx(other.condition.threshold)


def test_weight_of_a_convolution_is_that_of_its_kernel_as_it_acts():
    """Of one window the kernel is the map itself."""
    inner = kernel_layer(CDLinear, 4, 4, 9, {"B": 2})
    conv = Convolution(inner, (3, 3), 3, padding="valid")
    network = Network([Patches((3, 3, 4), (1, 1)), conv])
    flat = network.initial_parameters(np.random.default_rng(0))
    W, _ = network.forward(network.views(flat), np.eye(36))
    (found,) = measure_spectra(network, flat, np.empty((0, 36)), 0, kinds=["weight"])
    np.testing.assert_allclose(found.values, np.linalg.svd(W, compute_uv=False) ** 2, rtol=1e-12)


def test_a_unit_that_fires_once_is_a_direction_above_rounding():
    """Its number is the square of its one value over all rows, small as that is."""
    n, fired = 4000, 1e-5
    x = np.random.default_rng(0).normal(size=(n, 4))
    x[:, 3] = 0.0
    x[7] = 0.0, 0.0, 0.0, fired
    (found,) = layer_hessian_of(Dense(4, 1), x)
    assert found.values[-1] == pytest.approx(fired**2 / n, rel=1e-8)
    assert (found.condition.rank, found.condition.size) == (4, 4)
    assert found.condition.kappa_nonnull == pytest.approx(found.values[0] * n / fired**2, rel=1e-8)
    (found,) = layer_hessian_of(Dense(4, 1), x * (1, 1, 1, 0))
    assert (found.condition.rank, found.condition.size) == (3, 4)
    assert found.condition.kappa_nonnull < 2


def test_behind_a_layer_normalization_one_direction_has_its_shift_alone():
    x = np.random.default_rng(0).normal(size=(200, 6))
    x = np.concatenate([x, -x])  # so that the mean has no part in it
    network = Network([LayerNorm(6), Dense(6, 2)])
    flat = network.initial_parameters(np.random.default_rng(0))
    gain, shift = network.views(flat)[0].values()
    for along in (0.0, 1e-3):
        shift[...] = along
        (found,) = measure_spectra(network, flat, x, 0, kinds=["layer_hessian"])
        assert gain.all()
        assert found.condition.rank == (found.condition.size if along else found.condition.size - 2)
        assert found.values[-1] == pytest.approx(6 * along**2, rel=1e-6, abs=1e-25)


def layer_hessian_of(layer, x):
    network = Network([layer])
    flat = network.initial_parameters(np.random.default_rng(0))
    return measure_spectra(network, flat, x, 0, kinds=["layer_hessian"])
