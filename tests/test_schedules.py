"""The learning rate's schedule, clipping of gradients, and what decays."""

import numpy as np
import pytest

from cdbench.engine.layers import Dense, LayerNorm
from cdbench.engine.layers.tokens import Embedding, Positions
from cdbench.engine.network import Network
from cdbench.engine.optimizers import SGD
from cdbench.engine.schedules import Scheduled, clip, decayed, rate_factor


def factors(n_steps, schedule, warmup):
    return [rate_factor(step, n_steps, schedule, warmup) for step in range(1, n_steps + 1)]


def test_cosine_has_its_known_values():
    expected = [1, (1 + np.sqrt(0.5)) / 2, 0.5, (1 - np.sqrt(0.5)) / 2]
    np.testing.assert_allclose(factors(4, "cosine", 0.0), expected, rtol=1e-15)


def test_warm_up_is_linear_and_the_schedule_begins_after_it():
    np.testing.assert_allclose(factors(8, "cosine", 0.5)[:4], [0.25, 0.5, 0.75, 1.0])
    assert factors(8, "cosine", 0.5)[4:] == factors(4, "cosine", 0.0)
    assert factors(4, "constant", 0.5) == [0.5, 1.0, 1.0, 1.0]
    assert factors(4, "cosine", 1.0) == [0.25, 0.5, 0.75, 1.0]


def test_cosine_agrees_with_that_of_pytorch():
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
    expected = []
    for _ in range(10):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    np.testing.assert_allclose(factors(10, "cosine", 0.0), expected, rtol=1e-12)


def test_clipping_shortens_long_gradients_and_leaves_others_alone():
    for length in (0.0, 0.5, 1.0, 7.0):
        gradient = length * np.array([0.6, 0.0, -0.8])
        before = gradient.copy()
        clip(gradient, 1.0)
        assert np.linalg.norm(gradient) == pytest.approx(min(length, 1.0), rel=1e-15)
        if length <= 1.0:
            np.testing.assert_array_equal(gradient, before)
        np.testing.assert_allclose(gradient * length, before * np.linalg.norm(gradient))


@pytest.mark.parametrize("rate", [0.1, np.array([0.1, 0.2])], ids=["one", "each"])
def test_a_scheduled_step_is_that_of_the_clipped_gradient_at_the_rate(rate):
    parameters, expected = np.ones(2), np.ones(2)
    stepper = Scheduled(SGD(parameters, rate, 0.0), 4, "cosine", 0.25, longest=2.0)
    for factor in factors(4, "cosine", 0.25):
        stepper.step(np.array([3.0, -4.0]))
        expected -= factor * rate * np.array([1.2, -1.6])
        np.testing.assert_allclose(parameters, expected, rtol=1e-14)


def test_weights_decay_and_nothing_else():
    network = Network([Embedding(3, 5, 4), Positions(3, 4), LayerNorm(4), Dense(4, 2)])
    for layer, own in zip(network.layers, network.views(decayed(network, "float64")), strict=True):
        for name, values in own.items():
            assert (values == (isinstance(layer, Dense) and name == "weight")).all(), name
