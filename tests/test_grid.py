"""Grid: which configurations it has, each once, the dense baseline ahead."""

from dataclasses import replace
from typing import Any

import pytest

from cdbench.config.grid import grid
from cdbench.config.run_config import RunConfig
from cdbench.errors import ConfigurationError


def models(configs: list[RunConfig]) -> list[tuple[str, int]]:
    return [(config.model, config.seed) for config in configs]


def test_dense_baseline_comes_first_once_a_seed() -> None:
    assert models(grid({"B": [4, 8]}, [0, 1], baseline=True)) == [
        ("dense", 0),
        ("dense", 1),
        ("cdlinear B=4", 0),
        ("cdlinear B=4", 1),
        ("cdlinear B=8", 0),
        ("cdlinear B=8", 1),
    ]


def test_without_baseline_only_what_was_asked_for_comes_in_its_order() -> None:
    assert models(grid({"B": [8, 1]}, [2, 0], baseline=False)) == [
        ("cdlinear B=8", 2),
        ("cdlinear B=8", 0),
        ("cdlinear B=1", 2),
        ("cdlinear B=1", 0),
    ]


def test_papers_sweep_has_21_runs() -> None:
    configs = grid({"B": [1, 3, 4, 5, 7, 8]}, [0, 1, 2], baseline=True)
    assert len(configs) == len(set(configs)) == 21
    assert configs[:3] == [RunConfig(layer="dense", seed=seed) for seed in (0, 1, 2)]
    assert set(configs[3:]) == {
        RunConfig(B=B, seed=s) for B in (1, 3, 4, 5, 7, 8) for s in range(3)
    }


def test_grid_is_the_product_of_its_lists_with_a_baseline_for_each_combination() -> None:
    configs = grid({"B": [2, 4], "learning_rate": [0.05, 0.1]}, [0], baseline=True)
    assert [(config.model, config.learning_rate) for config in configs] == [
        ("dense", 0.05),
        ("dense", 0.1),
        ("cdlinear B=2", 0.05),
        ("cdlinear B=2", 0.1),
        ("cdlinear B=4", 0.05),
        ("cdlinear B=4", 0.1),
    ]


def test_grid_without_knobs_is_the_recipe() -> None:
    assert grid({}, [0], baseline=True) == [RunConfig(layer="dense"), RunConfig()]


def test_equal_configurations_come_once() -> None:
    knobs: dict[str, list[Any]] = {"fisher_weight": [0.0], "fisher_epsilon": [0.01, 0.1]}
    assert grid(knobs, [0], baseline=False) == [RunConfig()]


def test_dense_beside_cdlinear_is_trained_once_whatever_b() -> None:
    knobs: dict[str, list[Any]] = {"layer": ["cdlinear", "dense"], "B": [2, 4]}
    for baseline in (True, False):
        assert models(grid(knobs, [0, 1], baseline=baseline)) == [
            ("dense", 0),
            ("dense", 1),
            ("cdlinear B=2", 0),
            ("cdlinear B=2", 1),
            ("cdlinear B=4", 0),
            ("cdlinear B=4", 1),
        ]


def test_dense_alone_has_no_second_baseline() -> None:
    assert models(grid({"layer": ["dense"]}, [0, 1], baseline=True)) == [("dense", 0), ("dense", 1)]


def test_pinning_is_done_once_for_all_seeds_of_a_model() -> None:
    pinned = []

    def pin(config: RunConfig) -> RunConfig:
        pinned.append(config.model)
        return replace(config, dataset_fingerprint="ab")

    configs = grid({"B": [4, 8]}, range(9), baseline=True, pin=pin)
    assert pinned == ["dense", "cdlinear B=4", "cdlinear B=8"]
    assert {config.dataset_fingerprint for config in configs} == {"ab"}
    assert models(configs) == models(grid({"B": [4, 8]}, range(9), baseline=True))


def test_a_grid_of_a_hundred_thousand_checks_each_model_once(monkeypatch: Any) -> None:
    checked: list[RunConfig] = []
    monkeypatch.setattr("cdbench.config.run_config.check_combinations", checked.append)
    assert len(grid({"B": [4]}, range(50_000), baseline=True)) == 100_000
    assert len(checked) == 2


def test_dense_alone_with_b_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no blocks of size B"):
        grid({"layer": ["dense"], "B": [4]}, [0], baseline=True)


@pytest.mark.parametrize(
    ("knobs", "seeds", "said"),
    [
        ({}, [0, 1, 0], "seeds: 0 is given twice"),
        ({"B": [4, 8, 4]}, [0], "B: 4 is given twice"),
        ({"learning_rate": [0.1, 0.10]}, [0], "learning_rate: 0.1 is given twice"),
    ],
)
def test_repeated_value_is_refused(knobs: Any, seeds: list[int], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        grid(knobs, seeds, baseline=True)


def test_one_bad_combination_refuses_the_whole_grid() -> None:
    with pytest.raises(ConfigurationError, match="B = 65"):
        grid({"B": [4, 65]}, [0], baseline=True)
