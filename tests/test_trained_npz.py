"""Models in .npz files: what is written comes back, and what is damaged is refused."""

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from cdbench.config.families import FAMILIES
from cdbench.errors import ModelError
from cdbench.trained.model import TrainedModel
from cdbench.trained.npz import load, save
from tests.trained_models import small_model

SETTINGS: list[dict[str, Any]] = [
    {"input": "whiten", "normalization": "batch"},
    {"input": "center", "dtype": "float32", "permute": 4},
    {"input": "scale", "layer": "dense", "normalization": "layer"},
    {"architecture": "residual-mlp", "layer": "dense", "normalization": "batch"},
]
SLOWER: list[dict[str, Any]] = [
    {"architecture": "conv", "layer": "dense", "dataset": "digits", "normalization": "batch"},
    {"architecture": "attention", "layer": "dense", "dataset": "digits"},
    *({"layer": family, "learning_rate": 1e-3} for family in FAMILIES),
]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "model.npz"
    save(small_model(normalization="batch")[0], path)
    return path


def changed(path: Path, change: Callable[[dict[str, Any], dict[str, Any]], object]) -> Path:
    """Write the model again with its header and arrays changed."""
    with np.load(path) as archive:
        arrays = dict(archive)
    header = json.loads(str(arrays.pop("header")))
    change(header, arrays)
    other = path.with_name("changed.npz")
    np.savez(other, header=np.array(json.dumps(header)), **arrays)
    return other


def test_a_model_from_a_file_gives_the_trained_networks_logits_bit_for_bit(tmp_path: Path) -> None:
    for knobs in SETTINGS:
        check_round_trip(knobs, tmp_path / "model.npz")


@pytest.mark.long
def test_a_model_of_any_family_gives_the_trained_networks_logits_too(tmp_path: Path) -> None:
    for knobs in SLOWER:
        check_round_trip(knobs, tmp_path / "model.npz")


def check_round_trip(knobs: dict[str, Any], path: Path) -> None:
    model, X, logits = small_model(**knobs)
    save(model, path)
    found = load(path)
    np.testing.assert_array_equal(found.logits(X), logits, err_msg=str(knobs))
    assert found.logits(X).dtype == model.config.dtype
    assert (found.config, found.digest) == (model.config, model.digest)
    assert (found.run_uuid, found.classes) == ("a-uuid", model.classes)
    assert found.predict(X).tolist() == [found.classes[i] for i in logits.argmax(axis=1)]
    np.testing.assert_allclose(found.probabilities(X).sum(axis=1), 1.0, rtol=1e-6)


def test_the_header_says_where_each_layers_parameters_are(saved: Path) -> None:
    model = load(saved)
    with np.load(saved) as archive:
        flat = archive["parameters"]
        layers = json.loads(str(archive["header"]))["layers"]
    n = 0
    for views, layer in zip(model.views(), layers, strict=True):
        assert list(views) == [own["name"] for own in layer["parameters"]]
        for own in layer["parameters"]:
            shape, axes, start = own["shape"], own["axes"], own["offset"]
            part = flat[start : start + int(np.prod(shape))]
            memory = part.reshape([shape[axis] for axis in axes])
            found = memory.transpose(np.argsort(axes))
            np.testing.assert_array_equal(found, views[own["name"]])
            n += part.size
    assert n == flat.size


def test_saving_a_loaded_model_writes_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    save(load(saved), tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == saved.read_bytes()


REFUSED: dict[str, tuple[Callable[[Any, Any], object], str]] = {
    "another version": (
        lambda header, arrays: header.update(version=2),
        "is of the format 'cdbench model' version 2, expected 'cdbench model' version 1, the only "
        "one that cdbench 0.1.0 reads",
    ),
    "another digest": (
        lambda header, arrays: arrays["parameters"].__setitem__(0, 1.0),
        "its parameters have the digest DIGEST, but the header says DIGEST; the file was changed "
        "since it was written",
    ),
    "a shape that does not fit": (
        lambda header, arrays: arrays.update(shift=np.zeros(3)),
        "cannot be read as a model (shift is float64 of shape (3,), expected shape (4,)); expected "
        "a model as cdbench model export writes it",
    ),
    "a transform that is not finite": (
        lambda header, arrays: arrays["scale"].fill(np.nan),
        "cannot be read as a model (scale is not finite); expected a model as cdbench model export "
        "writes it",
    ),
    "a transform that divides by zero": (
        lambda header, arrays: arrays["scale"].__setitem__(1, 0.0),
        "cannot be read as a model (scale has zeros); expected a model as cdbench model export "
        "writes it",
    ),
    "classes that are no text": (
        lambda header, arrays: header.update(classes=[0, 1, 2]),
        "cannot be read as a model (classes are not all text); expected a model as cdbench model "
        "export writes it",
    ),
    "a divisor that is no number": (
        lambda header, arrays: header.update(divisor="16"),
        "cannot be read as a model (divisor is '16', expected a finite number); expected a model "
        "as cdbench model export writes it",
    ),
    "a version that is no text": (
        lambda header, arrays: header.update(cdbench_version=1),
        "cdbench_version is 1, expected a text",
    ),
    "an order of other features": (
        lambda header, arrays: arrays.update(order=np.array([0, 1, 2, 2])),
        "cannot be read as a model (order is no permutation of the features); expected a model as "
        "cdbench model export writes it",
    ),
    "fewer classes than outputs": (
        lambda header, arrays: header["classes"].pop(),
        "cannot be read as a model (2 classes for 3 outputs); expected a model as cdbench model "
        "export writes it",
    ),
    "an unknown knob": (
        lambda header, arrays: header["config"].update(colour="red"),
        "unknown configuration key 'colour'",
    ),
    "a layer that there is not": (
        lambda header, arrays: header["config"].update(layer="felt"),
        "unknown layer 'felt'",
    ),
    "no digest": (
        lambda header, arrays: header.pop("digest"),
        "cannot be read as a model (it lacks 'digest'); expected a model as cdbench model export "
        "writes it",
    ),
    "other layers": (
        lambda header, arrays: header["layers"].reverse(),
        "its header has other layers than a network of its configuration, expected cdlinear B=4 "
        "as cdbench 0.1.0 builds it",
    ),
    "no statistics": (
        lambda header, arrays: arrays.pop("mean_0"),
        "cannot be read as a model (it lacks 'mean_0'); expected a model as cdbench model export "
        "writes it",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_whose_parts_do_not_fit_is_refused_in_a_line(what: str, saved: Path) -> None:
    change, words = REFUSED[what]
    path = changed(saved, change)
    with pytest.raises(ModelError) as caught:
        load(path)
    line = str(caught.value)
    for own in (load(saved).digest, *([] if "DIGEST" not in words else [_digest(path)])):
        line = line.replace(own[:12], "DIGEST")
    assert line.startswith(f"{path}: {words}")
    assert "\n" not in line


def _digest(path: Path) -> str:
    from cdbench.records.weights import parameters_digest

    with np.load(path) as archive:
        return parameters_digest(archive["parameters"])


def test_weights_that_are_not_finite_or_too_few_are_refused() -> None:
    model, _, _ = small_model()
    n = len(model.parameters)
    lost = model.parameters.copy()
    lost[[0, 3]] = np.nan, np.inf
    for parameters, words in (
        (lost, f"2 of {n} parameters are not finite numbers"),
        (
            lost[1:],
            f"parameters are float64 of shape ({n - 1},), expected float64 of shape ({n},), as "
            "cdlinear B=4 has",
        ),
        (
            lost.astype("f4"),
            f"parameters are float32 of shape ({n},), expected float64 of shape ({n},), as "
            "cdlinear B=4 has",
        ),
    ):
        with pytest.raises(ModelError) as caught:
            replace(model, parameters=parameters)
        assert str(caught.value) == words


def test_samples_whose_outputs_overflow_are_refused_in_a_line() -> None:
    model, X, _ = small_model(input="none", dtype="float32", learning_rate=1e-3)
    X = np.array(X, float)
    X[1] = 3e38
    with pytest.raises(ModelError) as caught:
        model.predict(X)
    words = "is too large for the network: its outputs are out of the range of float32"
    assert str(caught.value) == f"sample 2 {words}"


def test_files_of_other_kinds_are_refused_in_a_line(tmp_path: Path) -> None:
    end = "expected a model as cdbench model export writes it"
    path = tmp_path / "model.npz"
    path.write_bytes(pickle.dumps({"weights": [1.0]}))
    refused = f"{path}: is a pickle, which is refused: reading one runs whatever code it holds; "
    assert _refusal(path) == refused + end
    np.savez(path, header=np.array({"a": 1}, dtype=object))
    assert _refusal(path) == f"{path}: holds pickled objects, which are refused; {end}"
    np.savez(path, X=np.zeros(3))
    assert _refusal(path) == f"{path}: cannot be read as a model (it lacks 'header'); {end}"
    path.write_text("nothing")
    assert _refusal(path) == (f"{path}: cannot be read as a model (File is not a zip file); {end}")
    assert _refusal(tmp_path / "none.npz") == (f"{tmp_path / 'none.npz'}: no such file; {end}")


def _refusal(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load(path)
    return str(caught.value)


def test_features_may_be_lists_or_a_frame_of_numbers_and_nothing_else() -> None:
    model, X, _ = small_model()
    for given in (X.tolist(), pd.DataFrame(X), pd.DataFrame(X, dtype=object)):
        np.testing.assert_array_equal(model.logits(given), model.logits(X))
    others: Any = ([["a"] * 4], [[1.0], [1.0, 2.0]], csr_array(X))
    for given in others:
        with pytest.raises(ModelError) as caught:
            model.predict(given)
        assert str(caught.value) == (
            f"features, a {type(given).__name__}, are not an array of numbers; expected numbers, "
            "(N, n_columns)"
        )


def test_features_that_do_not_fit_are_refused_in_a_line() -> None:
    model, X, _ = small_model()
    hole = X.copy()
    hole[2, 1] = np.nan
    for samples, words in (
        (X[:, 1:], "features have shape (30, 3), expected (N, 4), as the network was trained on"),
        (hole, "sample 3, feature 2 is nan, expected a finite number"),
    ):
        with pytest.raises(ModelError) as caught:
            model.logits(samples)
        assert str(caught.value) == words


def test_a_model_without_samples_gives_no_logits() -> None:
    model, X, _ = small_model()
    assert model.logits(X[:0]).shape == (0, 3)


def test_a_model_is_of_its_own_attributes_and_those_of_weights() -> None:
    model, _, _ = small_model()
    assert TrainedModel.of(model, model.config).run_uuid is None
