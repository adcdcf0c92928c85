"""``cdbench model export`` in PyTorch's and ONNX's formats: what it says, and what it refuses."""

import sys

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import pytest
from safetensors import safe_open

from cdbench.datasets import DATASETS
from cdbench.trained.npz import load
from tests.cli_tools import SMALL, Here


@pytest.fixture
def kept(here: Here) -> Here:
    assert here("train", *SMALL, "--no-spectra", "--keep-weights").code == 0
    return here


def test_the_ending_of_a_file_means_its_format(kept: Here) -> None:
    answer = kept("model", "export", "1", "it.onnx")
    assert answer.out == (
        "wrote it.onnx: cdlinear B=4, 28 parameters; ONNX opset 18 in float64; weight layers 1 to "
        "2 as a whole matrix\n"
    )
    answer = kept("model", "export", "1", "it.safetensors")
    assert answer.out == (
        "wrote it.safetensors: cdlinear B=4, 28 parameters; state_dict of BatchNorm1d, Linear, "
        "ReLU, Linear, in float64\n"
    )
    answer = kept("model", "export", "1", "own.weights", "--format", "torch", "--own")
    assert answer.out == (
        "wrote own.weights: cdlinear B=4, 28 parameters; state_dict of BatchNorm1d, cdlinear, "
        "ReLU, cdlinear, in float64\n"
    )
    with safe_open(kept.folder / "own.weights", "numpy") as file:
        assert "1.c" in file.keys()  # noqa: SIM118
    kept("model", "export", "1", "it.npz")
    X = DATASETS["iris"]().X
    session = onnxruntime.InferenceSession(kept.folder / "it.onnx")
    (found,) = session.run(["logits"], {"features": X})
    logits = load(kept.folder / "it.npz").logits(X)
    assert np.abs(found - logits).max() <= 1e-12 * np.abs(logits).max()


def test_what_it_cannot_do_is_refused_in_one_line(
    kept: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    refusals = {
        ("it.onnx", "--own"): "--own is for --format torch, got onnx",
        ("it.onnx",): "--format onnx needs onnx, which is not installed; type: "
        "pip install 'cdbench[onnx]'",
        ("it.safetensors",): "--format torch needs safetensors, which is not installed; type: "
        "pip install 'cdbench[torch]'",
        ("it.pt",): "it.pt: no form of a model ends in .pt; expected .npz, .safetensors, .onnx, or "
        "--format npz|torch|onnx beside it",
    }
    for words, message in refusals.items():
        answer = kept("model", "export", "1", *words)
        assert (answer.code, answer.err) == (2, f"cdbench: {message}\n"), words
        assert not (kept.folder / words[0]).exists()
