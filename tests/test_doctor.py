"""``cdbench doctor``: what is well, what is not, and what to do about it."""

import json
import shutil
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cdbench.api import health
from cdbench.config.families import FAMILIES
from cdbench.config.run_config import RunConfig
from cdbench.engine.losses import softmax_cross_entropy
from cdbench.records.health import FAULT, NOTE, WELL, Finding
from cdbench.reports.health import health_page, health_report, verdict
from cdbench.running import self_check as checks
from tests.cli_tools import SMALL, Here, rows
from tests.released import released_database

ROOT = Path(__file__).parents[1]


def found(here: Here, *words: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Return the exit code and the records, by what they are of."""
    answer = here("doctor", *words, "--format", "json")
    assert answer.err == ""
    records = json.loads(answer.out)["records"]
    return answer.code, {f"{one['of']}, {one['what']}": one for one in records}


def test_the_first_epochs_are_those_of_the_released_results() -> None:
    for layer, (loss, n_right) in checks.FIRST_EPOCHS.items():
        config = RunConfig(layer=layer, seed=0)
        question = f"""
            select epoch.training_loss, epoch.test_accuracy from run join epoch using (run_id)
            where config_digest = '{config.digest()}' and epoch = 1
            """
        ((own, accuracy),) = set(rows(released_database(), question))
        assert own == pytest.approx(loss, rel=1e-14)
        assert accuracy == n_right / checks.N_TEST


def test_in_an_empty_folder_all_is_well_and_nothing_is_made(here: Here) -> None:
    answer = here("doctor")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.endswith("\nAll is well.\n")
    assert f"right in all {len(FAMILIES)} families" in answer.out
    assert "not there yet; the first run makes it" in answer.out
    assert "none here or above; to begin one: cdbench init" in answer.out
    assert not list(here.folder.iterdir())


def test_the_database_is_told_with_where_its_name_comes_from(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    here("train", *SMALL, "--no-spectra", "--db", "own.db")
    code, told = found(here, "--db", "own.db")
    assert code == 0
    assert told["Database, where"]["found"] == "own.db, named by --db"
    assert told["Database, contents"]["found"].startswith("1 runs, ")
    assert told["Database, schema"]["found"].endswith(", the newest")
    monkeypatch.setenv("CDBENCH_DATABASE", "own.db")
    assert found(here)[1]["Database, where"]["found"] == "own.db, named by CDBENCH_DATABASE"
    monkeypatch.delenv("CDBENCH_DATABASE")
    here("init")
    assert found(here)[1]["Database, where"]["found"].startswith("runs.db, the default")


def test_what_is_in_the_way_is_a_fault_with_exit_code_1(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here.folder / "runs.db").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    (here.folder / "cdbench.toml").write_text("databse = 'x'", encoding="utf-8")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10**6))
    code, told = found(here)
    assert code == 1
    faults = [name for name, one in told.items() if one["state"] == FAULT]
    assert faults == ["Machine, disk", "Database, state", "Settings, cdbench.toml"]
    assert "did you mean database?" in told["Settings, cdbench.toml"]["found"]
    assert here("doctor").out.splitlines()[-1] == (
        "Not well, in 3 things: machine, disk, database, state, settings, cdbench.toml."
    )


def test_an_engine_that_computes_otherwise_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    true = softmax_cross_entropy
    monkeypatch.setattr(
        checks, "softmax_cross_entropy", lambda z, y: (true(z, y)[0], 1.001 * true(z, y)[1])
    )
    monkeypatch.setattr(checks, "FIRST_EPOCHS", {"dense": (1.11347083, 307)})
    states = [one.state for one in checks.self_check()]
    assert states == [FAULT, FAULT]
    monkeypatch.undo()
    assert [one.state for one in checks.self_check()] == [WELL] * 3


def test_a_missing_extra_says_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "find_spec", lambda package: None if package == "onnx" else 1)
    told = {one.what: one for one in health.extras()}
    assert (told["onnx"].state, told["dask"].state) == (NOTE, WELL)
    assert told["onnx"].advice == "to have it: pip install 'cdbench[onnx]'"


def test_every_extra_that_people_install_is_looked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for_building = {"test", "mutants", "bench", "docs"}
    extras = project["optional-dependencies"]
    assert set(health.EXTRAS) == set(extras) - for_building
    for name, (packages, _) in health.EXTRAS.items():
        needed = {need.partition(">")[0].partition("[")[0] for need in extras[name]}
        assert set(packages) == needed


def test_the_page_fits_and_shows_marks_that_can_be_told_apart_without_colour() -> None:
    findings = [
        Finding("A", "one", "word " * 40),
        Finding("A", "other", "said", NOTE, "do this"),
        Finding("B", "third", "[red]\x1b[31m", FAULT),
    ]
    plain = health_page(findings, 60, styled=False)
    assert max(map(len, plain.splitlines())) <= 60
    assert "\x1b" not in plain
    assert "[red]" in plain
    assert [line[2] for line in plain.splitlines() if line[2:3] in ("✓", "–", "×")] == list("✓–×")
    styled = health_page(findings, 60, styled=True)
    assert "\x1b[32m✓\x1b[0m one" in styled
    assert styled.count("\n") == plain.count("\n")
    assert verdict(findings[:2]) == "All is well."
    assert len(health_report(findings).records) == 3
