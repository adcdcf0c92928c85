"""A convolutional network of block-circulant taps on CIFAR-10, or on a small sample without it.

    python examples/cifar_conv.py                              digits, enlarged and coloured
    python examples/cifar_conv.py --cifar cifar-10-batches-bin --epochs 20
    python examples/cifar_conv.py --B 1                        ordinary convolutions

The folder is what CIFAR-10's binary version unpacks to.
"""
# ruff: noqa: T201

import argparse
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

from cdbench.datasets.cifar_file import read_cifar
from cdbench.torch import CDConv2d, CDLinear, param_groups

Images = tuple[torch.Tensor, torch.Tensor]
"""(N, 3, 32, 32) float32 in [0, 1], and their classes (N,)."""


def cifar(folder: Path) -> tuple[Images, Images]:
    """Return CIFAR-10's training and test parts."""
    data = read_cifar(folder)
    parts = (data.X, data.y), (data.X_test, data.y_test)
    train, test = (
        (torch.tensor(X).reshape(-1, 3, 32, 32).float() / 255, torch.tensor(y)) for X, y in parts
    )
    return train, test


def sample() -> tuple[Images, Images]:
    """Return scikit-learn's digits, four times as large, each in a colour of its own."""
    X, y = load_digits(return_X_y=True)
    gray = torch.tensor(X.reshape(-1, 1, 8, 8) / 16, dtype=torch.float32)
    images = functional.interpolate(gray, scale_factor=4) * torch.rand(len(gray), 3, 1, 1)
    labels, order = torch.tensor(y), torch.randperm(len(gray))
    train, test = order[len(order) // 5 :], order[: len(order) // 5]
    return (images[train], labels[train]), (images[test], labels[test])


def network(B: int, width: int) -> nn.Sequential:
    """Return four convolutions, halving the image thrice, and a linear layer.

    The first has three channels in, too few for blocks.
    """
    layers: list[nn.Module] = [nn.Conv2d(3, width, 3, padding=1)]
    for n_in, n_out in ((width, width), (width, 2 * width), (2 * width, 4 * width)):
        layers += [nn.BatchNorm2d(n_in), nn.ReLU(), CDConv2d(n_in, n_out, 3, B=B, padding=1)]
        layers.append(nn.MaxPool2d(2))
    layers += [nn.BatchNorm2d(4 * width), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, CDLinear(4 * width, 10, B))


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Train; return the accuracy on the test part before and after."""
    parser = argparse.ArgumentParser(description="a network of block-circulant convolutions")
    parser.add_argument("--cifar", type=Path, help="CIFAR-10's folder; else a small sample")
    parser.add_argument("--B", type=int, default=4, help="block size")
    parser.add_argument("--width", type=int, default=64, help="channels of the first layer")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="few channels, two epochs")
    given = parser.parse_args(arguments)
    torch.manual_seed(0)
    (X, y), test = sample() if given.cifar is None else cifar(given.cifar)
    model = network(given.B, 8 if given.quick else given.width)
    print(f"{sum(own.numel() for own in model.parameters()):,} parameters")
    optimizer = torch.optim.SGD(param_groups(model, 0.05), momentum=0.9)

    def accuracy() -> float:
        model.eval()
        with torch.no_grad():
            right = [
                (model(images).argmax(1) == labels).sum().item()
                for images, labels in zip(*(part.split(500) for part in test), strict=True)
            ]
        model.train()
        return sum(right) / len(test[1])

    found = {"before": accuracy()}
    for epoch in range(2 if given.quick else given.epochs):
        for rows in torch.randperm(len(X)).split(64):
            loss = functional.cross_entropy(model(X[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        found["after"] = accuracy()
        print(f"epoch {epoch + 1}: loss {loss.item():.3f}, test accuracy {found['after']:.1%}")
    return found


if __name__ == "__main__":
    main()
