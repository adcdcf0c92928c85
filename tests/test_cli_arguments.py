"""Options of many values, and which of command line, environment, file and default wins."""

import re

import pytest
import typer
from typer.testing import CliRunner

from cdbench.cli.arguments import ManyValuesCommand
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption, JobsOption, given, with_knobs
from cdbench.config.run_config import KNOBS, RunConfig
from cdbench.errors import ConfigurationError, UnknownNameError

FILE = """
database = "file.db"
[defaults]
epochs = 7
layer = "dense"
dropout = 0.5
[sweeps.small]
B = [1, "3..4"]
seeds = "0..1"
jobs = 3
baseline = true
"""


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    for name in (*KNOBS, "seeds", "jobs", "database"):
        monkeypatch.delenv(f"CDBENCH_{name.upper()}", raising=False)
    return tmp_path


@pytest.fixture
def app():
    app = typer.Typer()

    @app.command(cls=ManyValuesCommand)
    @with_knobs(many=False)
    def run(db: DatabaseOption = DEFAULT_DATABASE, **knobs):
        return {"db": db} | given(knobs)

    @app.command(cls=ManyValuesCommand)
    @with_knobs(many=True)
    def sweep(
        name: str | None = typer.Argument(None),
        baseline: bool = False,
        jobs: JobsOption = 1,
        db: DatabaseOption = DEFAULT_DATABASE,
        **knobs,
    ):
        return {"name": name, "baseline": baseline, "jobs": jobs, "db": db} | given(knobs)

    @app.command(name="list", cls=ManyValuesCommand)
    def list_runs(layer: list[str] | None = None, epochs: int | None = None):
        return {"layer": layer, "epochs": epochs}

    return app


@pytest.fixture
def call(app):
    return lambda *words: app(list(words), standalone_mode=False)


def sweep_of(**values):
    plain = {"name": None, "baseline": False, "jobs": 1, "db": DEFAULT_DATABASE}
    return plain | values


def test_every_knob_is_an_option(call):
    values = {
        "label_column": "y",
        "B": 3,
        "hidden": (8, 16),
        "learning_rate": 1e-3,
        "dropout": "alpha-cd",
        "seed": 4,
    }
    words = []
    for name, value in values.items():
        words.append(f"--{name.replace('_', '-')}")
        words += map(str, value) if isinstance(value, tuple) else [str(value)]
    result = call("run", *words)
    assert result == {"db": DEFAULT_DATABASE} | values
    assert RunConfig(**{name: result[name] for name in values}).learning_rate == 1e-3
    assert call("run") == {"db": DEFAULT_DATABASE}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--B 1 3 4 --epochs 2", {"B": [1, 3, 4], "epochs": [2]}),
        ("--B=1 3 --B 4", {"B": [1, 3, 4]}),
        ("--B -1 2", {"B": [-1, 2]}),
        ("--learning-rate 1e-3 -1e-3 -.5", {"learning_rate": [1e-3, -1e-3, -0.5]}),
        ("--seeds 0..2 9", {"seeds": [0, 1, 2, 9]}),
        ("small --B 6 --baseline", {"name": "small", "B": [6], "seeds": [0, 1]}),
        ("--hidden 8 8 --label-column y", {"hidden": (8, 8), "label_column": "y"}),
        ("--dataset 0..2", {"dataset": ["0..2"]}),
        ("--B 2 -j 4", {"B": [2], "jobs": 4}),
    ],
)
def test_a_list_option_takes_the_words_up_to_the_next_option(call, workplace, line, expected):
    if "small" in line:
        (workplace / "cdbench.toml").write_text("[sweeps.small]\nseeds = '0..1'\n")
    if "--baseline" in line:
        expected = expected | {"baseline": True}
    assert call("sweep", *line.split()) == sweep_of(**expected)


@pytest.mark.parametrize("line", ["--B", "--B --epochs 2", "--epochs 2 --B", "--B -- small"])
def test_a_list_option_without_a_value_fails_in_one_line(call, line):
    with pytest.raises(typer.TyperException) as caught:
        call("sweep", *line.split())
    message = caught.value.format_message()
    assert message == "Option '--B' requires at least one value, as in --B 1 3 4"


@pytest.mark.parametrize("line", ["--jobs 2 small", "--B 1 3 -- small"])
def test_a_sweep_named_late_is_refused(call, workplace, line):
    (workplace / "cdbench.toml").write_text(FILE)
    with pytest.raises(typer.TyperException, match="name of a sweep comes first"):
        call("sweep", *line.split())


def test_other_mistakes_are_usage_errors(call):
    for line, message in (
        ("--epoch 3", r"has no option --epoch; did you mean --epochs"),
        ("--B 1 --epoch 3", r"has no option --epoch; did you mean --epochs"),
        ("--B one", r"--B.*whole number"),
        ("--B 0..", r"--B.*whole number"),
    ):
        with pytest.raises(typer.TyperException) as caught:
            call("sweep", *line.split())
        assert re.search(message, caught.value.format_message(), re.DOTALL)
    with pytest.raises(ConfigurationError, match="descends"):
        call("sweep", "--B", "4..1")


def test_command_line_environment_file_default_go_in_this_order(call, workplace, monkeypatch):
    assert call("run") == {"db": DEFAULT_DATABASE}
    (workplace / "cdbench.toml").write_text(FILE)
    database = str(workplace.resolve() / "file.db")
    from_file = {"db": database, "epochs": 7, "layer": "dense", "dropout": "0.5"}
    assert call("run") == from_file
    monkeypatch.setenv("CDBENCH_EPOCHS", "8")
    monkeypatch.setenv("CDBENCH_DATABASE", "env.db")
    assert call("run") == from_file | {"epochs": 8, "db": "env.db"}
    line = ("run", "--epochs", "9", "--db", "line.db")
    assert call(*line) == from_file | {"epochs": 9, "db": "line.db"}


def test_the_same_order_holds_for_lists(call, workplace, monkeypatch):
    (workplace / "cdbench.toml").write_text(FILE)
    from_file = sweep_of(
        name="small", jobs=3, baseline=True, B=[1, 3, 4], seeds=[0, 1], epochs=[7],
        layer=["dense"], dropout=["0.5"], db=str(workplace.resolve() / "file.db"),
    )  # fmt: skip
    assert call("sweep", "small") == from_file
    monkeypatch.setenv("CDBENCH_SEEDS", "5..6 9")
    monkeypatch.setenv("CDBENCH_B", "2 3")
    assert call("sweep", "small") == from_file | {"seeds": [5, 6, 9], "B": [2, 3]}
    assert call("sweep", "small", "--seeds", "1") == from_file | {"seeds": [1], "B": [2, 3]}
    with pytest.raises(UnknownNameError, match="did you mean small"):
        call("sweep", "smal")


def test_the_defaults_of_knobs_leave_filters_alone(call, workplace):
    (workplace / "cdbench.toml").write_text(FILE)
    assert call("list") == {"layer": None, "epochs": None}
    assert call("list", "--layer", "a", "b")["layer"] == ["a", "b"]


def test_help_shows_every_default_once_and_reads_no_file(app, workplace):
    (workplace / "cdbench.toml").write_text("nonsense")
    for command in ("run", "sweep"):
        result = CliRunner().invoke(app, [command, "--help"])
        text = " ".join(result.output.split())
        assert result.exit_code == 0, text
        assert "0.1 for sgd, 0.001 for adam" in text
        assert text.count("[default: 25]") == 1
        assert "CDBENCH_" not in text
    assert "--seeds" in text
    assert "One network for all runs" in text
