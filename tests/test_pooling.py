"""Pooling, and layers that change which entries are a row."""

import numpy as np
import pytest

from cdbench.engine.layers import EVALUATION
from cdbench.engine.layers.pooling import AveragePooling, Flatten, MaxPooling
from cdbench.engine.layers.tokens import MeanOfTokens, Patches
from cdbench.errors import ShapeError
from tests.layer_laws import Soiled

N, H, W, C, STEP = 3, 5, 6, 4, 1e-20
LAYERS = {
    "max": (MaxPooling(C, (H, W)), N * H * W),
    "average": (AveragePooling(C, (H, W)), N * H * W),
    "to pixels": (Patches((H, W, C), (1, 1)), N),
    "flatten": (Flatten(C, H * W), N * H * W),
}


@pytest.mark.parametrize("name", LAYERS)
def test_pullback_is_the_complex_step_and_reads_nothing_unwritten(name):
    layer, rows = LAYERS[name]
    rng = np.random.default_rng(0)
    x, v = rng.normal(size=(2, rows, layer.n_in))
    y, _ = layer.forward({}, x, EVALUATION)
    assert layer.rows_after(rows) == len(y)
    stepped, _ = layer.forward({}, x + STEP * 1j * v, EVALUATION)
    np.testing.assert_allclose(stepped.real, y, rtol=1e-14)
    dy = rng.normal(size=y.shape)
    bound = layer.bind({}, x.copy(), type(EVALUATION)(allocate=SoiledBooleans()))
    for _ in range(2):
        bound.run()
        dx = bound.pullback(dy, {})
        np.testing.assert_array_equal(bound.y, y)
        parts = np.abs(dy * stepped.imag).sum() / STEP
        assert abs(np.sum(dy * stepped.imag) / STEP - np.sum(dx * v)) <= 1e-13 * parts


class SoiledBooleans(Soiled):
    def kept(self, shape, dtype):
        return np.ones(shape, dtype) if dtype == np.bool else super().kept(shape, dtype)


@pytest.mark.parametrize(("layer", "pool"), [(MaxPooling, np.max), (AveragePooling, np.mean)])
def test_pooling_is_a_loop_over_pools(layer, pool):
    x = np.random.default_rng(1).normal(size=(N, H, W, C))
    y, _ = layer(C, (H, W)).forward({}, x.reshape(-1, C), EVALUATION)
    expected = [
        pool(x[n, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2], axis=(0, 1))
        for n in range(N)
        for i in range(H // 2)
        for j in range(W // 2)
    ]
    np.testing.assert_allclose(y, expected, rtol=1e-14)


def test_rows_are_what_they_say():
    x = np.arange(N * C * H * W, dtype=float).reshape(N, C, H * W)
    pixels, _ = Patches((H, W, C), (1, 1)).forward({}, x.reshape(N, -1), EVALUATION)
    np.testing.assert_array_equal(pixels.reshape(N, H * W, C), x.transpose(0, 2, 1))
    flat, _ = Flatten(C, H * W).forward({}, pixels, EVALUATION)
    np.testing.assert_array_equal(flat, x.transpose(0, 2, 1).reshape(N, -1))
    means, _ = MeanOfTokens(H * W, C).forward({}, pixels, EVALUATION)
    np.testing.assert_allclose(means, x.mean(axis=2), rtol=1e-14)


def test_an_image_too_small_to_pool_is_refused():
    wanted = (
        "pooling got an image of 1 × 4 pixels, expected at least 2 × 2; fewer --channels, or "
        "--pooling none"
    )
    with pytest.raises(ShapeError) as caught:
        MaxPooling(C, (1, 4))
    assert str(caught.value) == wanted
