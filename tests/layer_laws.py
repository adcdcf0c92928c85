"""Laws that every weight layer obeys, each a function that asserts it of one layer.

They ask the layer alone, so that a family can be tested before networks know of it. Activations
are rows.
"""

import tracemalloc
from copy import deepcopy
from functools import lru_cache

import numpy as np

from cdbench.engine.layers.base import EVALUATION, Context
from cdbench.engine.layers.weight_layer import GAIN
from cdbench.engine.network import Network
from cdbench.engine.products.base import Fresh
from cdbench.engine.products.workspace import Workspace
from tests.cases import for_each

N_SAMPLES = 5
STEP = 1e-20
"""Of a complex step: nothing is subtracted, so it may be as small as this."""
FEW_BYTES = 4096
ENOUGH = 0.35
"""The most that a mean over draws may be off by chance, relatively."""
MOST_DRAWS = 6000


class Soiled(Fresh):
    """A source of arrays that are not a number until written, its scratch whenever asked for."""

    def __init__(self):
        self.lent = []

    def kept(self, shape, dtype):
        return _soil(np.empty(shape, dtype))

    def scratch(self, slot, shape, dtype):
        self.lent.append(self.kept(shape, dtype))
        return self.lent[-1]

    def soil(self):
        """Do what any other layer may do."""
        for array in self.lent:
            _soil(array)


def _soil(array):
    array[...] = complex(np.nan, np.nan) if array.dtype.kind == "c" else np.nan
    return array


@lru_cache(maxsize=1)
def _network(layer):
    return Network([layer])


def empty(layer, dtype="float64"):
    """Parameters or gradients that are not yet written, in a network's memory order."""
    network = _network(layer)
    return network.views(_soil(np.empty(network.n_parameters, dtype)))[0]


def stored(layer, values):
    """Copies of the values, in a network's memory order."""
    copies = empty(layer, np.result_type(*values.values()))
    for name, array in copies.items():
        array[...] = values[name]
    return copies


def initial(layer, seed=0, dtype="float64"):
    flat = _network(layer).initial_parameters(np.random.default_rng(seed), dtype)
    return _network(layer).views(flat)[0]


def drawn(layer, seed=0, dtype="float64"):
    """Parameters off their initial values: none of them is zero."""
    rng = np.random.default_rng(seed + 100)
    values = initial(layer, seed)
    off = {name: array + 0.1 * rng.normal(size=array.shape) for name, array in values.items()}
    return stored(layer, {name: array.astype(dtype) for name, array in off.items()})


def samples(layer, n=N_SAMPLES, dtype="float64"):
    """An input and a gradient of the output."""
    rng = np.random.default_rng(7)
    x, dy = (rng.normal(size=(n, width)) + 0.3 for width in (layer.n_in, layer.n_out))
    return x.astype(dtype), dy.astype(dtype)


def point(layer, seed=0, dtype="float64", n=N_SAMPLES):
    x, dy = samples(layer, n, dtype)
    return drawn(layer, seed, dtype), x, dy


def pulled(layer, params, x, dy, context=EVALUATION, wanted=True):
    """The output as "y" and all gradients, that of the input as "x"."""
    grads = empty(layer, x.dtype)
    y, pullback = layer.forward(params, x, context)
    return {"x": pullback(dy, grads, wanted=wanted), **grads, "y": y}


def relative_error(got, expected):
    scale = np.linalg.norm(expected)
    return np.linalg.norm(got - expected) / (scale if scale else 1.0)


def assert_close(got, expected, bound):
    assert got.keys() == expected.keys()
    for name, array in got.items():
        assert relative_error(array, expected[name]) <= bound, name


def costs(layer):
    """Weights without the bias, and multiply-adds."""
    shapes = layer.parameter_shapes()
    weights = sum(int(np.prod(shape)) for name, shape in shapes.items() if name != "bias")
    return weights, layer.multiply_adds()


def acts_as_its_matrix(layer):
    """y = x Wᵀ + b, dx = dy W, and all arguments are left alone."""
    params, x, dy = point(layer)
    before = deepcopy((params, x, dy))
    W = layer.matrix(params)
    assert W.shape == (layer.n_out, layer.n_in)
    found = pulled(layer, params, x, dy)
    expected = {"y": x @ W.T + params["bias"], "x": dy @ W, "bias": dy.sum(axis=0)}
    assert_close({name: found[name] for name in expected}, expected, 1e-13)
    np.testing.assert_equal((params, x, dy), before)


def pullback_is_the_adjoint(layer):
    params, x, dy = point(layer)
    v = np.random.default_rng(8).normal(size=x.shape)
    # The layer is affine, so that a difference over any distance is its derivative.
    sides = [layer.forward(params, x + step * v, EVALUATION)[0] for step in (0.5, -0.5)]
    moved = sides[0] - sides[1]
    dx = pulled(layer, params, x, dy)["x"]
    scale = np.linalg.norm(moved) * np.linalg.norm(dy)
    assert abs(np.sum(moved * dy) - np.sum(v * dx)) <= 1e-13 * scale


def unwanted_gradient_of_the_input_is_none_and_changes_no_other(layer):
    params, x, dy = point(layer)
    unwanted = pulled(layer, params, x, dy, wanted=False)
    assert unwanted["x"] is None
    np.testing.assert_equal(unwanted, {**pulled(layer, params, x, dy), "x": None})


def float32_stays_and_agrees(layer):
    params, x, dy = point(layer, dtype="float32")
    exact = stored(layer, {name: array.astype("float64") for name, array in params.items()})
    got = pulled(layer, params, x, dy)
    assert {name: array.dtype for name, array in got.items()} == dict.fromkeys(got, x.dtype)
    assert_close(got, pulled(layer, exact, x.astype("float64"), dy.astype("float64")), 1e-5)


def complex_steps_are_derivatives(layer):
    """Along parameters, input and output's gradient: of the loss, and of the gradient itself."""
    params, x, dy = point(layer)
    start = {**params, "x": x, "dy": dy}
    rng = np.random.default_rng(5)
    v = {name: rng.normal(size=array.shape) for name, array in start.items()}

    def at(step):
        moved = {name: array + step * v[name] for name, array in start.items()}
        moved_x, moved_dy = moved.pop("x"), moved.pop("dy")
        found = pulled(layer, stored(layer, moved), moved_x, moved_dy)
        return {name: array.copy() for name, array in found.items()}

    here, stepped, h = at(0.0), at(STEP * 1j), 1e-5
    slope = sum(np.sum(here[name] * v[name]) for name in here if name != "y")
    parts = np.sum(np.abs(dy * stepped["y"].imag)) / STEP
    assert abs(np.sum(dy * stepped["y"].imag) / STEP - slope) <= 1e-12 * parts
    assert_close({name: array.real for name, array in stepped.items()}, here, 1e-12)
    above, below = at(h), at(-h)
    exact = {name: array.imag / STEP for name, array in stepped.items()}
    assert_close({name: (above[name] - below[name]) / (2 * h) for name in here}, exact, 1e-7)


def lent_arrays_give_what_new_ones_give(layer):
    """Two layers share a workspace; both run before the last one is pulled back, then the first."""
    (x, dy), workspace, sizes = samples(layer), Workspace(), set()
    for factor in (1.0, -0.5, 2.0):
        workspace.restart()
        lent = Context(training=True, allocate=workspace)
        cases = [(drawn(layer), factor * x), (drawn(layer, seed=5), x + 1)]
        ran = [layer.forward(*case, lent) for case in cases]
        for (params, own), (y, pullback) in reversed(list(zip(cases, ran, strict=True))):
            grads = empty(layer)
            got = {"x": pullback(factor * dy, grads), **grads, "y": y}
            np.testing.assert_equal(got, pulled(layer, params, own, factor * dy))
        sizes.add(workspace.n_bytes)
    assert len(sizes) == 1


def unwritten_arrays_are_not_read(layer):
    """Neither new ones, nor scratch that others wrote to between run and pullback, or the next."""
    (params, x, dy), source = point(layer), Soiled()
    bound = layer.bind(params, x, Context(training=True, allocate=source))
    expected = pulled(layer, params, x, dy)
    for _ in range(2):
        source.soil()
        bound.run()
        for wanted in (False, True):
            source.soil()
            grads = empty(layer)
            dx = bound.pullback(dy, grads, wanted=wanted)
        np.testing.assert_equal({"x": dx, **grads, "y": bound.y}, expected)


def run_again_gives_what_a_fresh_layer_gives(layer):
    """Bound to arrays that are filled later, and again; none of them is changed."""
    own, own_x = empty(layer), np.full((N_SAMPLES, layer.n_in), np.nan)
    bound = layer.bind(own, own_x, Context(training=True, allocate=Workspace()))
    for seed in range(3):
        params, x, dy = point(layer, seed)
        x *= seed + 1
        for name, array in params.items():
            own[name][...] = array
        own_x[...] = x
        bound.run()
        grads, own_dy = empty(layer), dy.copy()
        got = {"x": bound.pullback(own_dy, grads), **grads, "y": bound.y}
        np.testing.assert_equal(got, pulled(layer, params, x, dy))
        np.testing.assert_equal((own_x, own_dy, own), (x, dy, params))


def takes_arrays_with_gaps(layer):
    """An input and a gradient that are columns of wider arrays, as Pad and Slice give them."""
    params, x, dy = point(layer)
    wide_x, wide_dy = (np.pad(array, ((0, 0), (0, 3))) for array in (x, dy))
    apart, grads = wide_x[:, : layer.n_in], empty(layer)
    bound = layer.bind(params, apart, EVALUATION)
    apart[...] = 2 * x
    bound.run()
    got = {"x": bound.pullback(wide_dy[:, : layer.n_out], grads), **grads, "y": bound.y}
    assert_close(got, pulled(layer, params, 2 * x, dy), 1e-13)


def a_step_allocates_nothing(layer):
    """Nothing as large as a batch or a matrix, after the first step, in either precision."""
    for dtype in ("float32", "float64"):
        params, x, dy = point(layer, dtype=dtype, n=1100)
        grads = empty(layer, dtype)
        bound = layer.bind(params, x, Context(training=True, allocate=Workspace()))
        bound.run()
        bound.pullback(dy, grads)
        with np.errstate():  # restores the size of the buffers that NumPy broadcasts with
            np.setbufsize(16)
            # Other threads, such as one that reports tests, may take memory during one of two.
            peak = min(_peak_of_a_step(bound, dy, grads) for _ in range(2))
        assert peak <= FEW_BYTES, dtype


def _peak_of_a_step(bound, dy, grads):
    tracemalloc.start()
    try:
        bound.run()
        bound.pullback(dy, grads)
        bound.pullback(dy, grads, wanted=False)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def assert_means(layer, measure, expected):
    """Means over draws of initial values are as expected, within what chance allows.

    There are as many draws as it takes for that to be little. What is always zero has no scale.
    """
    values, rng = empty(layer), np.random.default_rng(0)
    found: dict[str, list[float]] = {}
    for count in range(1, MOST_DRAWS + 1):
        layer.initialize(values, rng)
        for name, number in measure(values).items():
            found.setdefault(name, []).append(number)
        if count % 200 == 0 and all(_error(own) <= ENOUGH * np.mean(own) for own in found.values()):
            break
    for name, own in found.items():
        mean = np.mean(own)
        assert _error(own) <= ENOUGH * mean, (name, "varies too much")
        assert not mean or abs(mean - expected.get(name, 1.0)) <= _error(own) + 1e-12 * mean, name


def _error(values):
    """Five standard errors of the mean."""
    return 5 * np.std(values) / np.sqrt(len(values))


def initial_variance_is_kept(layer):
    """n_in · Var W = 2 over draws."""

    def measure(values):
        return {"W": layer.n_in * np.mean(layer.matrix(values) ** 2)}

    assert_means(layer, measure, {"W": GAIN})


def initial_values_are_the_same_draw_in_every_precision(layer):
    values = initial(layer)
    written = {name: np.full_like(array, 9.0) for name, array in values.items()}
    layer.initialize(written, np.random.default_rng(0))
    np.testing.assert_equal(written, values)
    assert not values["bias"].any()
    rounded = {name: array.astype("float32") for name, array in values.items()}
    np.testing.assert_equal(initial(layer, dtype="float32"), rounded)


def rank_is_the_expected_one(layer):
    values = np.linalg.svd(layer.matrix(drawn(layer)), compute_uv=False)
    assert np.sum(values > 1e-12 * values[0]) == layer.expected_rank()


def weight_gain_is_how_far_a_unit_step_moves_the_matrix(layer):
    """The mean of ‖∂W/∂θ‖² over draws; over entries it is that of steps by random signs."""
    said, rng, params = layer.weight_gain(), np.random.default_rng(9), empty(layer, "complex128")
    weights = [name for name in params if name != "bias" and params[name].size]
    assert said.keys() <= params.keys() - {"bias"}

    def measure(values):
        found = {}
        for name, array in params.items():
            array[...] = values[name]
        for name in weights:
            signs = 2 * rng.integers(2, size=values[name].shape) - 1
            params[name][...] = values[name] + STEP * 1j * signs
            found[name] = np.sum((layer.matrix(params).imag / STEP) ** 2) / signs.size
            params[name][...] = values[name]
        return found

    assert_means(layer, measure, said)


def jacobian(layer, params):
    """∂W/∂θ, (weights, n_out · n_in), by complex steps."""
    rows = []
    stepped = stored(layer, {name: array.astype(complex) for name, array in params.items()})
    for name, array in stepped.items():
        if name != "bias":
            for index in np.ndindex(array.shape):
                kept = array[index]
                array[index] = kept + STEP * 1j
                rows.append(layer.matrix(stepped).imag.ravel() / STEP)
                array[index] = kept
    return np.array(rows)


def null_directions_are_counted(layer):
    """By a clear margin."""
    J = jacobian(layer, drawn(layer))
    values = np.linalg.svd(J, compute_uv=False)
    rank = np.sum(values > 1e-12 * values[0])
    assert values[rank - 1] > 1e-9 * values[0]
    assert len(J) - rank == layer.n_null_directions()


def gradients_are_those_of_differences(layer):
    """Entry by entry: of central differences, and of complex steps, which are exact."""
    params, x, dy = point(layer)
    found = pulled(layer, params, x, dy)
    real = {**stored(layer, params), "x": x.copy()}
    turned = {name: array.astype(complex) for name, array in real.items()}
    turned |= stored(layer, turned)
    by_steps = _slopes(layer, turned, dy, STEP * 1j)
    above, below = (_slopes(layer, real, dy, step) for step in (1e-4, -1e-4))
    for name, sums in by_steps.items():
        assert relative_error(found[name], (above[name] - below[name]) / 2e-4) <= 1e-7, name
        assert relative_error(found[name], sums.imag / STEP) <= 1e-12, name


def _slopes(layer, variables, dy, step):
    """The loss after a step of each entry of each variable; bound once and run again."""
    bound = layer.bind(variables, variables["x"], EVALUATION)
    sums = {name: np.empty_like(array) for name, array in variables.items()}
    for name, array in variables.items():
        for index in np.ndindex(array.shape):
            kept = array[index]
            array[index] = kept + step
            bound.run()
            array[index] = kept
            sums[name][index] = np.vdot(dy, bound.y)
    return sums


LAWS = (
    acts_as_its_matrix,
    pullback_is_the_adjoint,
    gradients_are_those_of_differences,
    complex_steps_are_derivatives,
    unwanted_gradient_of_the_input_is_none_and_changes_no_other,
    float32_stays_and_agrees,
    lent_arrays_give_what_new_ones_give,
    unwritten_arrays_are_not_read,
    run_again_gives_what_a_fresh_layer_gives,
    takes_arrays_with_gaps,
    a_step_allocates_nothing,
    initial_variance_is_kept,
    initial_values_are_the_same_draw_in_every_precision,
    weight_gain_is_how_far_a_unit_step_moves_the_matrix,
    rank_is_the_expected_one,
    null_directions_are_counted,
)
"""For layers of some 10 × 10."""

ENTRY_BY_ENTRY = (
    gradients_are_those_of_differences,
    weight_gain_is_how_far_a_unit_step_moves_the_matrix,
    null_directions_are_counted,
)
"""Which take long for wide layers."""

STATISTICS = (initial_variance_is_kept, weight_gain_is_how_far_a_unit_step_moves_the_matrix)
"""Which take long for layers whose few entries vary much."""

every_law = for_each("law", LAWS)


def obeys_all(layer, but=()):
    for law in LAWS:
        if law not in but:
            law(layer)
