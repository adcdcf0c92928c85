"""Convolutions: against references that know no matrix, and the laws of every layer."""

from typing import Any

import numpy as np
import pytest
from scipy.signal import correlate

from cdbench.config import families
from cdbench.engine.layers import EVALUATION, CDLinear, Context, Dense
from cdbench.engine.layers.convolution import Convolution
from cdbench.engine.layers.taps import Taps, bound_matrix, kernel_layer
from cdbench.engine.products.workspace import Workspace
from cdbench.errors import ShapeError
from tests import layer_laws
from tests.layer_laws import drawn, empty

STEP = 1e-20
CASES = [
    (kernel, stride, padding, image)
    for kernel in (1, 3, 5)
    for stride in (1, 2, 3)
    for padding in ("same", "valid")
    for image in ((5, 7), (6, 6))
] + [
    (2, 1, "same", (4, 5)),
    (4, 2, "same", (7, 6)),
    (2, 1, "valid", (4, 5)),
    (2, 2, "valid", (5, 4)),
    (4, 3, "valid", (7, 9)),
]


def convolution(
    family: Any, n_in, n_out, image=(5, 6), kernel=3, stride=1, padding="same", **structure
):
    own: Any = families.family(family)
    structure = structure or dict(families.structure_of(family, None))
    multiple = own.width_multiple(structure)
    wide, out = (-(-n // multiple) * multiple for n in (n_in, n_out))
    inner = kernel_layer(own, wide, out, kernel**2, structure)
    return Convolution(inner, image, kernel, stride, padding)


def point(layer, n=3, dtype="float64"):
    rng = np.random.default_rng(1)
    pixels, windows = (h * w for h, w in (layer.image, layer.image_out))
    x = rng.normal(size=(n * pixels, layer.n_in)).astype(dtype)
    return drawn(layer, dtype=dtype), x, rng.normal(size=(n * windows, layer.n_out)).astype(dtype)


def kernel_of(layer, params):
    """(n_out, k, k, channels)."""
    return layer.matrix(params).reshape(layer.n_out, layer.kernel, layer.kernel, -1)


def pulled(layer, params, x, dy, context=EVALUATION, wanted=True):
    grads = empty(layer, x.dtype)
    y, pullback = layer.forward(params, x, context)
    return {"x": pullback(dy, grads, wanted=wanted), **grads, "y": y}


def test_values_are_those_of_scipy():
    for kernel, stride, padding, image in CASES:
        layer = convolution("dense", 2, 3, image, kernel, stride, padding)
        params, x, _ = point(layer)
        K, images = kernel_of(layer, params), x.reshape(-1, *image, 2)
        if padding == "same":
            around = ((kernel - 1) // 2, kernel // 2)
            images = np.pad(images, ((0, 0), around, around, (0, 0)))
        expected = np.array(
            [
                [correlate(one, weights, "valid")[::stride, ::stride, 0] for weights in K]
                for one in images
            ]
        ).transpose(0, 2, 3, 1)
        y, _ = layer.forward(params, x, EVALUATION)
        assert expected.shape[1:3] == layer.image_out
        np.testing.assert_allclose(
            y.reshape(expected.shape), expected + params["bias"], rtol=1e-12, atol=1e-12
        )


def test_pullback_is_the_adjoint_and_the_complex_step():
    rng = np.random.default_rng(2)
    for kernel, stride, padding, image in CASES:
        layer = convolution("dense", 2, 3, image, kernel, stride, padding)
        params, x, dy = point(layer)
        found = pulled(layer, params, x, dy)
        v = {name: rng.normal(size=array.shape) for name, array in {**params, "x": x}.items()}
        moved = {name: params[name] + STEP * 1j * v[name] for name in params}
        stepped, _ = layer.forward(moved, x + STEP * 1j * v["x"], EVALUATION)
        slopes = [np.sum(found[name] * v[name]) for name in v]
        parts = np.abs(stepped.imag * dy).sum() / STEP
        assert abs(np.sum(stepped.imag * dy) / STEP - sum(slopes)) <= 1e-12 * parts


@pytest.mark.parametrize("family", families.FAMILIES)
def test_every_family_has_gradients_by_central_differences(family):
    structure = {"B": 4} if family == "cdlinear" else {}
    layer = convolution(family, 3, 4, (3, 4), 3, **structure)
    params, x, dy = point(layer, 2)
    found, rng = pulled(layer, params, x, dy), np.random.default_rng(3)
    for name in (*params, "x"):
        values = {**params, "x": x}[name]
        v, sums = rng.normal(size=values.shape), []
        for h in (1e-5, -1e-5):
            at = {**params, "x": x, name: values + h * v}
            sums.append(np.sum(dy * layer.forward(at, at["x"], EVALUATION)[0]))
        slope = np.sum(found[name] * v)
        scale = np.linalg.norm(found[name]) * np.linalg.norm(v)
        assert abs((sums[0] - sums[1]) / 2e-5 - slope) <= 1e-7 * scale, name


@pytest.mark.parametrize("family", families.FAMILIES)
def test_taps_of_every_family_are_its_layers_beside_each_other(family):
    structure = {"B": 4} if family == "cdlinear" else families.structure_of(family, None)
    own = families.family(family)
    n = own.width_multiple(structure) * (1 if own.width_multiple(structure) > 4 else 2)
    taps = Taps(own.build(n, n, structure), 4)
    params = drawn(taps)
    W = np.hstack(
        [
            taps.tap.matrix({name: values[i] for name, values in params.items() if name != "bias"})
            for i in range(4)
        ]
    )
    bound = bound_matrix(taps, params, "float64", Workspace())
    bound.form()
    np.testing.assert_allclose(bound.W, W, rtol=1e-13, atol=1e-13)
    assert np.linalg.matrix_rank(W) == taps.expected_rank()
    rng, squares = np.random.default_rng(0), []
    for _ in range(200):
        taps.initialize(params, rng)
        squares.append(np.mean(taps.matrix(params) ** 2) * taps.n_in)
    error = np.std(squares) / np.sqrt(len(squares))
    assert abs(np.mean(squares) - 2) <= 5 * error


def test_block_diagonal_taps_are_a_grouped_convolution_with_a_shuffle():
    torch = pytest.importorskip("torch")
    layer = convolution("block-diagonal", 8, 8, blocks=4, basis="none")
    params, x, _ = point(layer)
    K = kernel_of(layer, params)  # output r of group g is at 4 r + g
    grouped = np.concatenate([K[g::4, ..., 2 * g : 2 * g + 2] for g in range(4)])
    images = torch.tensor(x.reshape(-1, *layer.image, 8).transpose(0, 3, 1, 2))
    expected = torch.nn.functional.conv2d(
        images,
        torch.tensor(grouped.transpose(0, 3, 1, 2)),
        padding=1,
        groups=4,
    )
    shuffled = expected.reshape(-1, 4, 2, *layer.image).permute(0, 3, 4, 2, 1).reshape(-1, 8)
    got, _ = layer.forward(params, x, EVALUATION)
    np.testing.assert_allclose(got, shuffled.numpy() + params["bias"], rtol=1e-12, atol=1e-12)


def test_cdlinear_convolution_is_one_of_each_frequency():
    B = 4
    layer = convolution("cdlinear", 8, 12, B=B)
    params, x, _ = point(layer)
    params["bias"][...] = 0
    y, _ = layer.forward(params, x, EVALUATION)
    K = np.fft.fft(params["c"].reshape(3, 3, 3, 2, B))  # (block out, row, column, block in, k)
    x_hat = np.fft.fft(x.reshape(-1, *layer.image, 2, B))
    y_hat = np.fft.fft(y.reshape(-1, *layer.image, 3, B))
    for k in range(B):
        one = Convolution(Dense(18, 3), layer.image, 3)
        own = {"weight": K[..., k].reshape(3, 18), "bias": np.zeros(3)}
        expected, _ = one.forward(own, x_hat[..., k].reshape(-1, 2), EVALUATION)
        np.testing.assert_allclose(y_hat[..., k].reshape(-1, 3), expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("stride", [1, 2])
def test_values_and_gradients_are_those_of_torch(stride):
    torch = pytest.importorskip("torch")
    layer = convolution("dense", 3, 5, stride=stride)
    params, x, dy = point(layer)
    leaves = [
        torch.tensor(array, requires_grad=True)
        for array in (
            x.reshape(-1, *layer.image, 3).transpose(0, 3, 1, 2),
            kernel_of(layer, params).transpose(0, 3, 1, 2),
            params["bias"],
        )
    ]
    y = torch.nn.functional.conv2d(*leaves, stride=stride, padding=1).permute(0, 2, 3, 1)
    y.backward(torch.tensor(dy.reshape(y.shape)))
    found = pulled(layer, params, x, dy)
    expected = {
        "x": leaves[0].grad.permute(0, 2, 3, 1).reshape(x.shape),
        "weight": leaves[1].grad.permute(0, 2, 3, 1).reshape(5, -1),
        "bias": leaves[2].grad,
        "y": y.detach().reshape(dy.shape),
    }
    layer_laws.assert_close(found, {name: one.numpy() for name, one in expected.items()}, 1e-12)


@pytest.mark.parametrize("family", families.FAMILIES)
def test_chunks_lent_memory_and_float32_change_nothing(family, monkeypatch):
    structure = {"B": 4} if family == "cdlinear" else {}
    layer = convolution(family, 3, 4, **structure)
    params, x, dy = point(layer, 5)
    expected = pulled(layer, params, x, dy)
    monkeypatch.setattr("cdbench.engine.layers.convolution.AT_ONCE", 2 * 30 * 9 * 8 * 8)
    lent = Context(training=True, allocate=layer_laws.Soiled())
    layer_laws.assert_close(pulled(layer, params, x, dy, lent), expected, 1e-12)
    unwanted = pulled(layer, params, x, dy, wanted=False)
    assert unwanted.pop("x") is None
    layer_laws.assert_close(unwanted, {name: expected[name] for name in unwanted}, 1e-12)
    workspace, exact = Workspace(), empty(layer, "float32")
    for name, array in exact.items():
        array[...] = params[name]
    for _ in range(2):
        workspace.restart()
        lent = Context(training=True, allocate=workspace)
        found = pulled(layer, exact, x.astype("float32"), dy.astype("float32"), lent)
        assert {array.dtype.name for array in found.values()} == {"float32"}
        layer_laws.assert_close(found, expected, 1e-4)


def test_unfolded_rows_are_what_the_matrix_multiplies():
    layer = convolution("cdlinear", 4, 4, stride=2, B=4)
    params, x, _ = point(layer)
    rows = layer.unfolded(x)
    y, _ = layer.forward(params, x, EVALUATION)
    np.testing.assert_allclose(rows @ layer.matrix(params).T + params["bias"], y, rtol=1e-12)


def test_multiply_adds_are_of_a_window():
    layer = convolution("cdlinear", 4, 8, (6, 6), stride=2, B=4)
    assert layer.multiply_adds() == CDLinear(36, 8, 4).multiply_adds()
    assert layer.rows_after(2 * 36) == 2 * 9


def test_a_kernel_that_does_not_fit_is_refused():
    wanted = (
        "kernel = 7 does not fit an image of 5 × 6 pixels; expected at most --kernel 5, or "
        "--padding same"
    )
    with pytest.raises(ShapeError) as caught:
        convolution("dense", 1, 2, (5, 6), 7, 1, "valid")
    assert str(caught.value) == wanted
