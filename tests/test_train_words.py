"""The command that trains a run again gives its configuration, whatever that is."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import typer

from cdbench.cli.app import app
from cdbench.cli.diagnostics import take_diagnostics
from cdbench.cli.options import given
from cdbench.config import plugins
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.config.train_words import GIVEN, RECIPE, knob_values, train_words
from tests.cli_tools import Here, rows
from tests.released import released_database

PLUGIN = """
from cdbench.engine.layers.low_rank import LowRank

class Mine(LowRank):
    family = "mine"
"""


def parsed(words: Sequence[str]) -> tuple[RunConfig, Diagnostics]:
    """Return what ``cdbench train`` makes of its words, as far as the training."""
    command: Any = typer.main.get_command(app)
    assert words[0] == "cdbench"
    with command.commands[words[1]].make_context("train", list(words[2:])) as context:
        values = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in context.params.items()
        }
    for name in ("db", "blas_threads", "header", "plugin"):
        del values[name]
    diagnostics = take_diagnostics(values)
    return RunConfig(**given(values)), diagnostics


def released_of_each_kind() -> dict[str, tuple[str, str]]:
    """Return, for one run of each kind, its configuration and what was measured."""
    found = rows(
        released_database(),
        """
        SELECT run.layer || ' ' || run.architecture || ' ' || run.dataset || ' ' || run.optimizer
            || ' ' || run.input || ' ' || diagnostics_id, c.config_json, diagnostics_json,
            max(run.structure)
        FROM run JOIN configuration AS c USING (configuration_id)
        JOIN diagnostics USING (diagnostics_id)
        GROUP BY run.layer, run.architecture, run.dataset, run.optimizer, run.input, diagnostics_id
        """,
    )
    return {kind: (config, measured) for kind, config, measured, _ in found}


def test_the_words_of_every_kind_of_released_run_give_it_again(here: Here) -> None:
    assert here.folder
    kinds = released_of_each_kind()
    assert len(kinds) > 150
    for number, (kind, (text, measured)) in enumerate(kinds.items()):
        config = RunConfig.from_mapping(json.loads(text) | {"seed": number})
        diagnostics = Diagnostics.from_mapping(json.loads(measured))
        again, measured_again = parsed(train_words(config, diagnostics).words)
        again = replace(again, dataset_fingerprint=config.dataset_fingerprint)
        assert again.digest() == config.digest(), kind
        assert measured_again == diagnostics, kind


@pytest.mark.parametrize(
    "knobs",
    [
        {},
        {"layer": "dense", "seed": 2**32 - 1},
        {"B": 1, "product": "fft", "learning_rate_scaling": "mean"},
        {"layer": "monarch:8,inner=16", "dropout": "alpha-cd", "hidden": (48,)},
        {"dataset": "-odd name.csv", "label_column": "--label", "test": "it's.csv", "encode": "x"},
        {"dataset": "a,b.npz", "task": "regression", "permute": 0, "input": "whiten"},
        {"architecture": "attention", "heads": 7},
        {"architecture": "attention", "heads": 5, "width": 64, "head_width": 32, "patch": 2},
        {"dataset": "text:a b.txt", "architecture": "attention", "context": 16},
        {"architecture": "conv", "kernel": 4, "padding": "valid", "channels": (8,), "B": 2},
        {
            "architecture": "residual-mlp",
            "depth": 1,
            "activation": "gelu",
            "normalization": "batch",
        },
        {"optimizer": "adamw", "weight_decay": 0.0, "clip": 1e-300, "learning_rate": 0.1 + 0.2},
        {"fisher_weight": 1e-5, "fisher_form": "log-variance", "fisher_epsilon": 1 / 3},
        {"validation": 0.2, "early_stopping": 3, "schedule": "cosine", "warmup": 0.05},
        {"dataset": "gaussian:classes=5,kappa=1e6", "dtype": "float32", "head": "dense"},
    ],
)
def test_words_give_the_configuration_again(here: Here, knobs: dict[str, Any]) -> None:
    assert here.folder
    if knobs.get("encode"):
        knobs = knobs | {"encode": "one-hot"}
    config = RunConfig(**knobs)
    assert parsed(train_words(config).words)[0] == config


def test_words_override_what_a_settings_file_sets(here: Here) -> None:
    (here.folder / "cdbench.toml").write_text(
        "[defaults]\nepochs = 3\nB = 8\nkeep_weights = true\nclip = 1.0\nhidden = [5, 6]\n"
    )
    settled = {"epochs": 3, "B": 8, "keep_weights": True, "clip": 1.0, "hidden": [5, 6]}
    config = RunConfig(clip=1.0)
    found = train_words(config, Diagnostics(), settled=settled)
    assert found.lacking == ()
    assert parsed(found.words) == (config, Diagnostics())
    assert train_words(RunConfig(), settled=settled).lacking == ("clip",)
    assert train_words(RunConfig(layer="dense", clip=1.0), settled=settled).lacking == ("B",)


def test_words_name_the_plugin_of_a_run(here: Here) -> None:
    path = here.folder / "mine.py"
    path.write_text(PLUGIN)
    plugins.load(path)
    config = RunConfig(layer="mine:3", dataset="iris")
    words = train_words(config).words
    assert words[-2:] == ("--plugin", "mine.py")
    assert parsed(words)[0] == config
    plugins.forget()
    without = RunConfig.from_mapping(json.loads(config.canonical_json()))
    again = train_words(without).words
    assert parsed(again)[0].digest() == config.digest()


def test_a_value_is_of_the_recipe_follows_from_another_or_was_given() -> None:
    config = RunConfig(dataset="wine", optimizer="adam", architecture="residual-mlp", depth=2)
    sources = {one.name: one.source for one in knob_values(config)}
    assert sources["epochs"] == sources["B"] == RECIPE
    assert sources["learning_rate"] == "default of adam"
    assert sources["input"] == "default of wine"
    assert sources["width"] == "default of residual-mlp"
    assert {name for name, source in sources.items() if source == GIVEN} == {
        *("dataset", "optimizer", "architecture", "depth", "seed"),
    }
