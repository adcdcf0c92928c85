"""From Python: what is trained, stored and read is what the commands train, store and read."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import cdbench
from cdbench.api import frames
from cdbench.api.quiet_training import train_quietly as real
from cdbench.plots.catalogue import CATALOGUE
from cdbench.running import execution
from cdbench.system import interrupts
from tests.cli_tools import Here, rows
from tests.postgres import PostgresServer

ASSETS = Path(__file__).parent / "assets"
TINY: dict[str, Any] = {"dataset": "iris", "hidden": 8, "epochs": 2}
WORDS = ("--dataset", "iris", "--hidden", "8", "--epochs", "2")
NUMBERS = "SELECT config_digest, training_loss, test_loss, test_accuracy FROM runs ORDER BY 1"
COMPARED: dict[str, Any] = {
    "budget": 0.5,
    "layer": "cdlinear",
    "hidden": 24,
    "epochs": 1,
    "seeds": range(3),
    "rates": [0.05, 0.1, 0.2],
}
COMPARED_WORDS = (
    *("compare", "--dataset", "iris", "--budget", "0.5", "--layer", "cdlinear", "--hidden", "24"),
    *("--epochs", "1", "--seeds", "0..2", "--rates", "0.05", "0.1", "0.2", "--jobs", "1"),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def numbers(run: cdbench.Run) -> list[tuple[float, float, float | None]]:
    return [(one.training_loss, one.test_loss, one.test_accuracy) for one in run.epochs]


def test_a_sweep_stores_what_the_command_stores(here: Here) -> None:
    assert here("sweep", *WORDS, "--B", "2", "4", "--seeds", "0", "1", "--jobs", "1").code == 0
    runs = cdbench.sweep(**TINY, B=[2, 4], seeds=range(2), db=here.folder / "mine.db")
    found = rows(here.folder / "mine.db", NUMBERS)
    assert found == rows(here.folder / "runs.db", NUMBERS)
    assert len(found) == len(runs) == 6
    assert [run.config.seed for run in runs] == [0, 1] * 3


def test_it_gives_the_same_numbers_stored_or_not_alone_or_beside_others(folder: Path) -> None:
    told: list[str] = []
    runs = cdbench.sweep(**TINY, B=2, seeds=[0, 1])
    again = cdbench.sweep(
        **TINY, B=2, seeds=[0, 1], db="mine.db", jobs=2, on_run=lambda run: told.append(run.uuid)
    )
    alone = [cdbench.execute(run.config) for run in runs]
    assert [*map(numbers, runs)] == [*map(numbers, again)] == [*map(numbers, alone)]
    assert sorted(told) == sorted(run.uuid for run in again)
    assert cdbench.sweep(**TINY, B=2, seeds=[0, 1], db="mine.db", resume=True) == []
    (new,) = cdbench.sweep(**TINY, B=2, seeds=[0, 2], db="mine.db", resume=True, baseline=False)
    assert new.config.seed == 2
    stored = {
        one["uuid"] for one in cdbench.open("mine.db", frames="rows").sql("SELECT * FROM run")
    }
    assert stored == {run.uuid for run in (*again, new)}


def test_a_list_of_configurations_is_trained_in_its_order() -> None:
    configs = [
        cdbench.RunConfig(**TINY, layer=layer) for layer in ("low-rank:2", "dense", "cdlinear:2")
    ]
    assert [run.config for run in cdbench.sweep(configs)] == configs
    (one,) = cdbench.sweep(configs[0])
    assert one.config == configs[0]
    two = cdbench.sweep(**TINY | {"hidden": [[8], [4, 4]]}, seeds=0, baseline=False)
    assert [run.config.hidden for run in two] == [(8,), (4, 4)]
    (deep,) = cdbench.sweep(**TINY | {"hidden": [8, 4]}, seeds=0, baseline=False)
    assert deep.config.hidden == (8, 4)


def test_one_run_is_stored_and_tells_of_its_epochs(folder: Path) -> None:
    told: list[int] = []
    run = cdbench.execute(
        cdbench.RunConfig(**TINY), db="mine.db", on_epoch=lambda own: told.append(own.epoch)
    )
    assert told == [1, 2]
    with cdbench.open("mine.db", frames="rows") as results:
        (stored,) = results.runs()
        assert stored["test_loss"] == run.epochs[-1].test_loss
        assert [row["epoch"] for row in results.epochs(run=stored["run_id"])] == told
        kinds = {row["kind"] for row in results.conditions(run=stored["run_id"])}
    assert kinds == {spectrum.kind for spectrum in run.spectra}


def test_what_is_asked_for_wrongly_is_told_in_one_line(folder: Path) -> None:
    config = cdbench.RunConfig(**TINY)
    nobody: Any = [3]
    word: Any = "x"
    calls: list[tuple[Callable[[], object], str]] = [
        (
            lambda: cdbench.sweep([config], B=2),
            "B was given beside configurations; expected configurations, or the values of a grid",
        ),
        (
            lambda: cdbench.sweep([config, config]),
            "configs: one is given twice; expected each once",
        ),
        (lambda: cdbench.sweep(nobody), "configs: got 3; expected RunConfig's"),
        (lambda: cdbench.sweep(B=[2, 2]), "B: 2 is given twice; expected each once"),
        (lambda: cdbench.sweep(B=[]), "B = []: expected at least one value"),
        (
            lambda: cdbench.sweep(resume=True),
            "resume was given without db; expected the database's path",
        ),
        (
            lambda: cdbench.execute(cdbench.RunConfig(dataset="nowhere.csv"), db="mine.db"),
            "nowhere.csv: no such file; expected a path to a .npz, .csv or .parquet file, or "
            "X.npy,y.npy",
        ),
        (lambda: cdbench.compare(seeds=[0, 1]), "seeds = [0, 1]: expected at least 3"),
        (lambda: cdbench.compare(budget=word), "budget = 'x': expected a number"),
        (
            lambda: cdbench.open("mine.db"),
            "mine.db: no results yet; to make some: cdbench sweep --B 1 3 4 5 7 8 --seeds 0 1 2",
        ),
        (
            lambda: cdbench.open("mine.db", frames="arrow"),
            "unknown frames 'arrow'; did you mean rows? (known: pandas, polars, rows)",
        ),
    ]
    for call, line in calls:
        with pytest.raises(cdbench.CdbenchError) as raised:
            call()
        assert str(raised.value) == line
    for call in (lambda: cdbench.sweep(bogus=1), lambda: cdbench.compare(learning_rate=1)):
        with pytest.raises(cdbench.UnknownNameError, match=r"^unknown knob .*\(known: "):
            call()
    assert list(folder.iterdir()) == []


def test_an_interrupt_stores_what_was_trained_and_leaves_signals_as_they_were(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = execution.execute

    def execute(config: cdbench.RunConfig, *rest: Any, **more: Any) -> cdbench.Run:
        if config.seed == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return real(config, *rest, **more)

    monkeypatch.setattr("cdbench.running.grouping.MOST", 1)  # one run at a time
    monkeypatch.setattr(execution, "execute", execute)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        cdbench.sweep(**TINY, B=2, baseline=False, seeds=range(4), db="mine.db")
    assert signal.getsignal(signal.SIGINT) is before
    assert not interrupts._STATE.ignored
    assert rows(folder / "mine.db", "SELECT count(*) FROM run WHERE status = 'completed'") == [(2,)]
    monkeypatch.setattr(execution, "execute", real)
    left = cdbench.sweep(**TINY, B=2, baseline=False, seeds=range(4), db="mine.db", resume=True)
    assert [run.config.seed for run in left] == [2, 3]


def test_workers_leave_the_environment_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    before = dict(os.environ)
    assert len(cdbench.sweep(**TINY, B=2, seeds=0, jobs=2)) == 2
    assert dict(os.environ) == before


def test_a_comparison_is_the_command_s(here: Here, capsys: pytest.CaptureFixture[str]) -> None:
    answer = here(*COMPARED_WORDS)
    assert answer.code == 0
    n_runs = rows(here.folder / "runs.db", "SELECT count(*) FROM run")
    found = cdbench.compare("iris", **COMPARED, db=here.folder / "runs.db")
    assert rows(here.folder / "runs.db", "SELECT count(*) FROM run") == n_runs
    told = here("report", "--compare", "--format", "json").out
    assert found.rows == json.loads(told)["records"]
    assert found.sentence.startswith("On iris at 50 % of the dense network's weights")
    assert found.sentence in " ".join(answer.out.split())
    with cdbench.open(here.folder / "runs.db") as results:
        assert results.comparison("iris").rows == found.rows
    apart = cdbench.compare("iris", **COMPARED)
    for own, other in zip(apart.rows, found.rows, strict=True):
        assert (own["model"], own["accuracy"]) == (other["model"], other["accuracy"])
    assert str(apart).startswith("On iris at 50 % of the dense network's weights")
    for name in ("pareto", "rate-curves"):
        figure = apart.figure(name)
        assert figure.axes, name
        shown: Any = figure  # by notebooks
        assert shown._repr_png_().startswith(b"\x89PNG"), name
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")


def test_what_a_comparison_reports_is_trained_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[bool, bool]] = []

    def train_quietly(needs: Any, *rest: Any, together: bool, **more: Any) -> list[cdbench.Run]:
        asked.append((min(config.seed for config in needs) >= 1000, together))
        return real(needs, *rest, together=together, **more)

    monkeypatch.setattr("cdbench.api.compare.train_quietly", train_quietly)
    cdbench.compare("iris", **COMPARED)
    # Trials may be trained side by side; where times are compared, they may not.
    assert {*asked} == {(True, True), (False, False)}


def test_the_network_of_a_run_is_the_same_kept_or_trained_again(folder: Path) -> None:
    kept = cdbench.execute(
        cdbench.RunConfig(**TINY), diagnostics=cdbench.Diagnostics(weights=True), db="mine.db"
    )
    bare = cdbench.execute(cdbench.RunConfig(**TINY), db="mine.db")
    assert kept.weights is not None
    assert bare.weights is None
    with cdbench.open("mine.db") as results:
        models = [results.model(name) for name in ("latest", kept.uuid, 2)]
        with pytest.raises(cdbench.ConfigurationError):
            results.model(3)
    for model in models:
        assert (model.parameters == kept.weights.parameters).all()
    assert [model.run_uuid for model in models] == [kept.uuid, kept.uuid, bare.uuid]
    cdbench.save_model(models[0], folder / "iris.npz")
    again = cdbench.load_model(folder / "iris.npz")
    assert again.run_uuid == kept.uuid
    assert (again.parameters == kept.weights.parameters).all()
    with pytest.raises(cdbench.ConfigurationError, match=r"^iris\.pt: no form of a model ends in"):
        cdbench.save_model(again, "iris.pt")
    with pytest.raises(cdbench.UnknownNameError) as raised:
        cdbench.save_model(again, "iris.npz", format="pickle")
    assert str(raised.value) == "unknown format 'pickle' (known: npz, onnx, torch)"


@pytest.fixture
def trained(folder: Path) -> Path:
    cdbench.sweep(**TINY, B=2, seeds=[0, 1], db="mine.db")
    return folder / "mine.db"


def test_tables_are_the_frames_that_are_asked_for(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = cdbench.open(trained)
    as_rows = results.runs(frames="rows")
    assert isinstance(results.runs(), pd.DataFrame)
    assert isinstance(results.runs(frames="polars"), pl.DataFrame)
    assert results.runs(frames="polars").to_dicts() == as_rows
    assert [*results.runs().columns] == [*as_rows[0]]
    assert results.runs()["test_loss"].to_list() == [row["test_loss"] for row in as_rows]
    empty = "SELECT run_id FROM runs WHERE run_id < 0"
    assert results.sql(empty, frames="rows") == []
    assert results.sql(empty).shape == results.sql(empty, frames="polars").shape == (0, 1)
    with pytest.raises(cdbench.ConfigurationError, match=r"^two columns are called a; "):
        results.sql("SELECT 1 AS a, 2 AS a", frames="rows")
    monkeypatch.setattr(frames, "find_spec", lambda name: None)
    assert cdbench.open(trained).runs() == as_rows
    with pytest.raises(cdbench.ConfigurationError) as raised:
        cdbench.open(trained, frames="polars")
    assert str(raised.value) == (
        "frames = 'polars': it is not installed; to install it: pip install polars, or without it: "
        "frames='rows'"
    )


def test_a_query_can_change_nothing(trained: Path) -> None:
    before = trained.read_bytes()
    results = cdbench.open(trained, frames="rows")
    only = f"{trained}: is opened to be read; expected a query, such as SELECT …"
    for statement in (
        *("DELETE FROM run", "DROP VIEW runs", "CREATE TABLE own (x)", "CREATE TEMP TABLE own (x)"),
        *("PRAGMA user_version = 3", "COMMIT", ""),
    ):
        with pytest.raises(cdbench.StoreError) as raised:
            results.sql(statement)
        assert str(raised.value) == only, statement
    for statement in (
        *("ATTACH 'other.db' AS other", "ATTACH 'file:other.db?mode=rwc' AS other"),
        *("VACUUM INTO 'other.db'", "SELECT 1; DELETE FROM run", "SELECT * FROM nowhere"),
    ):
        with pytest.raises(cdbench.StoreError):
            results.sql(statement)
    assert trained.read_bytes() == before
    assert [path.name for path in trained.parent.iterdir()] == ["mine.db"]
    assert results.sql("SELECT 'a:b' AS x, :y AS y", {"y": 3}) == [{"x": "a:b", "y": 3}]
    assert results.sql("SELECT '100%' AS x, 'a:b' AS y") == [{"x": "100%", "y": "a:b"}]


def test_values_of_another_kind_are_refused_in_one_line() -> None:
    config: Any = {"B": 4}
    some: Any = {"weights": True}
    for call, expected in (
        (
            lambda: cdbench.execute(config),
            "config: got {'B': 4}; expected a RunConfig, as in cdbench.RunConfig(B=4)",
        ),
        (
            lambda: cdbench.execute(cdbench.RunConfig(**TINY), diagnostics=some),
            "diagnostics: got {'weights': True}; expected Diagnostics, as in "
            "cdbench.Diagnostics(weights=True)",
        ),
        (
            lambda: cdbench.execute(cdbench.RunConfig(**TINY), blas_threads=0),
            "blas_threads = 0: expected at least 1",
        ),
        (lambda: cdbench.sweep(**TINY, B=2, jobs=-1), "jobs = -1: expected at least 1"),
        (
            lambda: cdbench.compare("iris", **COMPARED, jobs=1.5),  # type: ignore[arg-type]
            "jobs = 1.5: expected a whole number",
        ),
        (lambda: cdbench.sweep(5), "configs: got 5; expected RunConfig's"),  # type: ignore[arg-type]
    ):
        with pytest.raises(cdbench.ConfigurationError) as raised:
            call()
        assert str(raised.value) == expected


def test_what_the_users_own_function_raises_is_raised_and_no_failed_run_is_stored(
    folder: Path,
) -> None:
    def told(metrics: object) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match=r"^mine$"):
        cdbench.execute(cdbench.RunConfig(**TINY), db="mine.db", on_epoch=told)
    cdbench.execute(cdbench.RunConfig(**TINY), db="mine.db")
    assert len(cdbench.open("mine.db", frames="rows").runs()) == 1


def test_numbers_of_numpy_are_numbers() -> None:
    config = cdbench.RunConfig(B=np.int64(2), hidden=np.array([8, 8]), seed=np.uint8(3))  # type: ignore[arg-type]
    assert config.digest() == cdbench.RunConfig(B=2, hidden=(8, 8), seed=3).digest()
    assert {type(config.B), type(config.seed), *map(type, config.hidden)} == {int}
    runs = cdbench.sweep(**TINY, B=np.array([2, 3]), seeds=np.arange(2), baseline=False)
    assert [(run.config.B, run.config.seed) for run in runs] == [(2, 0), (2, 1), (3, 0), (3, 1)]
    found = cdbench.compare("iris", **COMPARED | {"seeds": np.arange(3)})
    assert found.measure == "accuracy"


def test_a_comparison_of_nothing_is_refused() -> None:
    for name in ("seeds", "tuning_seeds", "budget", "layer"):
        with pytest.raises(cdbench.ConfigurationError) as raised:
            cdbench.compare("iris", **COMPARED | {name: []})
        assert str(raised.value) == f"{name} = []: expected at least one"
    with pytest.raises(cdbench.ConfigurationError) as raised:
        cdbench.compare("iris", **COMPARED | {"seeds": 3})
    assert str(raised.value) == "seeds = [3]: expected at least 3"


def test_tables_of_a_run_are_those_of_its_number_or_uuid_and_of_no_other(trained: Path) -> None:
    results = cdbench.open(trained, frames="rows")
    uuid = results.runs()[2]["uuid"]
    for table in (results.epochs, results.conditions):
        wanted = table(run=3)
        assert {row["run_id"] for row in wanted} == {3}
        for name in (np.int64(3), uuid, uuid[:8]):
            assert table(run=name) == wanted  # type: ignore[arg-type]
        for none in (99, 1.5, "abc"):
            with pytest.raises(cdbench.ConfigurationError) as raised:
                table(run=none)  # type: ignore[arg-type]
            assert str(raised.value) == (
                f"RUN {none}: no such run in {trained}; expected a run_id, a uuid's first 4 "
                "characters or more, latest, best or a tag; to see the runs: cdbench runs list"
            )
    with pytest.raises(cdbench.ConfigurationError) as raised:
        results.table1(seeds=[])
    assert str(raised.value) == "seeds = []: expected at least one"


def test_a_query_takes_numbers_of_frames_and_says_which_value_is_missing(trained: Path) -> None:
    results = cdbench.open(trained, frames="rows")
    question = "SELECT run_id FROM runs WHERE run_id = :run"
    for run in (1, np.int64(1), np.int32(1), np.float64(1)):
        assert results.sql(question, {"run": run}) == [{"run_id": 1}], type(run)
    with pytest.raises(cdbench.StoreError) as raised:
        results.sql(question, {"rnu": 1})
    expected = ":run has no value; expected one in parameters, as in {'run': 1}"
    assert str(raised.value) == f"{trained}: {expected}, or on a command line --param run=1"


@pytest.mark.server
def test_a_query_to_a_server_can_change_nothing(postgres: PostgresServer) -> None:
    url = postgres.prepared_database()
    cdbench.sweep(**TINY, B=2, seeds=0, db=url)
    with cdbench.open(url, frames="rows") as results:
        only = "is opened to be read; expected a query, such as SELECT …"
        for statement, line in (
            ("DELETE FROM run", only),
            ("CREATE TABLE own (x int)", only),
            ("WITH gone AS (DELETE FROM run RETURNING 1) SELECT * FROM gone", only),
            ("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", only),
            ("COMMIT; DELETE FROM run", only),
            ("SELECT 1; DELETE FROM run", "several statements; expected one query"),
        ):
            with pytest.raises(cdbench.StoreError) as raised:
                results.sql(statement)
            assert str(raised.value).endswith(line), statement
        assert [row["model"] for row in results.runs()] == ["dense", "cdlinear B=2"]
        asked = {"model": "dense"}
        (found,) = results.sql("SELECT 'a:b %' AS x FROM runs WHERE model = :model", asked)
        assert found == {"x": "a:b %"}


def test_a_closed_database_says_so(trained: Path) -> None:
    with cdbench.open(trained) as results:
        assert repr(results) == f"<Results of {trained}>"
    results.close()
    with pytest.raises(cdbench.StoreError) as raised:
        results.runs()
    assert str(raised.value) == f"{trained}: is closed; expected cdbench.open('{trained}') again"


def test_an_older_schema_is_read_through_a_copy(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copy(ASSETS / "0001.db", "old.db")
    before = Path("old.db").read_bytes()
    with caplog.at_level(logging.WARNING), cdbench.open("old.db", frames="rows") as results:
        assert len(results.runs()) > 0
        assert len(results.conditions()) > 0
    assert "old.db has the older schema 0001; reading a copy" in caplog.text
    assert Path("old.db").read_bytes() == before


def test_figures_say_what_they_lack(trained: Path) -> None:
    results = cdbench.open(trained)
    for name in CATALOGUE:
        with pytest.raises(cdbench.CdbenchError) as raised:
            results.figure(name)
        said = str(raised.value)
        assert "\n" not in said
        assert "cdbench " in said or "of is missing" in said or "of what is missing" in said, said
    for name, of, line in (
        (
            "claim",
            None,
            "figure claim: of what is missing; expected a claim's name, as in of='odd-heads'",
        ),
        (
            "standings",
            "iris",
            "figure standings: of what is missing; expected several comparisons, "
            "as in of=['digits', 'wine']",
        ),
        ("fig1", "iris", "figure fig1: is of nothing in particular; expected no of"),
        ("pareto", ["iris", "wine"], "figure pareto: of 2 names; expected one"),
    ):
        with pytest.raises(cdbench.ConfigurationError) as refused:
            results.figure(name, of=of)
        assert str(refused.value) == line


@pytest.mark.long
def test_the_released_results_give_every_figure() -> None:
    from tests.released import released_database

    of = {"claim": "odd-heads", "study": "released", "standings": ["digits", "wine"]}
    kept = "dataset = digits and seed = 2 and changes = '' and B in (4, 8)"
    where = dict.fromkeys(("curves", "spectra", "kappa", "seeds"), kept)
    with cdbench.open(released_database()) as results:
        for name in CATALOGUE:
            assert results.figure(name, of=of.get(name), where=where.get(name)).axes, name


@pytest.mark.long
def test_a_script_trains_in_several_processes(folder: Path) -> None:
    script = (
        "import cdbench\n"
        "if __name__ == '__main__':\n"
        "    runs = cdbench.sweep(dataset='iris', epochs=1, seeds=range(3), jobs=2)\n"
        "    print([run.status for run in runs])\n"
    )
    (folder / "script.py").write_text(script, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "script.py"], capture_output=True, text=True, check=True, timeout=120
    )
    assert (done.stdout, done.stderr) == (f"{['completed'] * 6}\n", "")
