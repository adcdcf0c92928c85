"""Curvature and step sizes of networks whose rows are tokens or pixels, against differences."""

from dataclasses import replace

import numpy as np
import pytest

from cdbench.config.run_config import RunConfig
from cdbench.diagnostics.curvature import measure_curvature, operators
from cdbench.diagnostics.curvature.operators import gauss_newton, logit_shift, weight_space
from cdbench.engine.architectures.attention import image_network, text_network
from cdbench.engine.layers import EVALUATION, Dense, LayerNorm, Tanh
from cdbench.engine.layers.taps import Taps
from cdbench.engine.network import Network
from cdbench.engine.split import Split
from cdbench.engine.step_sizes import learning_rates, measured_gains
from cdbench.engine.tasks import task_of
from tests.test_spectra_rows import BLOCKS, CLASSES, IMAGE, conv_network, point
from tests.test_spectra_rows import WEIGHTS as FAMILIES

SMOOTH = replace(BLOCKS, activation=Tanh)
SMOOTHING = 0.2


def networks(name):
    """Name, network, whether it reads texts."""
    yield "text", text_network(FAMILIES[name], SMOOTH, 3, CLASSES), True
    yield "image", image_network(FAMILIES[name], SMOOTH, IMAGE, (2, 2), CLASSES), False
    yield "conv", conv_network(name, Tanh), False


def labels(X, texts):
    return np.random.default_rng(1).integers(0, CLASSES, X.shape if texts else len(X))


def gradient(network, flat, X, y, texts):
    found = np.empty_like(flat)
    logits, pullback = network.forward(network.views(flat), X)
    loss = task_of("language" if texts else "classification", SMOOTHING).bind(logits)
    loss.gradient(y.ravel())
    pullback.to_parameters(loss.dy, network.views(found))
    return found


def differences(network, flat, X, y, texts):
    """The Hessian by differences of gradients of fourth order: positions are small, so curved."""
    h, moves = 2e-5, 2e-5 * np.eye(flat.size)
    parts = [
        share * np.array([gradient(network, flat + step * m, X, y, texts) for m in moves])
        for step, share in ((1, 8), (-1, -8), (2, -1), (-2, 1))
    ]
    H = np.sum(parts, axis=0) / (12 * h)
    return (H + H.T) / 2


@pytest.mark.long
def test_largest_eigenvalues_by_lanczos_are_those_of_differences():
    for name in ("dense", "cdlinear"):
        for what, network, texts in networks(name):
            flat, X = point(network, texts)
            y = labels(X, texts)
            H = differences(network, flat, X, y, texts)
            found = measure_curvature(
                network,
                flat,
                X,
                y,
                sample="train",
                epoch=0,
                method="lanczos",
                task="language" if texts else "classification",
                smoothing=SMOOTHING,
            )
            values = np.linalg.eigvalsh(H)
            (own,) = (c for c in found if (c.matrix, c.coordinates) == ("hessian", "own"))
            level = 1e-6 * values[-1]
            assert own.largest == pytest.approx(values[-1], abs=level), (name, what)
            assert own.smallest == pytest.approx(values[0], abs=level), (name, what)
            scaled = [c for c in found if c.coordinates == "weight-space"]
            assert len(scaled) == (2 if name == "cdlinear" else 0), (name, what)
            if scaled:
                D = weight_space(network)
                values = np.linalg.eigvalsh(D[:, None] * H * D)
                assert scaled[1].largest == pytest.approx(values[-1], abs=level), (name, what)


def test_products_are_the_same_whether_activations_are_kept_or_not(monkeypatch):
    for what, network, texts in networks("dense"):
        flat, X = point(network, texts)
        y, v = labels(X, texts), np.random.default_rng(2).normal(size=flat.size)
        monkeypatch.setattr(operators, "CHUNK_OF_ROWS", 2 * network.rows_per_sample)
        kept = gauss_newton(network, flat, X, y).matvec(v)
        monkeypatch.setattr(operators, "HELD", 0)
        passes: list[int] = []
        forward = network.forward
        counted = lambda *at, f=forward, p=passes: p.append(1) or f(*at)  # noqa: E731
        monkeypatch.setattr(network, "forward", counted)
        again = gauss_newton(network, flat, X, y)
        assert not passes, what
        np.testing.assert_array_equal(again.matvec(v), kept, err_msg=what)
        assert len(passes) == 2 * 3, what
        monkeypatch.undo()


def test_a_shift_of_all_logits_is_a_direction_only_where_it_reaches_them():
    for name in ("dense", "cdlinear"):
        for what, network, texts in networks(name):
            flat, X = point(network, texts)
            (u,) = logit_shift(network)
            before, after = (network.forward(network.views(flat + move), X)[0] for move in (0.0, u))
            moved = after - before
            np.testing.assert_allclose(moved, moved[0, 0], atol=1e-12, err_msg=what)
            assert moved[0, 0] > 0.1, what
    normalised = Network([Dense(3, CLASSES), LayerNorm(CLASSES)])
    assert logit_shift(normalised).shape == (0, normalised.n_parameters)


def moved_outputs(network, place, flat, X, v):
    """How far a step v of a layer's weights moves its own outputs, by differences."""
    layer = network.layers[place.position]
    x = network.inputs(network.views(flat), X)[place.position]
    ends = [
        layer.forward(network.views(flat + step * v)[place.position], x, EVALUATION)[0]
        for step in (1e-5, -1e-5)
    ]
    return float(np.sum(((ends[0] - ends[1]) / 2e-5) ** 2))


def test_gains_of_tokens_and_windows_are_those_of_moved_outputs():
    """All unit steps of a layer's weights, beside those of a dense layer in its place."""
    for what, network, texts in networks("low-rank"):
        flat, X = point(network, texts)
        config = RunConfig(learning_rate_scaling="mean", batch_size=len(X))
        gains = measured_gains(network, flat, Split(X, np.zeros(len(X)), X, X), config)
        for gain, place in zip(gains, network.weight_layers, strict=True):
            rows = place.layer.unfolded(network.inputs(network.views(flat), X)[place.position])
            marks = np.zeros_like(flat)
            for name, value in network.views(marks)[place.position].items():
                value[...] = name != "bias"
            own = sum(
                moved_outputs(network, place, flat, X, np.eye(flat.size)[one])
                for one in np.flatnonzero(marks)
            )
            # A dense weight moves one output by its input.
            expected = own / (place.layer.inner.n_out * np.sum(rows**2))
            close = 0.02 if isinstance(place.layer.inner, Taps) else 1e-6  # a search of some steps
            assert gain.gain == pytest.approx(expected, rel=close), (what, gain.layer)


def test_weight_space_step_sizes_are_a_circulants_weights_share():
    for what, network, _ in networks("cdlinear"):
        config = RunConfig(B=2, learning_rate=0.1, learning_rate_scaling="weight-space")
        rates = learning_rates(network, config)
        assert isinstance(rates, np.ndarray)
        views = network.views(rates)
        own = {place.position for place in network.weight_layers}
        for place, params in enumerate(views):
            for name, value in params.items():
                circulant = place in own and name == "c"
                np.testing.assert_allclose(value, 0.05 if circulant else 0.1, err_msg=what)
