"""Laws that every weight layer obeys, each a function that asserts it of one layer.

They ask the layer alone, so that a family can be tested before networks know of it.
"""

import tracemalloc

import numpy as np

from cdbench.engine.layers.base import EVALUATION, GAIN, Context
from cdbench.engine.layers.dense import Dense
from cdbench.engine.network import Network
from cdbench.engine.products.base import Fresh
from cdbench.engine.products.workspace import Workspace

N_SAMPLES = 5
STEP = 1e-20
"""Of a complex step: nothing is subtracted, so it may be as small as this."""


def random_parameters(layer, seed=0, dtype="float64"):
    """Normal parameters, in the memory order of a network's flat vector."""
    flat = np.random.default_rng(seed).normal(size=Network([layer]).n_parameters)
    return Network([layer]).views(flat.astype(dtype))[0]


def initial_parameters(layer, seed=0):
    flat = Network([layer]).initial_parameters(np.random.default_rng(seed))
    return Network([layer]).views(flat)[0]


def empty_gradients(layer, dtype="float64"):
    return Network([layer]).views(np.full(Network([layer]).n_parameters, np.nan, dtype))[0]


def samples(layer, n=N_SAMPLES):
    """An input and a gradient of the output."""
    rng = np.random.default_rng(7)
    return rng.normal(size=(n, layer.n_in)), rng.normal(size=(n, layer.n_out))


def pulled(layer, params, x, dy):
    """All gradients, as they are then in the flat vector; that of the input as "x"."""
    network = Network([layer])
    flat = np.full(network.n_parameters, np.nan, x.dtype)
    _, pullback = layer.forward(params, x, EVALUATION)
    dx = pullback(dy, network.views(flat)[0])
    return {**network.views(flat)[0], "x": dx}


def relative_error(got, expected):
    return np.linalg.norm(got - expected) / np.linalg.norm(expected)


def n_weights(layer):
    shapes = layer.parameter_shapes()
    return sum(int(np.prod(shape)) for name, shape in shapes.items() if name != "bias")


def acts_as_its_matrix(layer):
    params, (x, dy) = random_parameters(layer), samples(layer)
    W = layer.matrix(params)
    assert W.shape == (layer.n_out, layer.n_in)
    y, pullback = layer.forward(params, x, EVALUATION)
    np.testing.assert_allclose(y, x @ W.T + params["bias"], rtol=1e-12, atol=1e-12)
    dx = pullback(dy, empty_gradients(layer))
    np.testing.assert_allclose(dx, dy @ W, rtol=1e-12, atol=1e-12)


def pullback_is_the_adjoint(layer):
    params, (x, dy) = random_parameters(layer), samples(layer)
    v = np.random.default_rng(8).normal(size=x.shape)
    moved = layer.forward(params, v, EVALUATION)[0] - params["bias"]
    dx = pulled(layer, params, x, dy)["x"]
    scale = np.linalg.norm(moved) * np.linalg.norm(dy)
    assert abs(np.sum(moved * dy) - np.sum(v * dx)) < 1e-13 * scale


def gradients_are_those_of_central_differences(layer, h=1e-4):
    params, (x, dy) = random_parameters(layer), samples(layer)
    grads = pulled(layer, params, x, dy)
    for name, array in {**params, "x": x}.items():
        expected = np.empty_like(array)
        for index in np.ndindex(array.shape):
            kept, sides = array[index], []
            for step in (h, -h):
                array[index] = kept + step
                sides.append(np.sum(layer.forward(params, x, EVALUATION)[0] * dy))
            array[index] = kept
            expected[index] = (sides[0] - sides[1]) / (2 * h)
        assert relative_error(grads[name], expected) <= 1e-7, name


def complex_steps_are_derivatives(layer):
    """Of the loss, which gives the gradient, and of the gradient, which gives the curvature."""
    params, (x, dy) = random_parameters(layer), samples(layer)
    everything = {**params, "x": x}
    v = {
        k: np.random.default_rng(i).normal(size=a.shape)
        for i, (k, a) in enumerate(everything.items())
    }

    def moved(step):
        point = random_parameters(layer, dtype=np.result_type(step))
        for name, array in point.items():
            array += step * v[name]
        return point, x + step * v["x"]

    stepped, stepped_x = moved(STEP * 1j)
    y = layer.forward(stepped, stepped_x, EVALUATION)[0]
    grads = pulled(layer, params, x, dy)
    slope = sum(np.sum(grads[name] * v[name]) for name in v)
    assert abs(np.sum(dy * y.imag) / STEP - slope) < 1e-11 * abs(slope)
    turned = pulled(layer, stepped, stepped_x, dy.astype(complex))
    sides = [pulled(layer, params, x, dy) for params, x in (moved(1e-4), moved(-1e-4))]
    for name, got in turned.items():
        np.testing.assert_allclose(got.real, grads[name], rtol=1e-12, atol=1e-12)
        expected = (sides[0][name] - sides[1][name]) / 2e-4
        np.testing.assert_allclose(got.imag / STEP, expected, rtol=1e-6, atol=1e-6)


def float32_agrees(layer):
    params, (x, dy) = random_parameters(layer), samples(layer)
    exact = {**pulled(layer, params, x, dy), "y": layer.forward(params, x, EVALUATION)[0]}
    params, x, dy = random_parameters(layer, dtype="float32"), x.astype("f4"), dy.astype("f4")
    rounded = {**pulled(layer, params, x, dy), "y": layer.forward(params, x, EVALUATION)[0]}
    for name, got in rounded.items():
        assert got.dtype == np.float32, name
        assert relative_error(got, exact[name]) < 1e-5, name


def unwanted_gradient_of_the_input_changes_no_other(layer):
    params, (x, dy) = random_parameters(layer), samples(layer)
    wanted, unwanted = pulled(layer, params, x, dy), empty_gradients(layer)
    assert layer.forward(params, x, EVALUATION)[1](dy, unwanted, wanted=False) is None
    for name, got in unwanted.items():
        np.testing.assert_array_equal(got, wanted[name])


def run_again_gives_what_a_fresh_layer_gives(layer):
    """Bound to a workspace, and to arrays that are filled later and again; none is changed."""
    own, own_x = empty_gradients(layer), np.full((N_SAMPLES, layer.n_in), np.nan)
    bound = layer.bind(own, own_x, Context(training=True, allocate=Workspace()))
    for seed in range(3):
        params, (x, dy) = random_parameters(layer, seed), samples(layer)
        for name, array in params.items():
            own[name][...] = array
        own_x[...] = x * (seed + 1)
        bound.run()
        grads, own_dy = empty_gradients(layer), dy.copy()
        got = {"x": bound.pullback(own_dy, grads), **grads}
        expected = pulled(layer, params, x * (seed + 1), dy)
        for name, array in got.items():
            np.testing.assert_array_equal(array, expected[name])
        np.testing.assert_array_equal(bound.y, layer.forward(params, own_x, EVALUATION)[0])
        np.testing.assert_equal((own_x, own_dy, own), (x * (seed + 1), dy, params))


class _RecordingScratch(Fresh):
    """A source of new arrays that knows which of them any other layer may overwrite."""

    def __init__(self):
        self.lent = []

    def scratch(self, slot, shape, dtype):
        self.lent.append(super().scratch(slot, shape, dtype))
        return self.lent[-1]


def scratch_is_not_relied_on_between_run_and_pullback(layer):
    params, (x, dy) = random_parameters(layer), samples(layer)
    source = _RecordingScratch()
    bound = layer.bind(params, x, Context(training=True, allocate=source))
    bound.run()
    y = bound.y.copy()
    for array in source.lent:
        array[...] = np.nan
    grads = empty_gradients(layer)
    got = {"x": bound.pullback(dy, grads), **grads}
    np.testing.assert_array_equal(bound.y, y)
    for name, expected in pulled(layer, params, x, dy).items():
        np.testing.assert_array_equal(got[name], expected)


def takes_arrays_with_gaps(layer):
    """An input and a gradient that are columns of wider arrays, as Pad and Slice give them."""
    params, (x, dy) = random_parameters(layer), samples(layer)
    wide_x, wide_dy = (np.pad(array, ((0, 0), (0, 3))) for array in (x, dy))
    apart = wide_x[:, : layer.n_in]
    bound = layer.bind(params, apart, EVALUATION)
    apart[...] = 2 * x
    bound.run()
    grads = empty_gradients(layer)
    got = {"x": bound.pullback(wide_dy[:, : layer.n_out], grads), **grads}
    for name, expected in pulled(layer, params, 2 * x, dy).items():
        np.testing.assert_allclose(got[name], expected, rtol=1e-12, atol=1e-12)


def a_step_allocates_nothing(layer, dtype="float32", n=8192, most=4096):
    """Nothing of the batch's size after the first step, besides what NumPy adds a bias with."""
    buffer = _peak_of_a_step(Dense(layer.n_in, layer.n_out), dtype, n)
    assert _peak_of_a_step(layer, dtype, n) < buffer + most


def _peak_of_a_step(layer, dtype, n):
    params, (x, dy) = random_parameters(layer, dtype=dtype), samples(layer, n)
    x, dy, grads = x.astype(dtype), dy.astype(dtype), empty_gradients(layer, dtype)
    bound = layer.bind(params, x, Context(training=True, allocate=Workspace()))
    bound.run()
    bound.pullback(dy, grads)
    tracemalloc.start()
    try:
        bound.run()
        bound.pullback(dy, grads)
        bound.pullback(dy, grads, wanted=False)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def initial_variance_is_kept(layer, n_draws=20):
    """n_in · Var W = 2, the bias zero, over draws; and the same draw in every precision."""
    W = [layer.matrix(initial_parameters(layer, seed)) for seed in range(n_draws)]
    assert abs(layer.n_in * np.mean(np.square(W)) / GAIN - 1) < 0.1
    assert not initial_parameters(layer)["bias"].any()
    flat = Network([layer]).initial_parameters(np.random.default_rng(0), "float32")
    for name, array in Network([layer]).views(flat)[0].items():
        np.testing.assert_array_equal(array, initial_parameters(layer)[name].astype("float32"))


def rank_is_the_expected_one(layer):
    W = layer.matrix(random_parameters(layer))
    assert np.linalg.matrix_rank(W) == layer.expected_rank()


def jacobian(layer, params):
    """∂W/∂θ by complex steps for each parameter but the bias: name to (n_weights, n_out · n_in)."""
    found = {}
    stepped = {name: array.astype(complex) for name, array in params.items()}
    for name, array in stepped.items():
        if name != "bias":
            rows = []
            for index in np.ndindex(array.shape):
                array[index] += STEP * 1j
                rows.append(layer.matrix(stepped).imag.ravel() / STEP)
                array[index] -= STEP * 1j
            found[name] = np.array(rows)
    return found


def null_directions_are_counted(layer):
    J = np.concatenate(list(jacobian(layer, random_parameters(layer)).values()))
    rank = np.linalg.matrix_rank(J, tol=1e-9 * np.linalg.norm(J, 2))
    assert len(J) - rank == layer.n_null_directions()


def weight_gain_is_that_of_the_jacobian(layer, n_draws=20):
    gains = layer.weight_gain()
    assert gains.keys() <= layer.parameter_shapes().keys()
    squares: dict[str, list[float]] = {}
    for seed in range(n_draws):
        for name, J in jacobian(layer, initial_parameters(layer, seed)).items():
            squares.setdefault(name, []).append(np.mean(np.sum(J**2, axis=1)))
    for name, found in squares.items():
        assert abs(gains.get(name, 1.0) / np.mean(found) - 1) < 0.2, name


LAWS = (
    acts_as_its_matrix,
    pullback_is_the_adjoint,
    gradients_are_those_of_central_differences,
    complex_steps_are_derivatives,
    float32_agrees,
    unwanted_gradient_of_the_input_changes_no_other,
    run_again_gives_what_a_fresh_layer_gives,
    scratch_is_not_relied_on_between_run_and_pullback,
    takes_arrays_with_gaps,
    rank_is_the_expected_one,
    null_directions_are_counted,
    weight_gain_is_that_of_the_jacobian,
)
"""For small layers, of some 10 × 10; the other laws are statistics, or need a large batch."""
