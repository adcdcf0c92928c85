"""The laws that every weight layer obeys, as functions of a layer; activations are rows."""

import tracemalloc
from itertools import pairwise

import numpy as np

from cdbench.engine.layers import EVALUATION, Context
from cdbench.engine.products.workspace import Workspace

STEP = 1e-20
FEW_BYTES = 4096


def views(layer, dtype=np.float64):
    """Parameters as views of one vector in the layer's memory order, as a network has them."""
    shapes = layer.parameter_shapes()
    ends = np.cumsum([0, *(int(np.prod(shape)) for shape in shapes.values())])
    flat = np.zeros(ends[-1], dtype)
    found = {}
    for (name, shape), (start, stop) in zip(shapes.items(), pairwise(ends), strict=True):
        order = layer.memory_order.get(name, tuple(range(len(shape))))
        memory = flat[start:stop].reshape([shape[axis] for axis in order])
        found[name] = memory.transpose(np.argsort(order))
    return found


def drawn(layer, seed=0, dtype=np.float64):
    """Parameters that are no initial values: none of them is zero."""
    rng, params = np.random.default_rng(seed), views(layer, dtype)
    for value in params.values():
        value[...] = rng.choice([-1.0, 1.0], value.shape) * rng.uniform(0.5, 1.5, value.shape)
    return params


def initial(layer, seed):
    params = views(layer)
    layer.initialize(params, np.random.default_rng(seed))
    return params


def samples(layer, n_samples, dtype=np.float64):
    rng = np.random.default_rng(1)
    x, dy = rng.normal(size=(n_samples, layer.n_in)), rng.normal(size=(n_samples, layer.n_out))
    return x.astype(dtype), dy.astype(dtype)


def moved(params, direction, h):
    """A copy of the parameters in the same memory order, moved by h times a direction."""
    return {name: value + h * direction[name] for name, value in params.items()}


def relative_error(got, expected):
    return np.linalg.norm(got - expected) / np.linalg.norm(expected)


def pulled(layer, params, x, dy):
    grads = views(layer, x.dtype)
    for value in grads.values():
        value[...] = np.nan
    dx = layer.forward(params, x, EVALUATION)[1](dy, grads)
    return {"dx": dx, **grads}


def is_its_matrix_and_bias(layer, n_samples):
    params, (x, dy) = drawn(layer), samples(layer, n_samples)
    W = layer.matrix(params)
    assert W.shape == (layer.n_out, layer.n_in)
    y, pullback = layer.forward(params, x, EVALUATION)
    np.testing.assert_allclose(y, x @ W.T + params["bias"], rtol=1e-12, atol=1e-12 * abs(y).max())
    dx, unwanted, wanted = pulled(layer, params, x, dy)["dx"], views(layer), views(layer)
    np.testing.assert_allclose(dx, dy @ W, rtol=1e-12, atol=1e-12 * abs(dx).max())
    assert pullback(dy, unwanted, wanted=False) is None
    pullback(dy, wanted)
    np.testing.assert_equal(unwanted, wanted)


def pullback_is_the_adjoint(layer, n_samples):
    params, (x, dy) = drawn(layer), samples(layer, n_samples)
    v = np.random.default_rng(2).normal(size=x.shape)
    # The layer is affine, so that a difference over any distance is its derivative.
    difference = (
        layer.forward(params, x + v, EVALUATION)[0] - layer.forward(params, x - v, EVALUATION)[0]
    )
    scale = np.linalg.norm(dy) * np.linalg.norm(difference)
    inner = np.sum(v * pulled(layer, params, x, dy)["dx"])
    assert abs(np.sum(difference * dy) / 2 - inner) <= 1e-13 * scale


def gradients_are_those_of_central_differences(layer, n_samples, h=1e-4):
    params, (x, dy) = drawn(layer), samples(layer, n_samples)
    found, bound = pulled(layer, params, x, dy), layer.bind(params, x, EVALUATION)
    for name, array in {"dx": x, **params}.items():
        slope = np.empty(array.shape)
        for index in np.ndindex(array.shape):
            kept, sides = array[index], []
            for step in (h, -h):
                array[index] = kept + step
                bound.run()
                sides.append(np.sum(dy * bound.y))
            array[index] = kept
            slope[index] = (sides[0] - sides[1]) / (2 * h)
        assert relative_error(found[name], slope) <= 1e-7, name


def complex_step_is_the_derivative(layer, n_samples):
    """Of the output against the pullback, and of the gradients against differences of them."""
    params, (x, dy) = drawn(layer), samples(layer, n_samples)
    v = drawn(layer, seed=3)
    found = pulled(layer, params, x, dy)
    complex_x, step = x.astype(np.complex128), moved(params, v, 1j * STEP)
    y = layer.forward(step, complex_x, EVALUATION)[0]
    inner = sum(np.sum(found[name] * v[name]) for name in v)
    np.testing.assert_allclose(np.sum(y.imag * dy) / STEP, inner, rtol=1e-11)
    gradients = pulled(layer, step, complex_x, dy.astype(np.complex128))
    h = 1e-4
    above, below = (pulled(layer, moved(params, v, side), x, dy) for side in (h, -h))
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient.real, found[name], rtol=1e-9, atol=1e-9)
        slope = (above[name] - below[name]) / (2 * h)
        error = np.linalg.norm(gradient.imag / STEP - slope)
        assert error <= 1e-6 * max(np.linalg.norm(slope), np.linalg.norm(found[name])), name


def float32_agrees(layer, n_samples, bound=1e-5):
    params, (x, dy) = drawn(layer), samples(layer, n_samples)
    expected = {"y": layer.forward(params, x, EVALUATION)[0], **pulled(layer, params, x, dy)}
    params, (x, dy) = drawn(layer, dtype=np.float32), samples(layer, n_samples, np.float32)
    got = {"y": layer.forward(params, x, EVALUATION)[0], **pulled(layer, params, x, dy)}
    for name, value in got.items():
        assert value.dtype == np.float32, name
        assert relative_error(value, expected[name]) <= bound, name


def steps_allocate_nothing(layer, n_samples, dtype):
    params, (x, dy) = drawn(layer, dtype=dtype), samples(layer, n_samples, dtype)
    grads, workspace = views(layer, dtype), Workspace()
    bound = layer.bind(params, x, Context(allocate=workspace))

    def step():
        bound.run()
        bound.pullback(dy, grads)

    with np.errstate():  # which restores the size of the buffer that NumPy broadcasts with
        np.setbufsize(16)
        tracemalloc.start()
        try:
            step()
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            step()
            assert tracemalloc.get_traced_memory()[1] - before <= FEW_BYTES
        finally:
            tracemalloc.stop()


def lent_arrays_give_what_new_ones_give(layer, n_samples):
    """Two layers share a workspace; both run before the last one is pulled back, then the first."""
    x, dy = samples(layer, n_samples)
    workspace, n_bytes = Workspace(), []
    for factor in (1.0, -0.5, 2.0):
        workspace.restart()
        lent = Context(allocate=workspace)
        cases = [(drawn(layer), factor * x), (drawn(layer, seed=5), x + 1)]
        ran = [layer.forward(params, own, lent) for params, own in cases]
        for (params, own), (y, pullback) in reversed(list(zip(cases, ran, strict=True))):
            np.testing.assert_array_equal(y, layer.forward(params, own, EVALUATION)[0])
            grads = views(layer)
            dx = pullback(factor * dy, grads)
            np.testing.assert_equal({"dx": dx, **grads}, pulled(layer, params, own, factor * dy))
        n_bytes.append(workspace.n_bytes)
    assert n_bytes[0] == n_bytes[2]


def layer_that_is_run_again_forgets(layer, n_samples):
    params, (x, dy) = drawn(layer), samples(layer, n_samples)
    own, own_x = views(layer), np.full_like(x, np.nan)
    bound = layer.bind(own, own_x, Context(allocate=Workspace()))
    for seed in (0, 5):
        params = drawn(layer, seed)
        for name, value in params.items():
            own[name][...] = value
        own_x[...] = x * (1 + seed)
        bound.run()
        np.testing.assert_array_equal(bound.y, layer.forward(params, own_x, EVALUATION)[0])
        grads = views(layer)
        dx = bound.pullback(dy, grads)
        np.testing.assert_equal({"dx": dx, **grads}, pulled(layer, params, own_x, dy))


def initial_variance_is_the_gain(layer, within=0.1, n_draws=20):
    """The mean square of W's entries is 2 / n_in."""
    squares = [np.mean(layer.matrix(initial(layer, seed)) ** 2) for seed in range(n_draws)]
    assert abs(layer.n_in * np.mean(squares) / 2 - 1) <= within
    assert not initial(layer, 0)["bias"].any()


def rank_is_the_expected_one(layer):
    assert np.linalg.matrix_rank(layer.matrix(drawn(layer))) == layer.expected_rank()


def jacobian(layer, params):
    """∂W/∂θ, (n_out n_in, P), by complex steps, and the parameter of each column."""
    columns, names = [], []
    for name, value in params.items():
        if name == "bias":
            continue
        for index in np.ndindex(value.shape):
            step = {key: kept.astype(np.complex128) for key, kept in params.items()}
            step[name][index] += 1j * STEP
            columns.append(layer.matrix(step).imag.ravel() / STEP)
            names.append(name)
    return np.array(columns).T, np.array(names)


def null_directions_are_as_many_as_said(layer):
    J, _ = jacobian(layer, drawn(layer))
    assert J.shape[1] - np.linalg.matrix_rank(J, rtol=1e-10) == layer.n_null_directions()


def weight_gain_is_that_of_the_jacobian(layer, within=0.2, n_draws=20):
    squares: dict[str, list[float]] = {}
    for seed in range(n_draws):
        J, names = jacobian(layer, initial(layer, seed))
        for name in np.unique(names):
            squares.setdefault(str(name), []).append(np.mean(np.sum(J**2, 0)[names == name]))
    for name, found in squares.items():
        assert abs(layer.weight_gain().get(name, 1.0) / np.mean(found) - 1) <= within, name


def costs(layer):
    """Weights without the bias, and multiply-adds."""
    shapes = layer.parameter_shapes()
    weights = sum(int(np.prod(shape)) for name, shape in shapes.items() if name != "bias")
    return weights, layer.multiply_adds()


LAWS_OF_STEPS = (
    is_its_matrix_and_bias,
    pullback_is_the_adjoint,
    gradients_are_those_of_central_differences,
    complex_step_is_the_derivative,
    float32_agrees,
    lent_arrays_give_what_new_ones_give,
    layer_that_is_run_again_forgets,
)
LAWS_OF_WEIGHTS = (rank_is_the_expected_one, null_directions_are_as_many_as_said)
