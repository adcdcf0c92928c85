"""RunConfig: normal form, digests, and one line for every bad value."""

import hashlib
import json
import math
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdbench.config.canonical import NEW
from cdbench.config.checks import DTYPES, FISHER_FORMS, OPTIMIZER_NAMES
from cdbench.config.families import FAMILIES
from cdbench.config.numbers import ALPHA_CD
from cdbench.config.run_config import KNOBS, RunConfig
from cdbench.errors import ConfigurationError, UnknownNameError

CHANGES: dict[str, Any] = {
    "dataset": "iris",
    "label_column": "label",
    "dataset_fingerprint": "ab",
    "B": 8,
    "hidden": (32, 64),
    "epochs": 3,
    "batch_size": 10,
    "learning_rate": 0.2,
    "momentum": 0.5,
    "optimizer": "adam",
    "dropout": 0.5,
    "fisher_weight": 1e-4,
    "dtype": "float32",
}
RATE = st.floats(0, 0.99).map(abs)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4)


@st.composite
def configurations(draw):
    layer = draw(st.sampled_from(list(FAMILIES)))
    blocks = (
        {"B": st.none() | st.integers(1, 9), "fisher_weight": RATE} if layer == "cdlinear" else {}
    )
    knobs = {
        "hidden": st.lists(st.integers(9, 99), min_size=1, max_size=3),
        "epochs": st.integers(1, 99),
        "batch_size": st.integers(1, 99),
        "learning_rate": st.none() | st.floats(1e-9, 1e9),
        "momentum": RATE,
        "optimizer": st.sampled_from(OPTIMIZER_NAMES),
        "dropout": RATE | st.just("alpha-cd"),
        "fisher_form": st.sampled_from(FISHER_FORMS),
        "dtype": st.sampled_from(DTYPES),
        "seed": st.integers(0, 2**32 - 1),
        "dataset": st.sampled_from(["digits", "a b/é.csv", '"seed":null,"a".npz']),
        "label_column": st.none() | TEXT,
        "validation": RATE,
        **blocks,
    }
    return RunConfig(layer=layer, **{name: draw(values) for name, values in knobs.items()})


@settings(deadline=None)
@given(config=configurations())
def test_canonical_json_round_trips(config):
    again = RunConfig.from_mapping(json.loads(config.canonical_json()))
    assert again == config
    assert again.canonical_json() == config.canonical_json()
    assert (again.digest(), again.group_digest()) == (config.digest(), config.group_digest())


@settings(deadline=None)
@given(config=configurations(), seed=st.integers(0, 2**32 - 1))
def test_another_seed_is_a_configuration_made_anew_with_it(config, seed):
    other, anew = config.with_seed(seed), replace(config, seed=seed)
    assert vars(other) == vars(anew)
    assert (other, hash(other)) == (anew, hash(anew))


@pytest.mark.parametrize("seed", [-1, 2**32, None, True, 1.0, "1"])
def test_another_seed_is_refused_as_that_of_a_new_configuration(seed):
    with pytest.raises(ConfigurationError) as of_new:
        RunConfig(seed=seed)
    with pytest.raises(ConfigurationError) as of_other:
        RunConfig().with_seed(seed)
    assert str(of_other.value) == str(of_new.value)


@settings(deadline=None)
@given(config=configurations(), seeds=st.lists(st.integers(0, 2**32 - 1), max_size=3))
def test_digests_are_those_of_the_whole_json_written_at_once(config, seeds):
    for one in (config, *map(config.with_seed, seeds)):
        values = asdict(one)
        for name, default in NEW.items():  # as before there were such fields
            if values[name] == default:
                del values[name]
        assert one.canonical_json() == _json(values)
        assert one.digest() == hashlib.sha256(_json(values).encode()).hexdigest()
        del values["seed"]
        assert one.group_digest() == hashlib.sha256(_json(values).encode()).hexdigest()


def _json(values):
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@settings(deadline=None)
@given(config=configurations(), seed=st.integers(0, 2**32 - 1))
def test_group_digest_ignores_the_seed(config, seed):
    other = replace(config, seed=seed)
    assert other.group_digest() == config.group_digest()
    assert (other.digest() == config.digest()) == (seed == config.seed)


@pytest.mark.parametrize("name", CHANGES)
def test_group_digest_changes_with_every_other_knob(name):
    changed = replace(RunConfig(), **{name: CHANGES[name]})
    assert changed.group_digest() != RunConfig().group_digest()
    assert changed.digest() != RunConfig().digest()


def test_canonical_json_is_sorted_and_has_no_spaces():
    text = RunConfig().canonical_json()
    keys = list(json.loads(text))
    assert keys == sorted(set(asdict(RunConfig())) - set(NEW))
    assert " " not in text


def test_defaults_are_the_papers_recipe():
    config = RunConfig()
    assert (config.dataset, config.layer, config.B, config.hidden) == (
        "digits",
        "cdlinear",
        4,
        (64, 64),
    )
    assert (config.epochs, config.batch_size, config.learning_rate) == (25, 64, 0.1)
    assert (config.momentum, config.optimizer, config.dtype) == (0.9, "sgd", "float64")
    assert (config.dropout, config.fisher_weight, config.seed) == (0, 0, 0)


@pytest.mark.parametrize(
    ("given_knobs", "same"),
    [
        ({"B": None}, {"B": 4}),
        ({"learning_rate": None}, {"learning_rate": 0.1}),
        ({"optimizer": "adam"}, {"optimizer": "adam", "learning_rate": 0.001}),
        ({"learning_rate": 1}, {"learning_rate": 1.0}),
        ({"learning_rate": "0.2"}, {"learning_rate": 0.2}),
        ({"dropout": "alpha-cd"}, {"dropout": ALPHA_CD}),
        ({"hidden": 32}, {"hidden": (32,)}),
        ({"hidden": [32, 16]}, {"hidden": (32, 16)}),
        ({"fisher_form": "log-variance"}, {}),
        ({"fisher_epsilon": 0.5}, {}),
        ({"dropout": -0.0}, {}),
        ({"fisher_weight": -0.0}, {}),
    ],
)
def test_configurations_that_train_the_same_are_equal(given_knobs, same):
    assert RunConfig(**given_knobs) == RunConfig(**same)
    assert RunConfig(**given_knobs).digest() == RunConfig(**same).digest()


@pytest.mark.parametrize(
    ("knobs", "named"),
    [
        ({"epochs": 0}, "epochs = 0: expected at least 1"),
        ({"epochs": 2.5}, "epochs = 2.5: expected a whole number"),
        ({"epochs": True}, "epochs = True"),
        ({"batch_size": 0}, "batch_size = 0"),
        ({"batch_size": "64"}, "batch_size = '64'"),
        ({"seed": -1}, "seed = -1"),
        ({"seed": 2**32}, "seed = 4294967296"),
        ({"seed": None}, "seed = None"),
        ({"hidden": ()}, "hidden = ()"),
        ({"hidden": (64, 0)}, "hidden = (64, 0)"),
        ({"hidden": (64, "x")}, "hidden = 'x'"),
        ({"hidden": 3.5}, "hidden = 3.5"),
        ({"hidden": None}, "hidden = None"),
        ({"B": 0}, "B = 0"),
        ({"B": -4}, "B = -4"),
        ({"B": 4.0}, "B = 4.0"),
        ({"B": 65}, "B = 65"),
        ({"layer": "dense", "B": 4}, "B = 4"),
        ({"layer": "dense", "fisher_weight": 1e-4}, "fisher_weight"),
        ({"learning_rate": 0}, "learning_rate = 0"),
        ({"learning_rate": -0.1}, "learning_rate = -0.1"),
        ({"learning_rate": math.inf}, "learning_rate = inf"),
        ({"learning_rate": math.nan}, "learning_rate = nan"),
        ({"learning_rate": "fast"}, "learning_rate = 'fast'"),
        pytest.param({"learning_rate": 10**400}, "learning_rate = 1", id="beyond float"),
        ({"learning_rate": True}, "learning_rate = True"),
        ({"momentum": 1}, "momentum = 1"),
        ({"momentum": -0.1}, "momentum = -0.1"),
        ({"momentum": math.nan}, "momentum = nan"),
        ({"momentum": None}, "momentum = None"),
        ({"dropout": 1}, "dropout = 1"),
        ({"dropout": -0.1}, "dropout = -0.1"),
        ({"dropout": "alpha"}, "dropout = 'alpha'"),
        ({"dropout": [0.1]}, "dropout = [0.1]"),
        ({"fisher_weight": -1}, "fisher_weight = -1"),
        ({"fisher_weight": math.inf}, "fisher_weight = inf"),
        ({"fisher_weight": math.nan}, "fisher_weight = nan"),
        ({"fisher_weight": 1, "fisher_epsilon": 0}, "fisher_epsilon = 0"),
        ({"fisher_weight": 1, "fisher_epsilon": math.nan}, "fisher_epsilon = nan"),
    ],
    ids=str,
)
def test_bad_value_is_one_line_that_names_the_field(knobs, named):
    with pytest.raises(ConfigurationError) as caught:
        RunConfig(**knobs)
    message = str(caught.value)
    assert message.startswith(named)
    assert "expected" in message or "given" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("knobs", "nearest"),
    [
        ({"layer": "cdlineer"}, "cdlinear"),
        ({"optimizer": "adma"}, "adam"),
        ({"fisher_weight": 1, "fisher_form": "log-varance"}, "log-variance"),
        ({"dtype": "float23"}, "float32"),
    ],
    ids=str,
)
def test_unknown_name_names_the_nearest(knobs, nearest):
    with pytest.raises(UnknownNameError, match=f"did you mean {nearest}\\?") as caught:
        RunConfig(**knobs)
    assert list(knobs)[-1] in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["layer", "optimizer", "dtype"])
def test_name_that_is_no_text_is_refused(name):
    with pytest.raises(ConfigurationError, match=name):
        RunConfig.from_mapping({name: []})


@pytest.mark.parametrize(
    ("key", "meant"),
    [("batchsize", "batch_size"), ("lr", "learning_rate"), ("batch", "batch_size"), ("b", "B")],
)
def test_unknown_key_of_a_mapping_names_the_nearest_or_what_others_call_so(key, meant):
    with pytest.raises(UnknownNameError, match=rf"did you mean {meant}\?"):
        RunConfig.from_mapping({key: 3})


@pytest.mark.parametrize("field", KNOBS)
def test_every_knob_says_what_it_is(field):
    assert KNOBS[field].metadata["help"].endswith((".", "]"))


def test_every_field_but_the_fingerprint_is_a_knob():
    others = {"dataset_fingerprint", "structure", "plugin"}
    assert set(asdict(RunConfig())) - set(KNOBS) == others


def test_baseline_differs_in_the_layer_only():
    config = RunConfig(B=8, fisher_weight=1e-4, epochs=3, seed=5, dropout=0.1)
    assert config.baseline() == RunConfig(layer="dense", epochs=3, seed=5, dropout=0.1)
    assert config.baseline().baseline() == config.baseline()


def test_model_is_named_as_tables_print_it():
    assert RunConfig(B=8).model == "cdlinear B=8"
    assert RunConfig(layer="dense").model == "dense"
