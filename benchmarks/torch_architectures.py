"""PyTorch's ConvNet and character model, eager, with the parameters of ours."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from cdbench.config.run_config import RunConfig
from cdbench.engine.network import Network
from cdbench.engine.products.base import Array
from cdbench.engine.split import Split

torch.set_num_threads(1)

EVALUATED = 256
"""Samples evaluated at a time."""

Own = Mapping[str, Array]


class ConvNet(nn.Module):
    """Convolutions with ReLU and maxima over 2 × 2 pixels, the mean of all pixels, and a head."""

    def __init__(self, network: Network, parameters: Array, config: RunConfig, side: int) -> None:
        super().__init__()
        assert config.channels is not None
        assert config.kernel is not None
        *kernels, head = _parameters(network, parameters)
        self.side, k, channels = side, config.kernel, (1, *config.channels)
        self.stages = nn.ModuleList(
            nn.Conv2d(n_in, n_out, k, padding=k // 2) for n_in, n_out in pairwise(channels)
        )
        for stage, own, n_in in zip(self.stages, kernels, channels, strict=False):
            weight = own["weight"].reshape(-1, k, k, n_in).transpose(0, 3, 1, 2)
            _set(stage, {"weight": weight, "bias": own["bias"]})
        self.head = _linear(head)

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return the logits (N, classes) of images (N, pixels)."""
        x = X.view(len(X), 1, self.side, self.side)
        for stage in self.stages:
            x = functional.max_pool2d(functional.relu(stage(x)), 2)
        y: torch.Tensor = self.head(x.mean((2, 3)))
        return y


class Block(nn.Module):
    """A causal block of attention and a feed-forward network, each after a normalisation."""

    def __init__(self, own: Iterator[Own], width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before = _norm(next(own), width)
        self.q, self.k, self.v, self.o = (_linear(next(own)) for _ in range(4))
        self.between = _norm(next(own), width)
        self.up, self.down = _linear(next(own)), _linear(next(own))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return tokens (N, T, width) from such tokens."""
        N, T, width = x.shape
        n = self.before(x)
        q, k, v = (
            layer(n).view(N, T, self.heads, -1).transpose(1, 2)
            for layer in (self.q, self.k, self.v)
        )
        attended = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.o(attended.transpose(1, 2).reshape(N, T, width))
        y: torch.Tensor = x + self.down(functional.relu(self.up(self.between(x))))
        return y


class CharacterModel(nn.Module):
    """A table of symbols, positions, blocks, a normalisation and a head on every token."""

    def __init__(self, network: Network, parameters: Array, config: RunConfig) -> None:
        super().__init__()
        assert config.width is not None
        assert config.depth is not None
        assert config.heads is not None
        own = iter(_parameters(network, parameters))
        self.table = nn.Parameter(torch.tensor(next(own)["table"]))
        self.positions = nn.Parameter(torch.tensor(next(own)["positions"]))
        width, heads = config.width, config.heads
        self.blocks = nn.Sequential(*(Block(own, width, heads) for _ in range(config.depth)))
        self.last, self.head = _norm(next(own), width), _linear(next(own))

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return the logits (N · T, symbols) of symbols (N, T)."""
        x = functional.embedding(X, self.table) + self.positions
        y: torch.Tensor = self.head(self.last(self.blocks(x)))
        return y.flatten(0, 1)


def train(network: Network, parameters: Array, split: Split, config: RunConfig) -> float:
    """Train a dense network as the engine does, measure the test split after every epoch.

    Returns
    -------
    float
        The training loss of the last epoch.
    """
    model: nn.Module
    if config.task == "language":
        model = CharacterModel(network, parameters, config)
        X, X_test = (torch.tensor(X).long() for X in (split.X_train, split.X_test))
    else:
        X, X_test = torch.from_numpy(split.X_train), torch.from_numpy(split.X_test)
        model = ConvNet(network, parameters, config, round(X.shape[1] ** 0.5))
    y, y_test = map(torch.from_numpy, (split.y_train, split.y_test))
    assert config.learning_rate is not None
    optimizer = torch.optim.SGD(
        model.parameters(), lr=config.learning_rate, momentum=config.momentum
    )
    loss_of = nn.CrossEntropyLoss()
    order, loss = np.random.default_rng(config.seed), float("nan")
    for _ in range(config.epochs):
        losses = []
        for batch in torch.split(torch.from_numpy(order.permutation(len(y))), config.batch_size):
            optimizer.zero_grad()
            batch_loss = loss_of(model(X[batch]), y[batch].flatten())
            batch_loss.backward()
            optimizer.step()
            losses.append(batch_loss.detach())
        loss = torch.stack(losses).mean().item()
        with torch.no_grad():
            for some in torch.split(torch.arange(len(y_test)), EVALUATED):
                loss_of(model(X_test[some]), y_test[some].flatten()).item()
    return loss


def _parameters(network: Network, parameters: Array) -> list[Own]:
    """Return copies of the parameters of each layer that has any."""
    return [
        {name: value.copy() for name, value in own.items()}
        for own in network.views(parameters)
        if own
    ]


def _set(module: nn.Module, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(module, name, nn.Parameter(torch.from_numpy(np.ascontiguousarray(value))))


def _linear(own: Own) -> nn.Linear:
    n_out, n_in = own["weight"].shape
    layer = nn.Linear(n_in, n_out)
    _set(layer, own)
    return layer


def _norm(own: Own, width: int) -> nn.LayerNorm:
    layer = nn.LayerNorm(width)
    _set(layer, {"weight": own["gain"], "bias": own["shift"]})
    return layer
