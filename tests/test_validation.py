"""Samples held out for validation, early stopping, dense heads and the classes' accuracies."""

import json
from dataclasses import replace
from math import ceil
from typing import Any

import numpy as np
import pytest

from cdbench.config.diagnostics import Diagnostics
from cdbench.config.families import FAMILIES
from cdbench.config.run_config import RunConfig
from cdbench.datasets import DATASETS
from cdbench.engine.building import build_network
from cdbench.engine.layers import Dense
from cdbench.engine.training import train
from cdbench.errors import ConfigurationError, DatasetError
from cdbench.running.execution import execute
from cdbench.store.database import open_for_writing
from cdbench.store.record import record_run
from cdbench.store.upkeep.checks import check_database

SMALL: dict[str, Any] = {"dataset": "iris", "hidden": (8,), "epochs": 4, "B": 2}


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_what_is_held_out_and_what_is_left_is_the_training_split(share):
    digits = DATASETS["digits"]()
    whole = digits.split(3, transform="scale")
    split = digits.split(3, transform="scale", validation=share)
    np.testing.assert_array_equal(split.X_test, whole.X_test)
    assert split.X_validation is not None
    assert split.y_validation is not None
    assert len(split.y_validation) == ceil(share * len(whole.y_train))
    rows = np.concatenate([split.X_train, split.X_validation])
    assert sorted(map(bytes, rows)) == sorted(map(bytes, whole.X_train))
    for labels in (split.y_train, split.y_validation):  # stratified
        shares = np.bincount(labels) / len(labels)
        np.testing.assert_allclose(shares, np.bincount(whole.y_train) / 1437, atol=0.01)


def test_the_transform_sees_no_sample_that_is_held_out():
    iris = DATASETS["iris"]()
    split = iris.split(0, transform="center", validation=0.3)
    np.testing.assert_allclose(split.X_train.mean(axis=0), 0, atol=1e-14)
    assert split.X_validation is not None
    assert abs(split.X_validation.mean(axis=0)).max() > 1e-3


def test_validation_is_measured_like_the_test_split_by_the_same_network():
    config = RunConfig(**SMALL, validation=0.3)
    iris = DATASETS["iris"]()
    split = iris.split(0, transform="standardize", validation=0.3)
    assert split.X_validation is not None
    assert split.y_validation is not None
    as_test = replace(split, X_test=split.X_validation, y_test=split.y_validation)

    def trained(data):
        network = build_network(config, 4, 3)
        start = network.initial_parameters(np.random.default_rng(0))
        return list(train(network, start, data, config))

    for found, same in zip(trained(split), trained(as_test), strict=True):
        assert found.validation_loss == same.test_loss
        assert found.validation_accuracy == same.test_accuracy
        assert found.training_loss == same.training_loss


def test_without_validation_there_is_nothing_to_tell():
    (first, *_) = execute(RunConfig(**SMALL)).epochs
    assert (first.validation_loss, first.validation_accuracy) == (None, None)


@pytest.mark.parametrize("patience", [1, 3])
def test_training_ends_when_the_validation_loss_was_not_lower_for_so_long(patience):
    config = RunConfig(
        dataset="iris", layer="dense", hidden=(16,), epochs=60, learning_rate=0.3, validation=0.3
    )
    losses = [epoch.validation_loss for epoch in execute(config).epochs]
    waited = [i - int(np.argmin(np.array(losses[: i + 1], float))) for i in range(len(losses))]
    last = waited.index(patience) + 1
    assert last < config.epochs
    stopped = execute(replace(config, early_stopping=patience))
    assert [epoch.validation_loss for epoch in stopped.epochs] == losses[:last]
    assert stopped.status == "completed"
    assert {spectrum.epoch for spectrum in stopped.spectra} == {last}


def test_a_stop_on_an_epoch_that_is_measured_anyway_measures_it_once():
    config = RunConfig(
        dataset="iris", layer="dense", hidden=(16,), epochs=60, learning_rate=0.3, validation=0.3
    )
    every = Diagnostics(spectra_every=1)
    run = execute(replace(config, early_stopping=1), diagnostics=every)
    places = [(one.layer, one.kind, one.epoch) for one in run.spectra]
    assert len(set(places)) == len(places)
    assert run.epochs[-1].epoch in {epoch for _, _, epoch in places}


def test_a_run_that_ended_early_is_whole_and_one_that_lost_epochs_is_not(tmp_path):
    config = RunConfig(
        dataset="iris", layer="dense", hidden=(16,), epochs=60, learning_rate=0.3, validation=0.3
    )
    run = execute(replace(config, early_stopping=2))
    database = open_for_writing(str(tmp_path / "runs.db"))
    record_run(database, run)
    assert not check_database(database).findings
    record_run(database, replace(run, uuid="another", epochs=run.epochs[:2]))
    (found,) = check_database(database).findings
    assert found.what == "1 run: completed without all epochs"


def test_a_configuration_is_what_it_was_without_the_new_knobs():
    names = json.loads(RunConfig().canonical_json())
    assert not {"head", "validation", "early_stopping"} & set(names)
    assert "validation" in json.loads(RunConfig(validation=0.2).canonical_json())


def test_bad_values_are_told_in_one_line():
    for knobs, message in (
        ({"validation": 1.0}, "validation = 1.0: expected 0 or more, below 1"),
        ({"validation": -0.1}, "validation = -0.1: expected 0 or more, below 1"),
        ({"validation": 0.1, "early_stopping": 0}, "early_stopping = 0: expected at least 1"),
        (
            {"early_stopping": 3},
            "early_stopping = 3 was given without validation, whose loss it goes by; expected "
            "--validation, such as 0.15, as well",
        ),
        ({"head": "densely"}, "unknown head 'densely'; did you mean dense?"),
    ):
        with pytest.raises(ConfigurationError) as error:
            RunConfig(**knobs)
        assert str(error.value).startswith(message)


def test_fewer_validation_samples_than_classes_are_refused():
    with pytest.raises(DatasetError) as error:
        DATASETS["digits"]().split(0, validation=0.003)
    assert str(error.value) == (
        "digits: validation = 0.003 holds out 5 of 1437 training samples; expected at least one "
        "of each of the 10 classes held out, and one left"
    )


def test_a_dense_head_follows_layers_of_any_family_and_has_the_classes_width():
    for layer in FAMILIES:
        config = RunConfig(layer=layer, head="dense", hidden=(32, 32))
        network = build_network(config, 64, 10)
        *body, head = (place.layer for place in network.weight_layers)
        assert isinstance(head, Dense)
        assert head.n_out == 10
        assert {type(own).family for own in body} == {layer}
        structured = build_network(replace(config, head="structured"), 64, 10)
        assert network.widths[:-1] == structured.widths[:-1]


@pytest.mark.parametrize("product", ["gather", "polygon", "fft"])
def test_a_dense_head_trains_alike_by_every_product(product):
    config = RunConfig(B=4, head="dense", hidden=(16,), epochs=2, product=product)
    other = RunConfig(B=4, head="dense", hidden=(16,), epochs=2, product="gather")
    losses, expected = ([e.training_loss for e in execute(c).epochs] for c in (config, other))
    assert losses == pytest.approx(expected, rel=1e-9)


def test_the_head_of_a_dense_network_is_no_choice():
    assert RunConfig(layer="dense", head="dense") == RunConfig(layer="dense")
    assert RunConfig(head="dense").baseline() == RunConfig().baseline()


def test_the_classes_accuracies_make_the_accuracy():
    run = execute(RunConfig(**SMALL))
    n = [one.n_samples for one in run.classes]
    assert sum(n) == 30
    right = sum(one.n_samples * one.accuracy for one in run.classes)
    assert right / 30 == pytest.approx(run.epochs[-1].test_accuracy, rel=1e-12)
    assert [one.label for one in run.classes] == ["0", "1", "2"]


def test_the_balanced_accuracy_is_the_mean_of_the_classes(tmp_path):
    database = open_for_writing(str(tmp_path / "runs.db"))
    run = execute(RunConfig(**SMALL, validation=0.3))
    record_run(database, run)
    with database.transaction() as connection:
        (row,) = connection.exec_driver_sql(
            "SELECT balanced_accuracy, validation_loss, changes FROM runs"
        )
        n_classes = connection.exec_driver_sql("SELECT count(*) FROM class_accuracies").scalar()
    assert row[0] == pytest.approx(np.mean([one.accuracy for one in run.classes]))
    assert row[1] == run.epochs[-1].validation_loss
    assert "validation=0.3" in row[2]
    assert n_classes == 3


def test_without_history_the_last_epoch_is_what_it_is_with(tmp_path):
    config = RunConfig(**SMALL)
    run, last = (execute(config, diagnostics=Diagnostics(history=h)) for h in (True, False))
    assert len(run.epochs) == config.epochs
    (only,) = last.epochs
    assert replace(only, duration_s=0) == replace(run.epochs[-1], duration_s=0)
    assert last.classes == ()
    assert not Diagnostics(history=False).covers(Diagnostics(), config.epochs)
    database = open_for_writing(str(tmp_path / "runs.db"))
    record_run(database, last)
    assert not check_database(database).findings
    record_run(database, replace(last, uuid="another", epochs=run.epochs[:1]))
    (found,) = check_database(database).findings
    assert found.what == "1 run: completed without all epochs"
