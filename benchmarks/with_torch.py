"""PyTorch's rivals: the layer by rfft, einsum and irfft, and the paper's network, both eager."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from cdbench.config.run_config import RunConfig
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array
from cdbench.engine.samples import Samples
from cdbench.engine.split import ArrayOrSamples, Split
from cdbench.records.benchmark import Size
from measure import Call

torch.set_num_threads(1)

EVALUATED = 1000
"""Samples evaluated at a time."""


def circulant(x: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    """Return the block-circulant product of x (N, K_i B) and c (K_o, K_i, B), (N, K_o B)."""
    B = c.shape[2]
    x_hat = torch.fft.rfft(x.view(len(x), -1, B))
    y_hat = torch.einsum("njk,ijk->nik", x_hat, torch.fft.rfft(c))
    y: torch.Tensor = torch.fft.irfft(y_hat, n=B)
    return y.reshape(len(x), -1)


def layer_pass(size: Size) -> Call:
    """Return one forward and backward pass of a layer, with its arrays, as a call."""
    dtype = getattr(torch, size.dtype)
    K = size.n // size.B
    x = torch.randn(size.N, size.n, dtype=dtype, requires_grad=True)
    c = torch.randn(K, K, size.B, dtype=dtype, requires_grad=True)
    dy = torch.randn(size.N, size.n, dtype=dtype)
    return lambda: torch.autograd.grad(circulant(x, c), (x, c), dy)


class Circulant(nn.Module):
    """The block-circulant layer as a module: c (K_o, K_i, B) and a bias."""

    def __init__(self, c: torch.Tensor, bias: torch.Tensor) -> None:
        super().__init__()
        self.c, self.bias = nn.Parameter(c), nn.Parameter(bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the layer's output (N, n_out)."""
        return circulant(x, self.c) + self.bias


def _linear(weight: torch.Tensor, bias: torch.Tensor) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], dtype=weight.dtype)
    layer.weight, layer.bias = nn.Parameter(weight), nn.Parameter(bias)
    return layer


def _model(network: Network, parameters: Array) -> nn.Sequential:
    """Return the network's weight layers, with these parameters, and ReLU between them."""
    params = network.views(parameters)
    modules: list[nn.Module] = []
    for place in network.weight_layers:
        own = {
            name: torch.from_numpy(np.ascontiguousarray(value))
            for name, value in params[place.position].items()
        }
        modules += [nn.ReLU()] if modules else []
        modules.append(Circulant(**own) if "c" in own else _linear(**own))
    return nn.Sequential(*modules)


def _inputs(X: ArrayOrSamples) -> Callable[[Any], torch.Tensor]:
    """Return what takes inputs (n, n_features) by their indices.

    Those of a large set stay as they were read, and are scaled when they are taken.
    """
    if not isinstance(X, Samples):
        inputs: torch.Tensor = torch.from_numpy(X)
        return inputs.__getitem__
    assert X.transform is not None
    source = torch.from_numpy(X.source if X.rows is None else X.source[X.rows])
    dtype, factor = getattr(torch, X.dtype.name), X.transform(np.ones((1, 1))).item()
    return lambda some: source[some].to(dtype).mul_(factor)


def train(
    network: Network, parameters: Array, split: Split, config: RunConfig
) -> tuple[float, float]:
    """Train as the engine does, with the same batches, and as often measure the test split.

    The network's widths must need no padding of inputs, and those of a large set be scaled.

    Returns
    -------
    training_loss, test_accuracy : float
        Of the last epoch.
    """
    model = _model(network, parameters.copy())
    X, X_test = map(_inputs, (split.X_train, split.X_test))
    y, y_test = map(torch.from_numpy, (split.y_train, split.y_test))
    assert config.learning_rate is not None
    optimizer = torch.optim.SGD(
        model.parameters(), lr=config.learning_rate, momentum=config.momentum
    )
    loss_of = nn.CrossEntropyLoss()
    order = np.random.default_rng(config.seed)
    loss, accuracy = float("nan"), float("nan")
    for _ in range(config.epochs):
        losses = []
        for batch in torch.split(torch.from_numpy(order.permutation(len(y))), config.batch_size):
            optimizer.zero_grad()
            batch_loss = loss_of(model(X(batch))[:, : network.n_out], y[batch])
            batch_loss.backward()
            optimizer.step()
            losses.append(batch_loss.detach())
        n_right = 0
        with torch.no_grad():
            for some in torch.split(torch.arange(len(y_test)), EVALUATED):
                logits = model(X_test(some))[:, : network.n_out]
                loss_of(logits, y_test[some]).item()
                n_right += int((logits.argmax(1) == y_test[some]).sum())
        accuracy = n_right / len(y_test)
        loss = torch.stack(losses).mean().item()
    return loss, accuracy
