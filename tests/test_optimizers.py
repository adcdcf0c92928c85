"""Update rules against their formulas."""

import numpy as np
import pytest

from cdbench.config.checks import OPTIMIZER_NAMES
from cdbench.config.run_config import RunConfig
from cdbench.engine.optimizers import OPTIMIZERS, AdamW

every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)


def optimizer(name, parameters, **knobs):
    config = RunConfig(optimizer=name, **knobs)
    assert config.learning_rate is not None
    return OPTIMIZERS[name](parameters, config.learning_rate, config.momentum)


def test_registry_holds_the_optimizers_a_configuration_may_name():
    assert set(OPTIMIZERS) == set(OPTIMIZER_NAMES)


def test_sgd_follows_its_formula():
    gradients = np.random.default_rng(0).normal(size=(5, 3))
    parameters = np.ones(3)
    sgd = optimizer("sgd", parameters, learning_rate=0.1, momentum=0.9)
    expected, v = np.ones(3), np.zeros(3)
    for g in gradients:
        sgd.step(g.copy())
        v = 0.9 * v - 0.1 * g
        expected += v
        np.testing.assert_allclose(parameters, expected, rtol=1e-14)


def test_sgd_with_a_constant_gradient_sums_a_geometric_series():
    parameters = np.zeros(1)
    sgd = optimizer("sgd", parameters, learning_rate=1.0, momentum=0.5)
    for _ in range(3):
        sgd.step(np.ones(1))
    assert parameters[0] == -(1 + 1.5 + 1.75)


def test_first_step_of_adam_is_the_learning_rate_against_the_sign():
    parameters = np.zeros(3)
    optimizer("adam", parameters, learning_rate=0.01).step(np.array([3.0, -0.2, 1e3]))
    np.testing.assert_allclose(parameters, [-0.01, 0.01, -0.01], rtol=1e-7)


def test_adam_follows_hand_computed_steps():
    parameters = np.zeros(1)
    adam = optimizer("adam", parameters, learning_rate=0.1, momentum=0.5)
    adam.step(np.array([1.0]))  # m = 0.5, v = 0.001: both 1 after the correction
    first = -0.1 / (1 + 1e-8)
    assert parameters[0] == pytest.approx(first, rel=1e-12)
    adam.step(np.array([3.0]))  # m = 1.75 of 0.75, v = 0.009999 of 0.001999
    second = first - 0.1 * (1.75 / 0.75) / (np.sqrt(0.009999 / 0.001999) + 1e-8)
    assert parameters[0] == pytest.approx(second, rel=1e-12)
    adam.step(np.array([-4.0]))  # m = -1.125 of 0.875, v = 0.025989001 of 0.002997001
    third = second + 0.1 * (1.125 / 0.875) / (np.sqrt(0.025989001 / 0.002997001) + 1e-8)
    assert parameters[0] == pytest.approx(third, rel=1e-12)


@every_optimizer
def test_rates_of_their_own_move_each_parameter_as_if_it_were_alone(name):
    rates, gradients = np.array([0.1, 0.025]), np.random.default_rng(0).normal(size=(4, 2))
    together = np.ones(2)
    stepper = OPTIMIZERS[name](together, rates, 0.9)
    alone = [np.ones(1), np.ones(1)]
    steppers = [OPTIMIZERS[name](alone[i], float(rates[i]), 0.9) for i in (0, 1)]
    for gradient in gradients:
        stepper.step(gradient.copy())
        for i in (0, 1):
            steppers[i].step(gradient[i : i + 1].copy())
    np.testing.assert_array_equal(together, np.concatenate(alone))
    assert rates.tolist() == [0.1, 0.025]


@every_optimizer
def test_without_a_gradient_nothing_moves(name):
    parameters = np.arange(4.0)
    optimizer(name, parameters).step(np.zeros(4))
    assert parameters.tolist() == [0, 1, 2, 3]


@every_optimizer
def test_float32_stays_float32_and_in_place(name):
    parameters = np.ones(4, "float32")
    stepper = optimizer(name, parameters)
    for _ in range(2):
        stepper.step(np.ones(4, "float32"))
    assert stepper.parameters is parameters
    assert parameters.dtype == np.float32
    assert (parameters < 1).all()
    assert all(v.dtype == np.float32 for v in vars(stepper).values() if isinstance(v, np.ndarray))


def test_adamw_is_adam_after_a_step_towards_zero_of_what_decays():
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=4), rng.normal(size=(5, 4))
    decaying = np.array([1.0, 0.0, 1.0, 0.0])
    moved, plain = start.copy(), start.copy()
    decoupled = AdamW(moved, 0.1, 0.9, 0.3, decaying)
    adam = OPTIMIZERS["adam"](plain, 0.1, 0.9)
    for gradient in gradients:
        before = plain.copy()
        decoupled.step(gradient.copy())
        adam.step(gradient.copy())
        step = plain - before
        start = start - 0.1 * 0.3 * decaying * start + step
        np.testing.assert_allclose(moved, start, rtol=1e-13)
    assert (moved[[1, 3]] == plain[[1, 3]]).all()


def test_adamw_agrees_with_that_of_pytorch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    own = rng.normal(size=6)
    theirs = torch.nn.Parameter(torch.tensor(own.copy()))
    decoupled = AdamW(own, 0.01, 0.9, 0.2)
    other = torch.optim.AdamW([theirs], lr=0.01, betas=(0.9, 0.999), weight_decay=0.2)
    for gradient in rng.normal(size=(20, 6)):
        theirs.grad = torch.tensor(gradient.copy())
        other.step()
        decoupled.step(gradient)
    np.testing.assert_allclose(own, theirs.detach(), rtol=1e-12)
