"""Whole models of others: replaced in two lines, trained, exported, run without PyTorch.

And the examples, each on its small sample.
"""

import importlib.util
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from cdbench.torch import StructuredLinear  # noqa: E402

pytestmark = pytest.mark.long
EXAMPLES = Path(__file__).parents[1] / "examples"
LAYER = "cdlinear:4"


def example(name: str) -> Any:
    """An example as a module; no test may import it by name, because examples are no package."""
    specification = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


class Attention(nn.Module):
    """As vision transformers write it: one layer for all of q, k and v."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        N, T, width = x.shape
        q, k, v = self.qkv(x).reshape(N, T, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        weights = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(N, T, width))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.fc2(functional.gelu(self.fc1(self.norm2(x))))


class ViT(nn.Module):
    """A vision transformer for 8 × 8 images in patches of 2 × 2."""

    def __init__(self, width=32, depth=2, heads=4):
        super().__init__()
        self.patches = nn.Conv2d(1, width, 2, 2)
        self.first = nn.Parameter(torch.zeros(1, 1, width))
        self.places = nn.Parameter(torch.randn(1, 17, width) * 0.02)
        self.blocks = nn.Sequential(*[Block(width, heads) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, images):
        x = self.patches(images).flatten(2).mT
        x = torch.cat([self.first.expand(x.shape[0], -1, -1), x], 1) + self.places
        return self.head(self.norm(self.blocks(x))[:, 0])


def train(model, inputs, targets, steps=100):
    """Return the loss before and after some steps."""
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    losses = []
    for _ in range(steps):
        loss = functional.cross_entropy(model(inputs).flatten(0, -2), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses[0], losses[-1]


def assert_runs_without_pytorch(model, inputs, path):
    """Export for any number of samples, and compare with what onnxruntime makes of it."""
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    model.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        torch.onnx.export(
            model,
            (inputs[:3],),
            path,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            dynamo=True,
            verbose=False,
        )
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for n in (1, 5, len(inputs)):
        (found,) = session.run(None, {session.get_inputs()[0].name: inputs[:n].numpy()})
        with torch.no_grad():
            wanted = model(inputs[:n]).numpy()
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test_a_vision_transformer_is_replaced_in_two_lines(tmp_path):
    from sklearn.datasets import load_digits

    torch.manual_seed(0)
    X, y = load_digits(return_X_y=True)
    images = torch.tensor(X[:128].reshape(-1, 1, 8, 8) / 16, dtype=torch.float32)
    labels = torch.tensor(y[:128]).long()
    model = ViT()
    train(model, images, labels)
    dense = sum(own.numel() for own in model.parameters())

    from cdbench.torch import replace_linear

    report = replace_linear(model, LAYER)

    assert len(report.replaced) == 9 - len(report.skipped)
    assert sum(isinstance(own, StructuredLinear) for own in model.modules()) >= 8
    assert sum(own.numel() for own in model.parameters()) < dense / 2
    before, after = train(model, images, labels)
    assert after < before / 2
    assert_runs_without_pytorch(model, images, tmp_path / "vit.onnx")


def test_a_gpt_is_replaced_in_two_lines(tmp_path):
    torch.manual_seed(0)
    text = torch.randint(20, (8, 1)).expand(8, 33)  # what comes next is the same again
    model = example("tiny_gpt").GPT(symbols=20, length=32, width=32, depth=2)

    from cdbench.torch import replace_linear

    report = replace_linear(model, LAYER, init="fresh")

    assert report.skipped == {"head": "shares its weight with characters"}
    assert len(report.replaced) == 8
    before, after = train(model, text[:, :-1], text[:, 1:])
    assert after < before / 2
    assert_runs_without_pytorch(model, text[:, :-1], tmp_path / "gpt.onnx")


def test_the_example_of_fine_tuning_wins_back_what_projecting_lost():
    found = example("finetune_projected").main(["--quick", "--layer", LAYER])
    assert found["trained"] > 0.9
    assert found["projected"] < found["trained"]
    assert found["fine-tuned"] > max(found["projected"], 0.9)


def test_the_example_of_a_gpt_learns_its_text(tmp_path):
    found = example("tiny_gpt").main(["--quick", "--layer", LAYER])
    assert found["after"] < found["before"] - 1
    own = tmp_path / "text.txt"
    own.write_text("to be or not to be, " * 60, encoding="utf-8")
    found = example("tiny_gpt").main(["--quick", "--layer", "dense", "--text", str(own)])
    assert found["after"] < found["before"] - 0.2


def test_the_example_of_convolutions_learns_its_sample():
    found = example("cifar_conv").main(["--quick"])
    assert found["after"] > found["before"] + 0.1
