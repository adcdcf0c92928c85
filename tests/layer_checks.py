"""Laws of every weight layer whose activations are rows, as functions for the families' tests."""

import tracemalloc

import numpy as np

from cdbench.engine.layers.base import EVALUATION, BoundLayer, Context, Layer, Params, WeightLayer
from cdbench.engine.products.base import Array, Fresh
from cdbench.engine.products.workspace import Workspace

N_SAMPLES = 7
STEP = 1e-20
"""Of complex steps, whose square is below rounding."""


class Unwritten(Fresh):
    """A source of arrays that are not a number until they are written."""

    def kept(self, shape, dtype):
        nan = complex(np.nan, np.nan) if np.dtype(dtype).kind == "c" else np.nan
        return np.full(shape, nan, dtype)

    def scratch(self, slot, shape, dtype):
        return self.kept(shape, dtype)


def in_memory_order(layer: Layer, values: Params) -> Params:
    """Copies of the values, stored as the network's flat vector stores them."""
    stored = {}
    for name, value in values.items():
        order = layer.memory_order.get(name, tuple(range(value.ndim)))
        stored[name] = np.ascontiguousarray(value.transpose(order)).transpose(np.argsort(order))
    return stored


def drawn(layer, seed=0, dtype="float64"):
    """Parameters off their initial values, an input and an output's gradient."""
    rng = np.random.default_rng(seed)
    shapes = layer.parameter_shapes()
    params = {name: np.empty(shape) for name, shape in shapes.items()}
    layer.initialize(params, rng)
    params = {name: value + 0.1 * rng.normal(size=value.shape) for name, value in params.items()}
    x, dy = (rng.normal(size=(N_SAMPLES, n)) + 0.3 for n in (layer.n_in, layer.n_out))
    typed = {name: value.astype(dtype) for name, value in params.items()}
    return in_memory_order(layer, typed), x.astype(dtype), dy.astype(dtype)


def pulled(layer, params, x, dy, wanted=True, context=EVALUATION):
    """The output, the input's gradient and the parameters' gradients."""
    grads = {name: np.full_like(value, np.nan) for name, value in params.items()}
    y, pullback = layer.forward(params, x, context)
    return y, pullback(dy, grads, wanted=wanted), grads


def relative_error(got: Array, expected: Array) -> float:
    scale = np.linalg.norm(expected)
    return float(np.linalg.norm(got - expected) / (scale or 1.0))


def check_gradients(layer: WeightLayer, h: float = 1e-4) -> None:
    """They are those of central differences and of complex steps, which are exact."""
    params, x, dy = drawn(layer)
    _, dx, grads = pulled(layer, params, x, dy)
    variables, gradients = {**params, "x": x}, {**grads, "x": dx}

    def loss(of, name, index, step):
        moved = {k: v.astype(np.result_type(v, step)) for k, v in of.items()}
        moved = in_memory_order(layer, moved)
        moved[name][index] += step
        own = {k: v for k, v in moved.items() if k != "x"}
        return np.sum(dy * layer.forward(own, moved["x"], EVALUATION)[0])

    for name, value in variables.items():
        central, exact = np.empty_like(value), np.empty_like(value)
        for index in np.ndindex(value.shape):
            sides = [loss(variables, name, index, step) for step in (h, -h)]
            central[index] = (sides[0] - sides[1]) / (2 * h)
            exact[index] = loss(variables, name, index, STEP * 1j).imag / STEP
        assert relative_error(gradients[name], central) <= 1e-7, name
        assert relative_error(gradients[name], exact) <= 1e-13, name


def check_gradient_is_analytic(layer: WeightLayer) -> None:
    """Its complex step is its derivative, along parameters, input and output's gradient."""
    params, x, dy = drawn(layer)
    rng = np.random.default_rng(5)
    point = {**params, "x": x, "dy": dy}
    v = {name: rng.normal(size=value.shape) for name, value in point.items()}

    def gradient(step):
        moved = in_memory_order(layer, {k: p + step * v[k] for k, p in point.items()})
        moved_x, moved_dy = moved.pop("x"), moved.pop("dy")
        _, dx, grads = pulled(layer, moved, moved_x, moved_dy)
        return np.concatenate([dx.ravel(), *(grads[k].ravel() for k in sorted(grads))])

    exact = gradient(STEP * 1j).imag / STEP
    central = (gradient(1e-4) - gradient(-1e-4)) / 2e-4
    assert relative_error(central, exact) <= 1e-7
    np.testing.assert_allclose(gradient(STEP * 1j).real, gradient(0.0), rtol=1e-11, atol=1e-11)


def check_matrix_and_adjoint(layer: WeightLayer) -> None:
    """y = x Wᵀ + b and dx = dy W, whether or not dx is wanted, and all arguments are left alone."""
    params, x, dy = drawn(layer)
    before = {name: value.copy() for name, value in params.items()}, x.copy(), dy.copy()
    W = layer.matrix(params)
    assert W.shape == (layer.n_out, layer.n_in)
    y, dx, grads = pulled(layer, params, x, dy)
    assert relative_error(y, x @ W.T + params["bias"]) <= 1e-13
    assert relative_error(dx, dy @ W) <= 1e-13
    assert relative_error(grads["bias"], dy.sum(axis=0)) <= 1e-13
    _, nothing, same = pulled(layer, params, x, dy, wanted=False)
    assert nothing is None
    np.testing.assert_equal(same, grads)
    np.testing.assert_equal((params, x, dy), before)


def check_float32(layer: WeightLayer) -> None:
    """float32 stays float32 and agrees with float64 to its rounding."""
    params, x, dy = drawn(layer, dtype="float32")
    double = {name: value.astype("float64") for name, value in params.items()}
    y, dx, grads = pulled(layer, params, x, dy)
    y_64, dx_64, grads_64 = pulled(
        layer, in_memory_order(layer, double), x.astype("float64"), dy.astype("float64")
    )
    assert y.dtype == dx.dtype == np.float32
    assert relative_error(y, y_64) <= 1e-5
    assert relative_error(dx, dx_64) <= 1e-5
    for name, value in grads.items():
        assert relative_error(value, grads_64[name]) <= 1e-5, name


def check_arrays_are_reused(layer: WeightLayer, limit: int = 4096) -> None:
    """A workspace gives what new arrays give, whatever is in them; steps allocate nothing."""
    params, x, dy = drawn(layer)
    x, dy = np.tile(x, (40, 1)), np.tile(dy, (40, 1))
    workspace = Workspace()
    sizes = set()
    for factor in (1.0, -0.5, 2.0):
        workspace.restart()
        at = (params, factor * x, factor * dy)
        unwritten = pulled(layer, *at, context=Context(allocate=Unwritten()))
        np.testing.assert_equal(unwritten, pulled(layer, *at))
        np.testing.assert_equal(pulled(layer, *at, context=Context(allocate=workspace)), unwritten)
        sizes.add(workspace.n_bytes)
    assert len(sizes) == 1
    for dtype in ("float64", "float32"):
        own = in_memory_order(layer, {k: v.astype(dtype) for k, v in params.items()})
        bound = layer.bind(own, x.astype(dtype), Context(allocate=Workspace()))
        grads = {name: np.empty_like(value) for name, value in own.items()}
        own_dy = dy.astype(dtype)
        for _ in range(2):
            bound.run()
            bound.pullback(own_dy, grads)
        assert peak_of_step(bound, own_dy, grads) < limit, dtype


def peak_of_step(bound: BoundLayer, dy: Array, grads: Params) -> int:
    """The bytes that a step allocates, without NumPy's buffers, which are here made small.

    They have a fixed size, and are there as soon as an operand is not contiguous: in the sum of a
    product and a bias, for one.
    """
    before = np.setbufsize(16)
    tracemalloc.start()
    try:
        bound.run()
        bound.pullback(dy, grads)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        np.setbufsize(before)


def initial(layer: WeightLayer, seed: int) -> Params:
    params = {name: np.full(shape, 9.0) for name, shape in layer.parameter_shapes().items()}
    layer.initialize(params, np.random.default_rng(seed))
    return in_memory_order(layer, params)


def check_gain(layer: WeightLayer, draws: int = 20) -> None:
    """n_in Var W = 2 over draws, and biases are zero."""
    square = 0.0
    for seed in range(draws):
        params = initial(layer, seed)
        assert not params["bias"].any()
        square += float(np.mean(layer.matrix(params) ** 2)) / draws
    assert abs(layer.n_in * square / 2 - 1) < 0.1


def jacobian(layer: WeightLayer, params: Params) -> dict[str, Array]:
    """∂W/∂θ for every weight, (n_out n_in, size of the parameter), by complex steps."""
    columns = {}
    for name in (k for k in params if k != "bias"):
        of_name = []
        for index in np.ndindex(params[name].shape):
            moved = in_memory_order(layer, {k: v.astype(complex) for k, v in params.items()})
            moved[name][index] += STEP * 1j
            of_name.append(layer.matrix(moved).imag.ravel() / STEP)
        shape = (len(of_name), layer.n_out * layer.n_in)
        columns[name] = np.array(of_name).reshape(shape).T
    return columns


def check_ranks(layer: WeightLayer) -> None:
    """W has its expected rank, and ∂W/∂θ as many null directions as said, by a clear margin."""
    params, _, _ = drawn(layer)
    values = np.linalg.svd(layer.matrix(params), compute_uv=False)
    assert int(np.sum(values > 1e-12 * values[0])) == layer.expected_rank()
    J = np.concatenate(list(jacobian(layer, params).values()), axis=1)
    values = np.linalg.svd(J, compute_uv=False)
    rank = int(np.sum(values > 1e-12 * values[0]))
    assert J.shape[1] - rank == layer.n_null_directions()


def check_weight_gain(layer: WeightLayer, draws: int = 20) -> None:
    """It is the mean of ‖∂W/∂θ‖² at initial values, 1 where it says nothing."""
    squares: dict[str, list[float]] = {}
    for seed in range(draws):
        for name, J in jacobian(layer, initial(layer, seed)).items():
            if J.any():  # what never moves W has no scale
                squares.setdefault(name, []).append(float(np.mean(np.sum(J**2, axis=0))))
    for name, found in squares.items():
        said = layer.weight_gain().get(name, 1.0)
        assert abs(said / np.mean(found) - 1) < 0.2, name


def n_weights(layer: WeightLayer) -> int:
    """The number of weights, without the bias."""
    shapes = layer.parameter_shapes()
    return sum(int(np.prod(shape)) for name, shape in shapes.items() if name != "bias")
