"""Knobs of architectures and of steps: defaults, what is without effect, a line for each error."""

import json
import math
from typing import Any

import pytest

from cdbench.config.architecture_knobs import ARCHITECTURES, OWN_KNOBS
from cdbench.config.canonical import NEW
from cdbench.config.grid import grid
from cdbench.config.knob_values import checked_knob, checked_sweep_value
from cdbench.config.run_config import KNOBS, RunConfig
from cdbench.errors import ConfigurationError, UnknownNameError

TEXT: dict[str, Any] = {"dataset": "text:a.txt", "architecture": "attention"}
ADAMW: dict[str, Any] = {"optimizer": "adamw"}


def test_what_was_stored_before_has_the_digest_that_it_had():
    assert RunConfig().digest() == (
        "5e69f1193228635e8cc3e230eecf3632b5eaa61b52b308264fbee1749e619802"
    )
    assert not set(json.loads(RunConfig().canonical_json())) & set(NEW)


def test_each_architecture_has_its_own_defaults_and_nothing_of_others():
    for architecture, own in ARCHITECTURES.items():
        config = RunConfig(architecture=architecture)
        expected = {**dict.fromkeys(OWN_KNOBS), **own, "context": None}
        assert {name: getattr(config, name) for name in OWN_KNOBS} == expected
        assert RunConfig.from_mapping(json.loads(config.canonical_json())) == config
    assert RunConfig(**TEXT).context == 64
    assert RunConfig(**ADAMW).weight_decay == 0.01
    assert RunConfig(**ADAMW).learning_rate == 0.001


@pytest.mark.parametrize(
    ("knobs", "same"),
    [
        ({"architecture": "conv", "hidden": (9,)}, {"architecture": "conv"}),
        ({"architecture": "conv", "product": "fft"}, {"architecture": "conv"}),
        ({"architecture": "conv", "channels": 16}, {"architecture": "conv", "channels": [16]}),
        (
            {"architecture": "attention", "normalization": "batch"},
            {"architecture": "attention"},
        ),
        ({"architecture": "attention", "head_width": 16}, {"architecture": "attention"}),
        (
            {"architecture": "attention", "heads": 3},
            {"architecture": "attention", "heads": 3, "width": 66},
        ),
        ({**TEXT, "input": "whiten"}, {**TEXT, "input": "none"}),
        ({**TEXT, "task": "classification"}, {**TEXT, "task": "language"}),
        ({"clip": None, "warmup": -0.0}, {}),
    ],
    ids=str,
)
def test_configurations_that_train_the_same_are_equal(knobs, same):
    assert RunConfig(**knobs) == RunConfig(**same)
    assert RunConfig(**knobs).digest() == RunConfig(**same).digest()


def test_no_decay_is_not_the_default_decay():
    none = RunConfig(**ADAMW, weight_decay=0)
    assert RunConfig.from_mapping(json.loads(none.canonical_json())) == none != RunConfig(**ADAMW)


@pytest.mark.parametrize(
    ("knobs", "line"),
    [
        (
            {"channels": (16, 32)},
            "channels = 16 32 was given with architecture mlp, which does not have it; expected "
            "--architecture conv, or no --channels",
        ),
        (
            {"architecture": "conv", "width": 64},
            "width = 64 was given with architecture conv, which does not have it; expected "
            "--architecture residual-mlp or attention, or no --width",
        ),
        (
            {"architecture": "attention", "context": 32},
            "context = 32 was given with dataset digits; expected --dataset text:FILE, or no "
            "--context",
        ),
        (
            {**TEXT, "patch": 4},
            "patch = 4 was given with a text, whose characters are the tokens; expected no --patch",
        ),
        (
            {"architecture": "attention", "width": 64, "heads": 3},
            "heads = 3 do not divide width = 64; expected a --width such as 66, or --head-width, "
            "the width of each",
        ),
        (
            {"architecture": "conv", "kernel": 4},
            "kernel = 4 has no middle, which padding same needs; expected an odd one, such as 5, "
            "or --padding valid",
        ),
        ({"architecture": "conv", "channels": ()}, "channels = '': expected whole numbers"),
        ({"architecture": "conv", "channels": (8, 0)}, "channels = 0: expected at least 1"),
        ({"architecture": "conv", "stride": 2.5}, "stride = 2.5: expected a whole number"),
        (
            {"architecture": "residual-mlp", "depth": 2**63},
            f"depth = {2**63}: expected at most {2**63 - 1}",
        ),
        (
            {"architecture": "conv", "B": 64},
            "B = 64 is larger than the widest hidden layer and would pad it from 32 to 64; "
            "expected B from 1 to 32, or a wider --channels",
        ),
        (
            {"dataset": "text:a.txt"},
            "dataset = text:a.txt was given with architecture mlp, which reads no text; expected "
            "--architecture attention",
        ),
        (
            {"task": "language"},
            "task = language was given with dataset digits, which is no text; expected --dataset "
            "text:FILE",
        ),
        (
            {**TEXT, "permute": 1},
            "permute = 1 was given with dataset text:a.txt, which is a text; expected no --permute",
        ),
        (
            {"weight_decay": 0.1},
            "weight_decay = 0.1 was given with optimizer sgd, which does not have it; expected "
            "--optimizer adamw, or no --weight-decay",
        ),
        ({**ADAMW, "weight_decay": -1}, "weight_decay = -1.0: expected 0 or more"),
        ({**ADAMW, "weight_decay": math.nan}, "weight_decay = nan: expected 0 or more"),
        ({"clip": 0}, "clip = 0.0: expected a positive number"),
        ({"warmup": 1}, "warmup = 1.0: expected 0 or more, below 1"),
        ({"label_smoothing": 1}, "label_smoothing = 1.0: expected 0 or more, below 1"),
        (
            {"task": "regression", "label_smoothing": 0.1},
            "label_smoothing = 0.1 was given with task regression, which has no classes; expected "
            "no --label-smoothing",
        ),
    ],
    ids=str,
)
def test_a_bad_value_is_one_line_that_says_what_to_type(knobs, line):
    with pytest.raises(ConfigurationError) as caught:
        RunConfig(**knobs)
    assert str(caught.value) == line


@pytest.mark.parametrize(
    ("name", "wrong", "nearest"),
    [
        ("architecture", "cnv", "conv"),
        ("activation", "gleu", "gelu"),
        ("schedule", "cosin", "cosine"),
    ],
)
def test_an_unknown_name_names_the_nearest(name, wrong, nearest):
    with pytest.raises(UnknownNameError, match=f"did you mean {nearest}\\?"):
        RunConfig(**{name: wrong})


def test_a_grid_gives_each_architecture_its_own_knobs():
    knobs: dict[str, Any] = {
        "architecture": ["mlp", "conv", "attention"],
        "layer": ["dense"],
        "channels": [(4, 8)],
        "heads": [1, 3],
        "optimizer": ["sgd", "adamw"],
        "weight_decay": [0.1],
    }
    found = grid(knobs, [0], baseline=False)
    assert len(found) == 2 * (1 + 1 + 2)
    for config in found:
        assert config.channels == ((4, 8) if config.architecture == "conv" else None)
        assert config.heads in ((1, 3) if config.architecture == "attention" else (None,))
        assert config.weight_decay == (0.1 if config.optimizer == "adamw" else None)


def test_a_grid_refuses_a_knob_that_none_of_its_architectures_has():
    with pytest.raises(ConfigurationError, match="heads = 2 was given with architecture mlp"):
        grid({"architecture": ["mlp", "conv"], "heads": [2]}, [0], baseline=False)


def test_every_knob_can_stand_in_cdbench_toml():
    values = {
        "architecture": "conv", "activation": "gelu", "width": 9, "depth": 3, "channels": [8, 16],
        "kernel": 4, "stride": 2, "padding": "valid", "pooling": "none", "readout": "flatten",
        "heads": 3, "head_width": 5, "patch": 2, "context": 9,
        "weight_decay": 0.1, "schedule": "cosine", "warmup": 0.1, "clip": 1.0,
        "label_smoothing": 0.1, "task": "language", "dataset": "text:a.txt",
    }  # fmt: skip
    assert set(OWN_KNOBS) < set(values) <= set(KNOBS)
    for name, value in values.items():
        assert checked_knob(name, value) == value
        one = value if name in ("channels", "task") else [value]
        assert checked_sweep_value(name, value) == one


def test_a_configuration_is_described_by_what_it_has():
    names = ["architecture", "hidden", "channels", "kernel", "heads"]
    assert RunConfig().describe(names) == "architecture=mlp hidden=64 64"
    conv = RunConfig(architecture="conv")
    assert conv.describe(names) == "architecture=conv channels=16 32 kernel=3"
