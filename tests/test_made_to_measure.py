"""Sets made to measure: their names, condition numbers, and teachers that their students match."""

from typing import Any

import numpy as np
import pytest

from cdbench.config.families import FAMILIES
from cdbench.config.made_sets import parse
from cdbench.config.run_config import RunConfig
from cdbench.datasets import load_dataset, pin_dataset
from cdbench.errors import CdbenchError, ConfigurationError, DatasetError
from cdbench.running.execution import execute


def load(name, **knobs):
    return load_dataset(RunConfig(dataset=name, **knobs))


@pytest.mark.parametrize("kappa", [1, 1e4, 1e8])
@pytest.mark.parametrize("features", [1, 7, 40])
def test_gaussian_classes_have_the_condition_number_that_is_asked_for(kappa, features):
    data = load(f"gaussian:classes=3,samples=300,features={features},kappa={kappa}")
    assert data.X.shape == (300, features)
    assert np.bincount(data.y).tolist() == [100] * 3
    np.testing.assert_allclose(data.X.mean(axis=0), 0, atol=1e-14)
    eigenvalues = np.linalg.eigvalsh(data.X.T @ data.X / 300)
    expected = np.logspace(-np.log10(kappa), 0, features) if features > 1 else [1.0]
    np.testing.assert_allclose(eigenvalues, expected, rtol=1e-6)
    off_diagonal = np.abs(np.corrcoef(data.X, rowvar=False)) if kappa > 1 and features > 1 else 1
    assert np.max(off_diagonal) > 0.1  # its directions are not those of the features


def test_classes_are_as_far_apart_as_is_asked_for():
    def distance(separation):
        data = load(f"gaussian:classes=2,samples=4000,features=200,separation={separation}")
        # In the metric of the classes' own covariance, whatever map was applied to both.
        a, b = (data.X[data.y == k] for k in (0, 1))
        apart = a.mean(axis=0) - b.mean(axis=0)
        own = (np.cov(a.T) + np.cov(b.T)) / 2
        return np.sqrt(apart @ np.linalg.solve(own, apart))

    near, far = distance(10), distance(20)
    assert far / near == pytest.approx(2, rel=0.02)  # the same directions, drawn once
    assert far == pytest.approx(20, rel=0.15)


def test_names_are_made_canonical_and_the_digest_with_them():
    same = [
        "gaussian:features=8,classes=3,kappa=1e4",
        "gaussian:kappa=10000,seed=0,classes=3,features=8,samples=2000",
    ]
    assert {RunConfig(dataset=name).dataset for name in same} == {
        "gaussian:features=8,classes=3,kappa=10000"
    }
    assert len({RunConfig(dataset=name).digest() for name in same}) == 1
    assert RunConfig(dataset="gaussian:").dataset == "gaussian"
    assert RunConfig(dataset="gaussian").input == "scale"
    names = {"teacher:cdlinear", "teacher:cdlinear:4", "teacher:cdlinear:B=4,hidden=0"}
    assert {RunConfig(dataset=name).dataset for name in names} == {"teacher:cdlinear:4"}
    name = "teacher:samples=100,monarch:8,inner=16,hidden=32"
    assert RunConfig(dataset=name).dataset == "teacher:monarch:8,inner=16,samples=100,hidden=32"
    config = RunConfig(dataset="gaussian:seed=3")
    assert pin_dataset(config) == config
    assert RunConfig.from_mapping({"dataset": config.dataset}).digest() == config.digest()


def test_the_seed_is_that_of_the_draws():
    first, again, other = (load(f"gaussian:seed={seed}") for seed in (1, 1, 2))
    assert first.fingerprint == again.fingerprint != other.fingerprint


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_a_teacher_of_all_its_classes(family):
    for hidden in (0, 12):
        name = f"teacher:{family},features=10,classes=4,samples=400,hidden={hidden}"
        data = load(name)
        assert data.X.shape == (400, 10)
        assert np.bincount(data.y, minlength=4).min() > 20


def test_a_teacher_without_a_hidden_layer_is_linear_and_its_student_learns_it():
    name = "teacher:dense,features=16,classes=3"
    run = execute(RunConfig(dataset=name, layer="dense", epochs=10))
    assert run.epochs[-1].accuracy > 0.9
    data = load(name)
    # The classes are those of x W: a linear map separates them without error.
    logits = np.linalg.lstsq(data.X, np.eye(3)[data.y], rcond=None)[0]
    assert np.mean((data.X @ logits).argmax(axis=1) == data.y) > 0.9


def test_students_of_a_teachers_own_family_learn_its_first_output():
    knobs: dict[str, Any] = {"task": "regression", "epochs": 30, "learning_rate": 0.02}
    for layer, hidden in (("dense", 0), ("cdlinear:4", 16), ("low-rank:4", 16)):
        name = f"teacher:{layer},features=16,classes=4,hidden={hidden}"
        run = execute(pin_dataset(RunConfig(dataset=name, layer=layer, **knobs)))
        assert (run.epochs[-1].test_r2 or 0) > 0.95, name


def test_the_first_output_of_a_teacher_without_a_hidden_layer_is_linear_and_of_the_same_samples():
    name = "teacher:dense,features=16,samples=200"
    quantities, classes = load(name, task="regression"), load(name)
    np.testing.assert_array_equal(quantities.X, classes.X)
    assert quantities.y.shape == (200,)
    _, remains, *_ = np.linalg.lstsq(quantities.X, quantities.y)
    assert remains[0] < 1e-20 * np.sum(quantities.y**2)
    # It is what the first of the classes is decided by.
    first = quantities.y[classes.y == 0]
    assert first.min() > np.median(quantities.y[classes.y != 0])


def test_gaussian_classes_are_no_quantity_and_a_regression_of_them_is_refused():
    config = RunConfig(dataset="gaussian:classes=3", task="regression")
    for refused in (pin_dataset, load_dataset):
        with pytest.raises(DatasetError) as caught:
            refused(config)
        assert str(caught.value) == (
            "gaussian:classes=3: has classes, but --task regression needs a numeric target; "
            "expected --task classification, or another data set, such as a .csv file"
        )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gaussian:kapa=3", "unknown parameter of gaussian 'kapa'; did you mean kappa? (known: "
         "classes, features, kappa, samples, seed, separation)"),
        ("gaussian:kappa=0.5", "dataset = 'gaussian:kappa=0.5': kappa = 0.5: expected a number of "
         "at least 1"),
        ("gaussian:kappa=inf", "dataset = 'gaussian:kappa=inf': kappa = inf: expected a number of "
         "at least 1"),
        ("gaussian:classes=1", "dataset = 'gaussian:classes=1': classes = 1: expected a whole "
         "number of at least 2"),
        ("gaussian:samples=1e3", "dataset = 'gaussian:samples=1e3': samples = 1e3: expected a "
         "whole number of at least 2"),
        ("gaussian:samples=60", "dataset = 'gaussian:samples=60': 60 samples of 64 features have "
         "no condition number; expected more samples than features"),
        ("gaussian:samples=49,features=2", "dataset = 'gaussian:samples=49,features=2': 49 samples "
         "of 10 classes; expected at least five times as many"),
        ("teacher:", "dataset = 'teacher:': names no layer family; expected KIND[:NAME=VALUE...], "
         "as in gaussian:classes=5,kappa=1e6, or teacher:FAMILY[:VALUE][,NAME=VALUE...], as in "
         "teacher:low-rank:4,samples=500"),
        ("gaussian:classes", "dataset = 'gaussian:classes': expected KIND[:NAME=VALUE...], as in "
         "gaussian:classes=5,kappa=1e6, or teacher:FAMILY[:VALUE][,NAME=VALUE...], as in "
         "teacher:low-rank:4,samples=500"),
        ("teacher:low-rank:0", "layer low-rank: rank = 0: expected a whole number of at least 1"),
    ],
)  # fmt: skip
def test_a_name_that_cannot_be_read_is_refused(name, words):
    with pytest.raises(ConfigurationError) as caught:
        RunConfig(dataset=name)
    assert str(caught.value) == words


def test_a_set_that_does_not_fit_into_memory_is_refused():
    with pytest.raises(DatasetError, match=r"^gaussian:samples=10{12}: .* would take about "):
        load("gaussian:samples=1000000000000")
    with pytest.raises(CdbenchError, match=r"^unknown layer 'no'"):
        parse("teacher:no")
