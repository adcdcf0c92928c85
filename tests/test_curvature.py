"""The whole network's Gauss–Newton matrix and Hessian: closed forms, symmetries, spectra."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from cdbench.config.run_config import RunConfig
from cdbench.diagnostics.curvature import gauss_newton, hessian, measure_curvature, operators
from cdbench.diagnostics.curvature.exact import gauss_newton_matrix, hessian_matrix
from cdbench.diagnostics.curvature.operators import logit_shift, weight_space
from cdbench.engine.building import build_network
from cdbench.engine.layers import (
    EVALUATION,
    NORMALIZATIONS,
    CDLinear,
    Context,
    Dense,
    Layer,
    Pad,
    Params,
    ReLU,
    Slice,
)
from cdbench.engine.layers.base import BoundLayer
from cdbench.engine.losses import softmax, softmax_cross_entropy
from cdbench.engine.network import Network
from cdbench.engine.products import PRODUCTS
from cdbench.engine.products.base import ROWS
from cdbench.engine.products.layout import to_vertices
from cdbench.errors import ConfigurationError, ShapeError, UnknownNameError

N, N_IN, CLASSES = 11, 5, 3


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """As in ``execute``; small products are slower with more."""
    with threadpool_limits(1, "blas"):
        yield


class Softplus(Layer):
    """A smooth activation, log(1 + exp x), analytic near the real axis."""

    def bind(self, params, x, context):
        y, growth = np.empty_like(x), np.empty_like(x)

        def run():
            np.exp(x, out=growth)
            np.log(1 + growth, out=y)

        return BoundLayer(y, run, lambda dy, grads: dy * growth / (1 + growth))


class Point:
    """A small network at random parameters, with samples, labels and an evaluation's context."""

    def __init__(self, network, seed=1):
        rng = np.random.default_rng(seed)
        self.network = network
        self.X, self.y = rng.normal(size=(N, network.n_in)), rng.integers(0, CLASSES, N)
        self.theta = network.initial_parameters(rng)
        self.theta += 0.3 * rng.normal(size=self.theta.size)
        self.context = network.evaluation(network.views(self.theta), self.X)
        self.at = (network, self.theta, self.X, self.y, self.context)

    def gradient(self, theta):
        gradient = np.zeros_like(theta)
        logits, pullback = self.network.forward(self.network.views(theta), self.X, self.context)
        pullback(softmax_cross_entropy(logits, self.y)[1], self.network.views(gradient))
        return gradient

    def slopes(self, h=1e-6):
        """The Hessian by central differences of the gradient."""
        steps = h * np.eye(self.theta.size)
        return np.array(
            [self.gradient(self.theta + s) - self.gradient(self.theta - s) for s in steps]
        ) / (2 * h)


def config_of(B, **knobs):
    layer = "dense" if B is None else "cdlinear"
    return RunConfig(**({"layer": layer, "B": B, "hidden": (4,), "product": "gather"} | knobs))


def point_of(B, **knobs):
    """Inputs are padded and logits sliced off for B of 2, 3 and 4."""
    return Point(build_network(config_of(B, **knobs), N_IN, CLASSES))


FAMILIES = {"dense": point_of(None)} | {f"B={B}": point_of(B) for B in (1, 2, 3, 4)}
NORMALIZED = {name: point_of(2, normalization=name) for name in NORMALIZATIONS}
LINEAR = {
    "dense": Point(Network([Dense(N_IN, CLASSES)])),
    "B=2": Point(Network([Pad(N_IN, 6), CDLinear(6, 4, 2), Slice(4, CLASSES)])),
}
SMOOTH = {
    "dense": Point(Network([Dense(N_IN, 4), Softplus(4, 4), Dense(4, CLASSES)])),
    "B=2": Point(
        Network([Pad(N_IN, 6), CDLinear(6, 4, 2), Softplus(4, 4), CDLinear(4, 4, 2), Slice(4, 3)])
    ),
}


def over(points):
    return pytest.mark.parametrize("point", points.values(), ids=points)


def built(operator):
    return operator @ np.eye(operator.shape[0])


def assert_close(got, expected, tolerance=1e-12):
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def output_hessians(point):
    """diag p − p pᵀ of each sample, (N, CLASSES, CLASSES)."""
    network, theta, X, _, context = point.at
    p = softmax(network.forward(network.views(theta), X, context)[0])
    return p[:, :, None] * (np.eye(CLASSES) - p[:, None, :])


# Closed forms


def test_softmax_regression_has_its_closed_form():
    point = LINEAR["dense"]
    A = output_hessians(point)
    # Of logit k by each parameter: the input's entry by a weight of row k, 1 by bias k.
    design = np.zeros((N, CLASSES, point.theta.size))
    for n, k in np.ndindex(N, CLASSES):
        (slopes,) = point.network.views(design[n, k])
        slopes["weight"][k], slopes["bias"][k] = point.X[n], 1.0
    expected = np.einsum("nkp,nkl,nlq->pq", design, A, design) / N
    assert_close(built(hessian(*point.at)), expected)
    assert_close(built(gauss_newton(*point.at)), expected)


def test_logistic_regression_is_its_case_of_two_classes():
    network = Network([Dense(N_IN, 2)])
    point = Point(network)
    y = point.y % 2
    ones = np.column_stack([point.X, np.ones(N)])
    # Logits ±z/2 have the difference z = X w + b.
    embedding = np.zeros((network.n_parameters, N_IN + 1))
    for i, column in enumerate(embedding.T):
        (views,) = network.views(own := column.copy())
        target = views["weight"][:, i] if i < N_IN else views["bias"]
        target[...] = [0.5, -0.5]
        column[...] = own
    logits, _ = network.forward(network.views(point.theta), point.X)
    sigma = 1 / (1 + np.exp(logits[:, 1] - logits[:, 0]))
    expected = ones.T @ (ones * (sigma * (1 - sigma))[:, None]) / N
    H = built(hessian(network, point.theta, point.X, y))
    assert_close(embedding.T @ H @ embedding, expected)


@over(LINEAR)
def test_matrices_are_one_where_the_model_is_linear_in_its_parameters(point):
    assert_close(built(hessian(*point.at)), built(gauss_newton(*point.at)))


@over(FAMILIES)
def test_traces_are_equal_where_logits_are_piecewise_linear_in_each_layer(point):
    # What the Hessian has beside Gauss–Newton is between different layers only.
    G, H = built(gauss_newton(*point.at)), built(hessian(*point.at))
    assert np.abs(H - G).max() > 1e-3
    np.testing.assert_allclose(np.trace(H), np.trace(G), rtol=1e-12)


# Differences


@over(SMOOTH | FAMILIES | NORMALIZED)
def test_hessian_is_the_slope_of_the_gradient(point):
    assert_close(built(hessian(*point.at)), point.slopes(), 1e-7)


@over(SMOOTH | FAMILIES | NORMALIZED)
def test_gauss_newton_is_the_curvature_of_the_linearised_network(point):
    network, theta, X, _, context = point.at
    h = 1e-6 * np.eye(theta.size)

    def logits(at):
        return network.forward(network.views(at), X, context)[0]

    J = np.array([logits(theta + s) - logits(theta - s) for s in h]) / 2e-6
    expected = np.einsum("pnk,nkl,qnl->pq", J, output_hessians(point), J) / N
    assert_close(built(gauss_newton(*point.at)), expected, 1e-7)


# Products


@pytest.mark.parametrize("product", ["polygon", "fft"])
@pytest.mark.parametrize(
    "knobs",
    [
        {"B": 2},
        {"B": 3},
        {"B": 4, "normalization": "layer"},
        {"B": 3, "normalization": "batch"},
        {"B": 18, "hidden": (18,)},
    ],
    ids=str,
)
def test_matrices_do_not_depend_on_how_products_are_computed(product, knobs):
    gathered, point = point_of(**knobs), point_of(product=product, **knobs)
    assert point.network.product == product
    np.testing.assert_array_equal(point.theta, gathered.theta)
    vectors = np.random.default_rng(0).normal(size=(point.theta.size, 5))
    for matrix in (hessian, gauss_newton):
        assert_close(matrix(*point.at) @ vectors, matrix(*gathered.at) @ vectors)
    assert_close(gauss_newton_matrix(*point.at), gauss_newton_matrix(*gathered.at))


# Symmetry, definiteness, null vectors, what the matrices depend on


@settings(max_examples=25, deadline=None)
@given(
    point=st.sampled_from([*FAMILIES.values(), *SMOOTH.values(), *NORMALIZED.values()]),
    matrix=st.sampled_from([gauss_newton, hessian]),
    seed=st.integers(0, 10**6),
)
def test_products_are_symmetric(point, matrix, seed):
    u, v = np.random.default_rng(seed).normal(size=(2, point.theta.size))
    A = matrix(*point.at)
    scale = np.linalg.norm(A @ u) * np.linalg.norm(v)
    assert abs(u @ (A @ v) - v @ (A @ u)) <= 1e-12 * scale
    assert abs(u @ (A.T @ v) - u @ (A @ v)) <= 1e-12 * scale


@over(FAMILIES | SMOOTH | NORMALIZED)
def test_products_are_those_of_the_built_matrix(point):
    assert_close(built(gauss_newton(*point.at)), gauss_newton_matrix(*point.at))
    assert_close(built(hessian(*point.at)), hessian_matrix(*point.at))
    np.testing.assert_array_equal(hessian_matrix(*point.at), hessian_matrix(*point.at).T)


@over(FAMILIES | SMOOTH | NORMALIZED)
def test_gauss_newton_is_positive_semidefinite_and_the_hessian_is_not(point):
    values = np.linalg.eigvalsh(gauss_newton_matrix(*point.at))
    assert values[0] >= -1e-14 * values[-1]
    assert np.linalg.eigvalsh(hessian_matrix(*point.at))[0] < -1e-4 * values[-1]


@over(FAMILIES)
def test_gauss_newton_products_lose_nothing_where_classes_are_nearly_certain(point):
    network, theta, X, _, context = point.at
    logits, _ = network.forward(network.views(30 * theta), X, context)
    sure = X[np.diff(np.sort(logits))[:, -1] > 20]  # the others would hide them
    at = (network, 30 * theta, sure, np.zeros(len(sure), int), context)
    assert_close(built(gauss_newton(*at)), gauss_newton_matrix(*at), 1e-10)


@over(FAMILIES | LINEAR | SMOOTH | NORMALIZED)
@pytest.mark.parametrize("matrix", [gauss_newton, hessian])
def test_shifting_all_logits_is_a_null_direction(point, matrix):
    (u,) = logit_shift(point.network)
    assert np.linalg.norm(u) == pytest.approx(1)
    A = matrix(*point.at)
    assert np.linalg.norm(A @ u) <= 1e-15 * np.linalg.norm(built(A))


@pytest.mark.parametrize("matrix", [gauss_newton, hessian])
def test_matrices_are_means_over_the_samples(matrix, monkeypatch):
    point = FAMILIES["B=3"]
    expected = built(matrix(*point.at))
    twice = (np.tile(point.X, (2, 1)), np.tile(point.y, 2))
    assert_close(built(matrix(point.network, point.theta, *twice)), expected)
    monkeypatch.setattr(operators, "CHUNK", 4)  # the last pass is a short one
    assert_close(built(matrix(*point.at)), expected)


def test_gauss_newton_matrix_does_not_depend_on_how_many_samples_a_product_takes(monkeypatch):
    point = FAMILIES["B=3"]
    expected = gauss_newton_matrix(*point.at)
    monkeypatch.setattr("cdbench.diagnostics.curvature.exact.ROWS_A_PRODUCT", 4)
    assert_close(gauss_newton_matrix(*point.at), expected)


def test_only_the_hessian_depends_on_the_labels():
    network, theta, X, y, _ = FAMILIES["dense"].at
    others = (y + 1) % CLASSES
    G, H = ([built(m(network, theta, X, z)) for z in (y, others)] for m in (gauss_newton, hessian))
    np.testing.assert_array_equal(*G)
    assert np.abs(H[0] - H[1]).max() > 0.01


@pytest.mark.parametrize("matrix", [gauss_newton, hessian])
def test_float32_is_taken_at_its_value_and_computed_in_float64(matrix):
    network, theta, X, y, _ = FAMILIES["B=2"].at
    theta, X = theta.astype("float32"), X.astype("float32")
    got = built(matrix(network, theta, X, y))
    assert got.dtype == np.float64
    np.testing.assert_array_equal(
        got, built(matrix(network, theta.astype("float64"), X.astype("float64"), y))
    )


# Complex steps


WEIGHT_LAYERS = [pytest.param(Dense(12, 24), id="dense")] + [
    pytest.param(CDLinear(B * n_in, B * n_out, B, product), id=f"{product} {B}")
    for product in PRODUCTS
    for B, n_in, n_out in ((1, 12, 24), (2, 6, 12), (3, 4, 8), (4, 3, 6), (18, 1, 2))
]
OTHER_LAYERS = [
    pytest.param(layer, id=type(layer).__name__)
    for layer in (ReLU(4), Pad(3, 5), Slice(5, 3), Softplus(4, 4))
]
NORMALIZING_LAYERS = [pytest.param(family(4), id=name) for name, family in NORMALIZATIONS.items()]


@pytest.mark.parametrize("layer", WEIGHT_LAYERS + OTHER_LAYERS + NORMALIZING_LAYERS)
def test_layers_are_analytic(layer):
    """Complex steps in all of parameters, input and cotangent give the real derivatives."""
    rng = np.random.default_rng(4)

    def draw():
        params: Params = {name: rng.normal(size=s) for name, s in layer.parameter_shapes().items()}
        x = rng.choice([-1.0, 1.0], (6, layer.n_in)) * rng.uniform(0.5, 1.5, (6, layer.n_in))
        return params | {"x": x, "dy": rng.normal(size=(6, layer.n_out))}

    at, along = draw(), draw()

    def results(h):
        moved = {name: value + h * along[name] for name, value in at.items()}
        x, dy = moved.pop("x"), moved.pop("dy")
        grads = {name: np.zeros_like(value) for name, value in moved.items()}
        if isinstance(layer, CDLinear) and layer.product.layout != ROWS:
            x, dy = to_vertices(x, layer.B), to_vertices(dy, layer.B)
        y, pullback = layer.forward(moved, x, Context(training=True))
        dx = pullback(dy, grads)
        return np.concatenate([array.ravel() for array in (y, dx, *grads.values())])

    difference = (results(1e-5) - results(-1e-5)) / 2e-5
    assert_close(results(1e-20j).imag / 1e-20, difference, 1e-8)
    np.testing.assert_allclose(results(1e-20j).real, results(0.0), rtol=1e-13, atol=1e-13)


def test_relu_goes_by_the_real_part():
    y, pullback = ReLU(3).forward({}, np.array([[0 + 1e-20j, -1 + 1e-20j, 2 - 1e-20j]]), EVALUATION)
    np.testing.assert_array_equal(y, [[0, 0, 2 - 1e-20j]])
    np.testing.assert_array_equal(pullback(np.ones((1, 3)), {}), [[0, 0, 1]])


def test_loss_is_analytic_at_large_logits_too():
    rng = np.random.default_rng(5)
    labels = np.array([0, 1, 2, 2])
    for scale in (1.0, 300.0):
        logits, along = scale * rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
        logits += 1e4
        loss, gradient = softmax_cross_entropy(logits + 1e-20j * along, labels)
        above, below = (softmax_cross_entropy(logits + h * along, labels) for h in (1e-5, -1e-5))
        assert loss == softmax_cross_entropy(logits, labels)[0]
        difference = (above[1] - below[1]) / 2e-5
        np.testing.assert_allclose(gradient.imag / 1e-20, difference, rtol=1e-6, atol=1e-7)


# Measuring


def measured(point, method, **options):
    network, theta, X, y, context = point.at
    return measure_curvature(
        network, theta, X, y, sample="test", epoch=3, method=method, context=context, **options
    )


@pytest.fixture(scope="module")
def larger():
    """More parameters than a Lanczos run has steps."""
    config = RunConfig(B=2, hidden=(20, 20))
    return Point(build_network(config, N_IN, CLASSES))


def test_exact_and_lanczos_agree(larger):
    pairs = zip(measured(larger, "exact"), measured(larger, "lanczos"), strict=True)
    for exact, estimate in pairs:
        assert (exact.matrix, exact.coordinates) == (estimate.matrix, estimate.coordinates)
        tolerance = 1e-6 * exact.largest
        assert estimate.largest == pytest.approx(exact.largest, abs=tolerance)
        assert estimate.smallest == pytest.approx(exact.smallest, abs=tolerance)
        assert abs(estimate.trace - exact.trace) <= 4 * estimate.trace_error + tolerance
        assert estimate.effective_rank == pytest.approx(exact.effective_rank, rel=0.05)
        assert exact.trace_error == 0
        assert estimate.rank is None  # so few steps cannot count it
        assert sum(estimate.weights) == pytest.approx(1, abs=1e-12)
        assert list(estimate.nodes) == sorted(estimate.nodes, reverse=True)


def test_exact_numbers_follow_from_the_eigenvalues(larger):
    G, H = gauss_newton_matrix(*larger.at), hessian_matrix(*larger.at)
    D = weight_space(larger.network)
    expected = [M * np.outer(E, E) for M in (G, H) for E in (np.ones_like(D), D)]
    for found, matrix in zip(measured(larger, "exact"), expected, strict=True):
        values = np.linalg.eigvalsh(matrix)[::-1]
        assert_close(np.array(found.nodes), values)
        assert found.weights == pytest.approx([1 / len(values)] * len(values))
        assert (found.size, found.n_samples, found.epoch) == (len(values), N, 3)
        assert (found.sample, found.method) == ("test", "exact")
        assert found.trace == pytest.approx(np.trace(matrix))
        assert found.effective_rank == pytest.approx(np.abs(values).sum() / np.abs(values).max())
        assert found.threshold == pytest.approx(len(values) * 2**-52 * np.abs(values).max())
        nonnull = np.abs(values)[np.abs(values) > found.threshold]
        assert found.rank == len(nonnull) < found.size
        assert found.kappa_nonnull == pytest.approx(nonnull.max() / nonnull.min(), rel=1e-3)
        assert found.kappa == np.inf
        assert found.damping == 1e-3
        if found.matrix == "gauss_newton":
            assert found.damped_kappa == pytest.approx(1 + found.largest / 1e-3)
        else:
            assert found.damped_kappa == np.inf


def test_matrix_of_zeros_has_no_rank():
    network = Network([Dense(2, 1)])  # one class, which is certain
    X, y = np.ones((3, 2)), np.zeros(3, int)
    for method in ("exact", "lanczos"):
        for found in measure_curvature(
            network, np.ones(3), X, y, sample="train", epoch=0, method=method
        ):
            assert (found.effective_rank, found.largest, found.trace) == (0.0, 0.0, 0.0)
            assert found.rank == (0 if method == "exact" else None)
            assert (found.kappa, found.damped_kappa) == (np.inf, 1.0)


def test_lanczos_is_the_same_for_the_same_seed_only(larger):
    first, again, other = (measured(larger, "lanczos", seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first[0].nodes != other[0].nodes


@pytest.mark.parametrize(("limit", "method"), [(10**9, "exact"), (1, "lanczos")])
def test_auto_goes_by_the_number_of_parameters(limit, method, monkeypatch):
    monkeypatch.setattr("cdbench.diagnostics.curvature.EXACT_BELOW", limit)
    assert {found.method for found in measured(FAMILIES["B=4"], "auto")} == {method}


@over(FAMILIES)
def test_weight_space_is_measured_only_where_it_differs(point):
    found = [(c.matrix, c.coordinates) for c in measured(point, "exact")]
    blocks = [layer.B for layer in point.network.layers if isinstance(layer, CDLinear)]
    coordinates = ["own", "weight-space"] if blocks and blocks[0] > 1 else ["own"]
    assert found == [(m, c) for m in ("gauss_newton", "hessian") for c in coordinates]


def test_unit_steps_in_weight_space_move_weights_by_one():
    network = Network([CDLinear(6, 9, 3), Dense(9, 4), CDLinear(4, 8, 4)])
    D = weight_space(network)
    for place in network.weight_layers:
        step = np.zeros(network.n_parameters)
        views = network.views(step)[place.position]
        name = next(iter(views))
        views[name][...] = np.random.default_rng(0).normal(size=views[name].shape)
        step /= np.linalg.norm(step)
        moved = network.views(D * step)[place.position]
        assert np.linalg.norm(place.layer.matrix(moved)) == pytest.approx(1)
        np.testing.assert_array_equal(network.views(D)[place.position]["bias"], 1)


def test_batch_normalization_needs_its_statistics():
    point = Point(NORMALIZED["batch"].network)
    assert measured(point, "exact")[0].largest > 0
    point.at = (*point.at[:-1], EVALUATION)
    with pytest.raises(ConfigurationError, match="statistics"):
        measured(point, "exact")


@pytest.mark.parametrize("method", ["exact", "lanczos"])
def test_input_of_another_width_is_refused(method):
    network, theta, X, y, _ = FAMILIES["dense"].at
    with pytest.raises(ShapeError, match=f"expected \\(N, {N_IN}\\)"):
        measure_curvature(network, theta, X[:, 1:], y, sample="train", epoch=0, method=method)


def test_unknown_method_is_named_with_the_known_ones():
    with pytest.raises(UnknownNameError, match="did you mean lanczos"):
        measured(FAMILIES["dense"], "lanzcos")
