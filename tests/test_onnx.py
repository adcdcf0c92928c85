"""A trained network in ONNX gives in onnxruntime what it gives in NumPy."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
import pytest

from cdbench.config import families
from cdbench.errors import ConfigurationError, ModelError
from cdbench.trained import onnx_graph, onnx_weights
from cdbench.trained.onnx_graph import export_onnx, onnx_model
from tests.untrained_models import model_of


@pytest.fixture(autouse=True)
def small_layers_keep_their_structure(monkeypatch, request):
    if "large" not in request.node.name:
        monkeypatch.setattr(onnx_weights, "FEWEST_ENTRIES", 0)


PAGE = Path(__file__).parents[1] / "docs" / "exports.md"
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)
TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
"""Of the largest logit, or of the target's deviation: as docs/exports.md says."""


def in_onnxruntime(proto, X):
    """The outputs by name."""
    onnx.checker.check_model(proto, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    (given,) = session.get_inputs()
    dtype = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(int64)": "int64"}
    names = [output.name for output in session.get_outputs()]
    found = session.run(names, {given.name: X.astype(dtype[given.type])})
    return dict(zip(names, found, strict=True))


def check_equal(**knobs):
    """Compare all outputs of one configuration; return the line about its layers."""
    line = ""
    for dtype, tolerance in TOLERANCE.items():
        model, X = model_of(**knobs, dtype=dtype)
        X = X.astype(dtype).astype(np.float64)  # what can be given to either
        proto, line = onnx_model(model)
        for samples in (X, X[:1]):
            found = in_onnxruntime(proto, samples)
            assert all(one.dtype == dtype for one in found.values())
            if model.target is not None:
                error = np.abs(found["value"][:, 0] - model.predict(samples))
                assert error.max() <= tolerance * model.target.unit, (knobs, dtype, error.max())
                continue
            logits = model.logits(samples)
            assert found["logits"].size == logits.size
            error = np.abs(found["logits"].reshape(logits.shape) - logits).max()
            assert error <= tolerance * np.abs(logits).max(), (knobs, dtype, error)
            probabilities = found["probabilities"].reshape(logits.shape)
            np.testing.assert_allclose(
                probabilities, model.probabilities(samples), rtol=0, atol=10 * tolerance
            )
            np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=0, atol=tolerance)
    return line


STRUCTURED = "as reshapes and matrix products"


@pytest.mark.parametrize("family", families.FAMILIES)
def test_mlp_of_every_family(family):
    check_equal(layer=family)
    check_equal(layer=family, hidden=(24, 30), normalization="layer", head="dense", input="center")


def test_one_network_of_every_architecture():
    check_equal(layer="cdlinear:3", normalization="batch", input="whiten", activation="tanh")
    check_equal(architecture="residual-mlp", layer="monarch:2", width=12, depth=2)
    check_equal(architecture="conv", layer="cdlinear:4", channels=(8, 8), normalization="layer")
    check_equal(architecture="attention", layer="cdlinear:4", width=8, depth=1, heads=2)


def test_structure_is_kept_where_it_has_fewer_numbers():
    for specification in ("low-rank:8", "block-diagonal:4", "block-diagonal:4,basis=dct"):
        assert STRUCTURED in check_equal(layer=specification)
    for specification in ("monarch:8,inner=3", "kronecker:4", "cdlinear:8", "cdlinear:3"):
        assert STRUCTURED in check_equal(layer=specification, product="auto")
    for specification in ("cdlinear:1", "low-rank:60", "circulant", "dense"):
        assert check_equal(layer=specification).endswith("layers 1 to 3 as a whole matrix")
    mixed = check_equal(layer="cdlinear:8", head="dense")
    assert mixed.endswith(f"layers 1 to 2 {STRUCTURED}, 3 as a whole matrix")
    kernels = check_equal(architecture="conv", layer="cdlinear:4", channels=(8, 8))
    assert kernels.endswith(f"layers 1 as a whole matrix, 2 to 3 {STRUCTURED}")  # of float64
    _, kernels = onnx_model(model_of(architecture="conv", channels=(8, 8), dtype="float32")[0])
    assert "layers 1 to 2 as a convolution of whole kernels" in kernels


def test_only_large_matrices_keep_their_structure():
    for layer in ("cdlinear:16", "monarch:16", "kronecker:1", "low-rank:4"):
        line = check_equal(layer=layer, hidden=(256, 256), product="auto")
        assert line.endswith(f"layers 1 as a whole matrix, 2 {STRUCTURED}, 3 as a whole matrix")


@pytest.mark.long
def test_every_activation_normalization_and_input_transform():
    for activation in ("relu", "gelu", "tanh"):
        for normalization in ("none", "layer", "batch"):
            for layer in ("dense", "cdlinear:4"):
                check_equal(
                    layer=layer,
                    activation=activation,
                    normalization=normalization,
                    dropout=0.1,
                    product="polygon" if layer == "cdlinear:4" else "auto",
                )
    for transform in ("scale", "center", "standardize", "whiten"):
        for dataset in ("digits", "wine", "breast_cancer"):
            check_equal(dataset=dataset, layer="low-rank:3", input=transform, permute=3)


@pytest.mark.long
def test_residual_networks():
    for layer in families.FAMILIES:
        check_equal(
            architecture="residual-mlp", layer=layer, width=30, depth=3, normalization="layer"
        )
    check_equal(architecture="residual-mlp", layer="dense", width=16, depth=2, activation="gelu")


CONVOLUTIONS = (
    {"kernel": 3, "stride": 1, "padding": "same", "pooling": "max", "readout": "average"},
    {"kernel": 3, "stride": 2, "padding": "same", "pooling": "none", "readout": "flatten"},
    {"kernel": 5, "stride": 1, "padding": "same", "pooling": "average", "readout": "flatten"},
    {"kernel": 2, "stride": 1, "padding": "valid", "pooling": "max", "readout": "average"},
)


@pytest.mark.long
def test_convolutional_networks():
    for geometry in CONVOLUTIONS:
        for layer in ("dense", "cdlinear:4", "monarch:2"):
            for normalization in ("none", "layer", "batch"):
                check_equal(
                    architecture="conv",
                    layer=layer,
                    channels=(8, 12),
                    normalization=normalization,
                    **geometry,
                )


@pytest.mark.long
def test_attention_on_images():
    for layer in ("dense", "cdlinear:3", "low-rank:2"):
        for patch in (None, 4):
            check_equal(
                architecture="attention",
                layer=layer,
                width=12,
                depth=2,
                heads=2,
                head_width=5,
                patch=patch,
                activation="gelu",
            )


def test_attention_on_text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("the quick brown fox jumps over the lazy dog. " * 20, encoding="utf-8")
    for layer in ("dense", "cdlinear:4"):
        check_equal(
            dataset=f"text:{path}",
            architecture="attention",
            layer=layer,
            width=12,
            depth=2,
            heads=3,
            context=8,
        )


def test_regression_in_the_targets_unit(tmp_path):
    path = tmp_path / "house.csv"
    rng = np.random.default_rng(0)
    X = rng.normal([1e5, 0, -3], [1, 1e-3, 10], size=(60, 3))
    y = 3e5 + 1e4 * X[:, 2]
    rows = np.column_stack([X, y])
    np.savetxt(path, rows, delimiter=",", header="a,b,c,price", comments="", fmt="%.17g")
    for layer in ("dense", "cdlinear:2"):
        check_equal(dataset=str(path), task="regression", layer=layer, hidden=(16,))


def test_text_and_blanks_of_an_encoded_table(tmp_path):
    path = tmp_path / "table.csv"
    kinds = ["red", "green", "", "blue"]
    rows = [f"{i % 5 if i % 7 else ''},{kinds[i % 4]},{i % 3},{'ab'[i % 2]}" for i in range(60)]
    path.write_text("\n".join(["size,colour,n,label", *rows]), encoding="utf-8")
    for permute in (None, 2):
        knobs = {"dataset": str(path), "encode": "one-hot", "layer": "dense", "permute": permute}
        check_equal(**knobs, hidden=(6,))
        model, X = model_of(**knobs)
        assert model.inputs.encoding is not None
        encoding = replace(model.inputs.encoding, unseen=np.arange(5) == 2)  # green
        model = replace(model, inputs=replace(model.inputs, encoding=encoding))
        proto, _ = onnx_model(model)
        found, logits = in_onnxruntime(proto, X)["logits"], model.logits(X)
        assert np.abs(found - logits).max() <= 1e-12 * np.abs(logits).max()
        texts = {own.key: own.value for own in proto.metadata_props}["texts"]
        assert json.loads(texts) == [[], ["blue", "green", "red"], []]


def test_a_feature_that_varies_little_around_a_large_mean_keeps_its_variation():
    rng = np.random.default_rng(0)
    X = (1e4 + rng.integers(0, 64, (500, 3)) / 64).astype(np.float32)
    model, _ = model_of(dataset="iris", layer="dense", dtype="float32", hidden=(4,))
    affine = replace(model.inputs.affine, shift=np.full(4, 1e4 + 1 / 3), scale=np.full(4, 0.25))
    model = replace(model, inputs=replace(model.inputs, affine=affine))
    X = np.column_stack([X, X[:, 0]])
    found, logits = in_onnxruntime(onnx_model(model)[0], X)["logits"], model.logits(X)
    assert np.abs(found - logits).max() <= 1e-6 * np.abs(logits).max()


def test_file_says_what_it_is_of_and_is_always_the_same(tmp_path):
    model, X = model_of(dataset="iris", layer="cdlinear:2", hidden=(16,), dtype="float32")
    model = replace(model, features=("a", "b", "c", "d"))
    line = export_onnx(model, tmp_path / "iris.onnx")
    assert line == (
        "ONNX opset 18 in float32; weight layers 1 to 2 as reshapes and matrix products"
    )
    export_onnx(model, tmp_path / "again.onnx")
    content = (tmp_path / "iris.onnx").read_bytes()
    assert content == (tmp_path / "again.onnx").read_bytes()
    proto = onnx.load_from_string(content)
    assert [(own.domain, own.version) for own in proto.opset_import] == [("", 18)]
    assert {node.domain for node in proto.graph.node} == {""}
    said = {own.key: own.value for own in proto.metadata_props}
    assert said["digest"] == model.digest
    assert json.loads(said["classes"]) == ["0", "1", "2"]
    assert json.loads(said["features"]) == ["a", "b", "c", "d"]
    assert (said["cdbench_version"], said["run_uuid"]) == (model.cdbench_version, model.run_uuid)
    assert said["config"] == model.config.canonical_json()
    given, *_ = onnxruntime.InferenceSession(content).get_inputs()
    assert (given.name, given.shape, given.type) == ("features", ["N", 4], "tensor(float)")
    assert len(in_onnxruntime(proto, np.repeat(X, 3, axis=0))["logits"]) == 3 * len(X)


def test_page_says_how_to_run_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model, X = model_of(layer="cdlinear:4")
    export_onnx(model, Path("digits.onnx"))
    (code,) = [own for own in CODE.findall(PAGE.read_text(encoding="utf-8")) if "onnx" in own]
    names: dict[str, Any] = {"X": X}
    exec(code, names)  # noqa: S102
    assert names["predicted"] == model.predict(X).tolist()


def test_missing_extra_is_named_with_what_installs_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    model, _ = model_of(dataset="iris", layer="dense")
    with pytest.raises(ConfigurationError) as caught:
        export_onnx(model, tmp_path / "iris.onnx")
    assert str(caught.value) == (
        "--format onnx needs onnx, which is not installed; type: pip install 'cdbench[onnx]'"
    )
    assert not list(tmp_path.iterdir())


def test_what_float32_cannot_hold_is_refused():
    model, _ = model_of(dataset="iris", layer="dense", dtype="float32")
    affine = replace(model.inputs.affine, shift=np.full(4, 1e300))
    with pytest.raises(ModelError) as caught:
        onnx_model(replace(model, inputs=replace(model.inputs, affine=affine)))
    assert str(caught.value) == (
        "a constant of inputs is out of the range of float32; expected a model trained in float64"
    )


def test_more_than_a_file_can_hold_is_refused(monkeypatch):
    model, _ = model_of(dataset="iris", layer="dense", hidden=(4,))
    n_bytes = sum(len(one.raw_data) for one in onnx_model(model)[0].graph.initializer)
    monkeypatch.setattr(onnx_graph, "MOST_BYTES", n_bytes)
    onnx_model(model)
    monkeypatch.setattr(onnx_graph, "MOST_BYTES", n_bytes - 1)
    with pytest.raises(ModelError) as caught:
        onnx_model(model)
    assert str(caught.value) == "the model has more than 2 GB, expected --format npz or torch"
