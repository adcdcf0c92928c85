"""C3A's kernels: the adapter's own formulas, written here, against the layer that they become."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from cdbench.errors import ShapeError  # noqa: E402
from cdbench.torch import from_c3a, to_c3a  # noqa: E402
from cdbench.torch.cdlinear import CDLinear  # noqa: E402


def adapter(kernel, x):
    """What the adapter adds for rows x, entry by entry: a circular correlation over n_in."""
    K_o, K_i, B = kernel.shape
    y = np.zeros((len(x), K_o, B))
    for k in range(B):
        for lag in range(B):
            y[:, :, k] += x.reshape(-1, K_i, B)[:, :, lag] @ kernel[:, :, (lag - k) % B].T
    return y.reshape(len(x), -1) / (K_i * B)


def adapter_by_fft(kernel, x):
    """The same as its authors compute it."""
    _, K_i, B = kernel.shape
    blocks = np.fft.ifft(x.reshape(-1, K_i, B))
    y = np.fft.fft(np.einsum("njk,ijk->nik", blocks, np.fft.fft(kernel))).real
    return y.reshape(len(x), -1) / (K_i * B)


@pytest.mark.parametrize("B", [1, 2, 3, 4, 7])
def test_layer_adds_what_the_adapter_does_and_gives_its_kernel_back(B):
    rng = np.random.default_rng(B)
    kernel, x = rng.normal(size=(3, 2, B)), rng.normal(size=(5, 2 * B))
    layer = from_c3a(torch.tensor(kernel))
    assert layer.bias is None
    y = layer(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(y, adapter(kernel, x), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(y, adapter_by_fft(kernel, x), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(to_c3a(layer).numpy(), kernel, rtol=1e-15)


def test_what_c3a_has_no_kernel_for_is_refused():
    with pytest.raises(ShapeError) as caught:
        to_c3a(CDLinear(13, 8, 4))
    assert str(caught.value) == "to_c3a got widths 13 and 8, expected multiples of B = 4"
    with pytest.raises(ShapeError) as caught:
        from_c3a(torch.zeros(4, 4))
    assert str(caught.value) == (
        "from_c3a got a kernel of shape (4, 4), expected (out_features / B, in_features / B, B)"
    )
