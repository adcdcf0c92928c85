"""What is said nowhere else is taken from the environment, from cdbench.toml, or built in."""

from pathlib import Path

import pytest

from tests.cli_tools import SMALL, Here, for_real, rows


def write(folder: Path, text: str) -> None:
    (folder / "cdbench.toml").write_text(text, encoding="utf-8")


def test_a_knob_goes_command_line_environment_file_built_in(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = ("train", "--dataset", "iris", "--hidden", "8", "--B", "2")
    found = []
    assert here(*base).code == 0
    write(here.folder, "[defaults]\nepochs = 3\n")
    assert here(*base).code == 0
    monkeypatch.setenv("CDBENCH_EPOCHS", "2")
    assert here(*base).code == 0
    assert here(*base, "--epochs", "1").code == 0
    found = rows(here.folder / "runs.db", "select epochs from run order by run_id")
    assert found == [(25,), (3,), (2,), (1,)]


def test_the_database_goes_command_line_environment_file_built_in(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made() -> set[str]:
        return {path.name for path in here.folder.rglob("*.db")}

    line = ("train", *SMALL, "--B", "2")
    assert here(*line).code == 0
    assert made() == {"runs.db"}
    write(here.folder, 'database = "file.db"\n')
    assert here(*line).code == 0
    assert made() == {"runs.db", "file.db"}
    monkeypatch.setenv("CDBENCH_DATABASE", "environment.db")
    assert here(*line).code == 0
    assert made() == {"runs.db", "file.db", "environment.db"}
    assert here(*line, "--db", "line.db").code == 0
    assert made() == {"runs.db", "file.db", "environment.db", "line.db"}
    for name in made():
        assert rows(here.folder / name, "select count(*) from run") == [(1,)]


@pytest.mark.long
@pytest.mark.parametrize("name", ["results.db", "sqlite:///results.db"])
def test_the_files_database_is_relative_to_the_file_found_upward(tmp_path: Path, name: str) -> None:
    write(tmp_path, f'database = "{name}"\n')
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert for_real(inner, "train", *SMALL, "--B", "2").code == 0
    assert [path.name for path in inner.iterdir()] == []
    assert rows(tmp_path / "results.db", "select count(*) from run") == [(1,)]


def test_a_database_may_be_a_url(here: Here) -> None:
    assert here("train", *SMALL, "--B", "2", "--db", "sqlite:///url.db").code == 0
    absolute = (here.folder / "absolute.db").as_posix()
    assert here("train", *SMALL, "--B", "2", "--db", f"sqlite:///{absolute}").code == 0
    assert {path.name for path in here.folder.iterdir()} == {"url.db", "absolute.db"}


def test_a_named_sweep_is_the_grid_of_the_file(here: Here) -> None:
    write(
        here.folder,
        """
        [defaults]
        dataset = "iris"
        hidden = [8]
        epochs = 1
        [sweeps.mine]
        B = [2, 4]
        seeds = "0..1"
        learning_rate = [0.05, 0.1]
        baseline = false
        jobs = 1
        """,
    )
    assert here("sweep", "mine").code == 0
    found = rows(here.folder / "runs.db", "select B, seed, learning_rate from run order by 1, 2, 3")
    assert found == [(B, seed, rate) for B in (2, 4) for seed in (0, 1) for rate in (0.05, 0.1)]


def test_the_command_line_and_the_environment_go_over_a_named_sweep(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(
        here.folder,
        '[defaults]\ndataset = "iris"\nhidden = 8\n[sweeps.mine]\nB = [2, 4]\nseeds = [0, 1]\n',
    )
    assert "6 runs" in here("sweep", "mine", "--dry-run").out
    assert "3 runs" in here("sweep", "mine", "--dry-run", "--seeds", "7").out
    monkeypatch.setenv("CDBENCH_SEEDS", "0..3")
    assert "12 runs" in here("sweep", "mine", "--dry-run").out
    assert "4 runs" in here("sweep", "mine", "--dry-run", "--B", "3", "--seeds", "0..1").out
    assert "8 runs" in here("sweep", "mine", "--dry-run", "--no-baseline").out


def test_defaults_of_training_do_not_change_what_a_report_shows(here: Here) -> None:
    write(here.folder, "[defaults]\nB = 3\nseed = 9\n")
    answer = here("report", "--table1")
    assert answer.code == 3
    assert "cdbench sweep --B 1 3 4 5 7 8 --seeds 0 1 2" in answer.err


def test_a_sweep_takes_the_defaults_of_the_file(here: Here) -> None:
    write(here.folder, '[defaults]\ndataset = "iris"\nhidden = 8\nB = 2\nseed = 5\n')
    out = here("sweep", "--dry-run").out
    assert "cdlinear B=2 · iris · seed 5" in out
    assert "2 runs" in out
