"""A trained network made smaller: its layers are projected, then trained on for a few epochs.

    python examples/finetune_projected.py                    digits, block-circulant blocks of 4
    python examples/finetune_projected.py --layer low-rank:8
    python examples/finetune_projected.py --data mine.npz    X (N, features), y (N,)

Layers are projected onto the nearest members of the family, nearest for the inputs that they see.
"""
# ruff: noqa: T201

import argparse
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

from cdbench.torch import input_moments, replace_linear


def train(model: nn.Module, X: torch.Tensor, y: torch.Tensor, epochs: int, lr: float) -> None:
    """Train by Adam, in batches of 64."""
    optimizer = torch.optim.Adam(model.parameters(), lr)
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split(64):
            optimizer.zero_grad()
            functional.cross_entropy(model(X[rows]), y[rows]).backward()
            optimizer.step()


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Train, project, train on; return the accuracy on the test part after each."""
    parser = argparse.ArgumentParser(description="a network projected and trained on")
    parser.add_argument("--data", type=Path, help="an .npz file with X and y; else the digits")
    parser.add_argument("--layer", default="cdlinear:4", help="a specification")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--quick", action="store_true", help="a few epochs")
    given = parser.parse_args(arguments)
    torch.manual_seed(0)
    if given.data is None:
        X, y = load_digits(return_X_y=True)
    else:
        with np.load(given.data) as arrays:
            X, y = arrays["X"], arrays["y"]
    order = torch.randperm(len(X))
    features, labels = torch.tensor(X, dtype=torch.float32)[order], torch.tensor(y)[order].long()
    test, rest = slice(0, len(X) // 5), slice(len(X) // 5, None)
    features = (features - features[rest].mean(0)) / features[rest].std()
    epochs = 5 if given.quick else given.epochs
    model = nn.Sequential(
        nn.Linear(features.shape[1], 128),
        nn.ReLU(),
        nn.Linear(128, 128),
        nn.ReLU(),
        nn.Linear(128, int(labels.max()) + 1),
    )

    def accuracy() -> float:
        with torch.no_grad():
            return (model(features[test]).argmax(1) == labels[test]).double().mean().item()

    train(model, features[rest], labels[rest], epochs, 1e-3)
    found = {"trained": accuracy()}
    moments = input_moments(model, [features[rest]])
    print(replace_linear(model, given.layer, lambda name, _: name != "4", moments=moments))
    found["projected"] = accuracy()
    train(model, features[rest], labels[rest], epochs, 1e-3)
    found["fine-tuned"] = accuracy()
    print(", ".join(f"{when} {share:.1%}" for when, share in found.items()))
    return found


if __name__ == "__main__":
    main()
