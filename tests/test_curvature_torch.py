"""Both matrices against PyTorch's automatic differentiation of networks written anew."""

import numpy as np
import pytest

from cdbench.config.run_config import RunConfig
from cdbench.diagnostics.curvature import gauss_newton, hessian
from cdbench.diagnostics.curvature.exact import gauss_newton_matrix
from cdbench.engine.building import build_network

N, N_IN, HIDDEN, CLASSES = 9, 5, (6, 4), 3
WIDTHS = (N_IN, *HIDDEN, CLASSES)


@pytest.fixture(params=[None, 1, 2, 3, 4], ids=["dense", "B=1", "B=2", "B=3", "B=4"])
def case(request):
    B = request.param
    config = RunConfig(layer="dense" if B is None else "cdlinear", B=B, hidden=HIDDEN)
    network = build_network(config, N_IN, CLASSES)
    rng = np.random.default_rng(11)
    theta = network.initial_parameters(rng) + 0.2 * rng.normal(size=network.n_parameters)
    return network, theta, rng.normal(size=(N, N_IN)), rng.integers(0, CLASSES, N), B


def assert_close(got, expected):
    expected = expected.numpy()
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-13 * np.abs(expected).max())


@pytest.mark.long
def test_hessian_is_that_of_torch(case):
    from tests.torch_network import grad, jacrev, logits_of, torch  # takes seconds

    network, theta, X, y, B = case
    x, labels = torch.from_numpy(X), torch.from_numpy(y)

    def loss(at):
        return torch.nn.functional.cross_entropy(logits_of(at, x, B, WIDTHS), labels)

    expected = jacrev(grad(loss))(torch.from_numpy(theta))
    assert expected.dtype == torch.float64
    assert_close(hessian(network, theta, X, y) @ np.eye(theta.size), expected)


@pytest.mark.long
def test_gauss_newton_is_that_of_torch(case):
    from tests.torch_network import jacrev, logits_of, torch  # takes seconds

    network, theta, X, y, B = case
    x, at = torch.from_numpy(X), torch.from_numpy(theta)
    J = jacrev(lambda moved: logits_of(moved, x, B, WIDTHS))(at)
    p = logits_of(at, x, B, WIDTHS).softmax(dim=1)
    A = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    expected = torch.einsum("nkp,nkl,nlq->pq", J, A, J) / N
    assert_close(gauss_newton(network, theta, X, y) @ np.eye(theta.size), expected)
    assert_close(gauss_newton_matrix(network, theta, X, y), expected)
