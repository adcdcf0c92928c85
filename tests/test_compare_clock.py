"""How long a comparison takes is timed on the networks that it trains."""

from pathlib import Path
from typing import Any

import pytest

from cdbench.comparison import clock
from cdbench.comparison.clock import prediction_microseconds, seconds_per_run
from cdbench.config.run_config import RunConfig
from cdbench.datasets import load_dataset, pin_dataset, split_of
from cdbench.engine.building import build_network


@pytest.mark.parametrize(
    "knobs",
    [
        {},
        {"architecture": "conv", "channels": (4,)},
        {"architecture": "residual-mlp", "normalization": "batch", "dropout": 0.1},
        {"architecture": "attention", "width": 8, "depth": 1, "patch": 4},
        {
            "architecture": "attention",
            "width": 8,
            "depth": 1,
            "context": 5,
            "dataset": "text:a.txt",
        },
        {"dataset": "a.csv", "task": "regression"},
        {"dataset": "b.csv"},
    ],
    ids=str,
)
def test_the_timed_network_is_the_trained_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, knobs: dict[str, Any]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text("abcadabcad" * 60)
    lines = [f"{i},{i * i % 7},{i % 5 / 2 + 0.25}" for i in range(60)]
    Path("a.csv").write_text("\n".join(["u,v,y", *lines]))
    # The last class by name has few samples.
    rows = [f"{i},{i * i % 7},{'c' if i % 20 == 0 else 'ab'[i % 2]}" for i in range(60)]
    Path("b.csv").write_text("\n".join(["u,v,y", *rows]))
    config = pin_dataset(RunConfig(layer="dense", epochs=2, **knobs))
    data, made = load_dataset(config), []

    def noted(*values: Any) -> Any:
        made.append(build_network(*values))
        return made[-1]

    monkeypatch.setattr(clock, "build_network", noted)
    split = split_of(config)
    assert 0 < seconds_per_run(config, split) < 60
    assert 0 < prediction_microseconds(config, split) < 1e6
    expected = build_network(config, data.n_features, data.n_outputs, data.image)
    assert [one.n_parameters for one in made] == [expected.n_parameters] * 2
    assert [one.n_out for one in made] == [data.n_outputs] * 2
