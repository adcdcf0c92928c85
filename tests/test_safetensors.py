"""A trained network's state_dict gives in PyTorch what the network gives in NumPy."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open

from cdbench.config import families
from cdbench.errors import ConfigurationError, ModelError
from cdbench.trained.safetensors_file import export_safetensors
from tests.untrained_models import model_of

PAGE = Path(__file__).parents[1] / "docs" / "exports.md"
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
"""Of the largest logit, or of the target's deviation: as docs/exports.md says."""


def loaded(path, *, blocks):
    """The model that the page's first code blocks make of a file."""
    page = PAGE.read_text(encoding="utf-8")
    code = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[:blocks]
    names: dict[str, Any] = {}
    for block in code if blocks == 1 else (code[0].partition("model =")[0], *code[1:]):
        exec(block.replace("digits.safetensors", str(path)), names)  # noqa: S102
    assert not names["model"].training
    return names["model"]


def check_equal(path, *, blocks=1, **knobs):
    """Compare one configuration in both types; return the line about its modules."""
    line = ""
    for dtype, tolerance in TOLERANCE.items():
        model, X = model_of(**knobs, dtype=dtype)
        X = X.astype(dtype)
        line = export_safetensors(model, path / "it.safetensors") or ""
        with torch.no_grad():
            found = loaded(path / "it.safetensors", blocks=blocks)(torch.from_numpy(X)).numpy()
        assert found.dtype == dtype
        if model.target is not None:
            error, scale = np.abs(found[:, 0] - model.predict(X)).max(), model.target.unit
        else:
            logits = model.logits(X)
            error, scale = np.abs(found - logits).max(), np.abs(logits).max()
        assert error <= tolerance * scale, (knobs, dtype, error, scale)
    return line


@pytest.mark.long
@pytest.mark.parametrize("family", families.FAMILIES)
def test_mlp_of_every_family(family, tmp_path):
    check_equal(tmp_path, layer=family)
    line = check_equal(
        tmp_path, layer=family, hidden=(24, 30), normalization="batch", head="dense", input="center"
    )
    assert line == (
        "state_dict of BatchNorm1d, BatchNorm1d, Linear, ReLU, BatchNorm1d, Linear, ReLU, "
        "BatchNorm1d, Linear, in float64"
    )


@pytest.mark.long
def test_every_activation_normalization_and_input_transform(tmp_path):
    for activation in ("relu", "gelu", "tanh"):
        for normalization in ("none", "layer", "batch"):
            knobs = {"activation": activation, "normalization": normalization, "dropout": 0.1}
            check_equal(tmp_path, layer="cdlinear:3", permute=1, **knobs)
    for transform in ("scale", "center", "standardize", "whiten"):
        for dataset in ("digits", "wine"):
            for permute in (None, 3):
                check_equal(
                    tmp_path, dataset=dataset, layer="monarch", input=transform, permute=permute
                )


def test_residual_networks(tmp_path):
    for layer in ("dense", "cdlinear:4", "low-rank:3"):
        line = check_equal(
            tmp_path,
            blocks=2,
            architecture="residual-mlp",
            layer=layer,
            width=30,
            depth=3,
            normalization="layer",
        )
    assert line.startswith("state_dict of BatchNorm1d, LayerNorm, Linear, Residual(LayerNorm, ReLU")


CONVOLUTIONS = (
    {"kernel": 3, "stride": 1, "padding": "same", "pooling": "max", "readout": "average"},
    {"kernel": 3, "stride": 2, "padding": "same", "pooling": "none", "readout": "flatten"},
    {"kernel": 5, "stride": 1, "padding": "same", "pooling": "average", "readout": "flatten"},
    {"kernel": 2, "stride": 1, "padding": "valid", "pooling": "max", "readout": "flatten"},
)


def test_convolutional_networks(tmp_path):
    for geometry in CONVOLUTIONS:
        for layer, normalization in (("dense", "none"), ("cdlinear:4", "batch")):
            knobs = {"layer": layer, "normalization": normalization, **geometry}
            check_equal(tmp_path, architecture="conv", channels=(8, 12), permute=5, **knobs)


def test_regression_in_the_targets_unit(tmp_path):
    path = tmp_path / "house.csv"
    X = np.random.default_rng(0).normal([10, 0, -3], [1, 1e-3, 10], size=(60, 3))
    rows = np.column_stack([X, 3e5 + 1e4 * X[:, 2]])
    np.savetxt(path, rows, delimiter=",", header="a,b,c,price", comments="", fmt="%.17g")
    for layer in ("dense", "cdlinear:2"):
        check_equal(tmp_path, dataset=str(path), task="regression", layer=layer, hidden=(16,))


def test_file_says_what_it_is_of(tmp_path):
    model, _ = model_of(dataset="iris", layer="cdlinear:2", hidden=(6,), dtype="float32")
    export_safetensors(model, tmp_path / "iris.safetensors")
    with safe_open(tmp_path / "iris.safetensors", "numpy") as file:
        said, names = json.loads(file.metadata()["model"]), list(file.keys())
        assert file.get_tensor("1.weight").shape == (6, 4)
        assert file.get_tensor("3.weight").shape == (3, 6)  # without the padded row
    assert said["classes"] == ["0", "1", "2"]
    assert (said["digest"], said["run_uuid"]) == (model.digest, model.run_uuid)
    assert said["config"] == model.config.canonical_json()
    assert said["modules"][1:] == [
        ["Linear", {"in_features": 4, "out_features": 6, "bias": True}],
        ["ReLU", {}],
        ["Linear", {"in_features": 6, "out_features": 3, "bias": True}],
    ]
    linear = ["1.bias", "1.weight", "3.bias", "3.weight"]
    moments = ["0.num_batches_tracked", "0.running_mean", "0.running_var"]
    assert sorted(names) == moments + linear
    again = tmp_path / "again.safetensors"
    for _ in range(5):
        export_safetensors(model, again)
        assert again.read_bytes() == (tmp_path / "iris.safetensors").read_bytes()


def test_what_has_no_modules_is_refused(tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("a,b\n" + "".join(f"{'xy'[i % 2]},{i % 2}\n" for i in range(30)))
    cases: dict[str, dict[str, Any]] = {
        "a network with attention is no sequence of modules of torch.nn; expected --format onnx, "
        "or npz": {"architecture": "attention", "width": 8, "depth": 1, "heads": 2},
        "torch.nn has no LayerNorm over the channels of a pixel; expected --format onnx, or npz": {
            "architecture": "conv",
            "channels": (4, 4),
            "normalization": "layer",
        },
        "text and blanks were encoded, which torch.nn has not; expected --format onnx, or npz": {
            "dataset": str(table),
            "encode": "one-hot",
        },
    }
    for message, knobs in cases.items():
        model, _ = model_of(layer="dense", **knobs)
        with pytest.raises(ModelError, match=f"^{re.escape(message)}$"):
            export_safetensors(model, tmp_path / "it.safetensors")
    model, _ = model_of(dataset="iris", layer="dense", dtype="float32")
    for scale in (1e30, 1e-30):
        affine = replace(model.inputs.affine, scale=np.full(4, scale))
        with pytest.raises(ModelError) as caught:
            export_safetensors(replace(model, inputs=replace(model.inputs, affine=affine)), table)
        assert str(caught.value) == (
            f"the input transform divides by {scale:g}, or by {scale:g}, whose square is out of "
            "the range of float32; expected --format npz or onnx"
        )
    assert not list(tmp_path.glob("*.safetensors"))


def test_own_parameters_are_named_and_shaped_as_the_engines(tmp_path, monkeypatch):
    path = tmp_path / "it.safetensors"
    model, _ = model_of(layer="cdlinear:3", hidden=(8,), head="structured", dtype="float32")
    line = export_safetensors(model, path, own=True)
    assert line == "state_dict of BatchNorm1d, cdlinear, ReLU, cdlinear, in float32"
    with safe_open(path, "numpy") as file:
        said, names = json.loads(file.metadata()["model"]), file.keys()
        own = {name: file.get_tensor(name) for name in names if name[0] != "0"}
    assert said["modules"][3] == ["cdlinear", {"in_features": 9, "out_features": 10, "B": 3}]
    first, second = (params for params in model.views() if "c" in params)
    for number, params in ((1, first), (3, second)):
        np.testing.assert_array_equal(own[f"{number}.c"], params["c"])
    np.testing.assert_array_equal(own["1.bias"], first["bias"])
    np.testing.assert_array_equal(own["3.bias"], second["bias"][:10])  # without what pads
    model, _ = model_of(architecture="conv", channels=(8, 8), layer="low-rank")
    with pytest.raises(ModelError) as caught:
        export_safetensors(model, path, own=True)
    message = "--own has no convolutions; expected --format torch without it"
    assert str(caught.value) == message
    model, _ = model_of(layer="low-rank")
    others = {name: place for name, place in families.FAMILIES.items() if name != "low-rank"}
    monkeypatch.setattr(families, "FAMILIES", others)  # as of a plug-in
    with pytest.raises(ModelError) as caught:
        export_safetensors(model, path, own=True)
    assert str(caught.value) == message.replace("convolutions", "plug-ins' layers")


def test_missing_extra_is_named_with_what_installs_it(monkeypatch, tmp_path):
    model, _ = model_of(dataset="iris", layer="dense")
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(ConfigurationError) as caught:
        export_safetensors(model, tmp_path / "iris.safetensors")
    assert str(caught.value) == (
        "--format torch needs safetensors, which is not installed; type: "
        "pip install 'cdbench[torch]'"
    )
