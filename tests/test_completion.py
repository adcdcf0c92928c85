"""What the shells complete: values from registries and the database, at once and without a word."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from typer._completion_classes import BashComplete, FishComplete, ZshComplete

from cdbench.claims import every_claim
from cdbench.cli import completion_values as values
from cdbench.cli.app import app
from cdbench.cli.completion import source_of
from cdbench.cli.groups import commands_of
from cdbench.config.checks import DATASET_NAMES
from cdbench.config.families import FAMILIES
from cdbench.config.run_config import RunConfig
from cdbench.plots.catalogue import CATALOGUE
from cdbench.store.database import open_for_writing
from cdbench.store.recipes import RECIPES
from cdbench.store.record import record_run
from cdbench.store.run_labels import tag_runs
from cdbench.store.trash import remove_runs
from tests.cli_tools import ASSETS, Here, contents, for_real, plain_environment

HOSTILE = "x\\$(touch owned)`touch owned`'\"; [red]\x1b[31m\n:(y"

SHELLS: dict[str, Any] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@pytest.fixture
def completed(here: Here, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what gives a shell's answer for the words of a command line, the last one begun."""

    def complete(line: str, shell: str = "bash") -> str:
        words = line.split(" ")
        monkeypatch.setenv("_CDBENCH_COMPLETE", f"complete_{shell}")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
        monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
        root: Any = typer.main.get_command(app)
        return str(SHELLS[shell](root, {}, "cdbench", "_CDBENCH_COMPLETE").complete())

    return complete


@pytest.fixture(scope="module")
def twelve(tiny_run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database of twelve runs, one of them in the trash; it is only to be copied."""
    path = tmp_path_factory.mktemp("completion") / "twelve.db"
    database = open_for_writing(str(path))
    for seed in range(12):
        record_run(database, replace(tiny_run(seed=seed), uuid=f"ab{seed:02}cdef-{seed}"))
    tag_runs(database, ["1"], ["good"])
    tag_runs(database, ["11"], ["gone"])
    remove_runs(database, [11])
    return path


@pytest.fixture
def stored(here: Here, twelve: Path) -> Path:
    """Return that database's copy in the working folder."""
    return Path(shutil.copy(twelve, "runs.db"))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cdbench plot cur", {"curves"}),
        ("cdbench plot fig1 fig", {"fig1", "fig2"}),
        ("cdbench plot curves 1 12", {"12"}),
        ("cdbench plot claim theorem-2-", {"theorem-2-hypothesis"}),
        ("cdbench runs show g", {"good"}),
        ("cdbench runs restore ", {"11"}),
        ("cdbench runs list --tag ", {"good"}),
        ("cdbench train --layer ", set(FAMILIES)),
        ("cdbench train --layer low", {"low-rank"}),
        ("cdbench sweep --layer dense kr", {"kronecker"}),
        ("cdbench sweep --layer dense --B 1 3 --dataset iris wi", {"wine"}),
        ("cdbench sweep --B 1 3 --lay", {"--layer"}),
        ("cdbench train --dataset w", {"wine"}),
        ("cdbench audit --claim theorem-1 theorem-2-", {"theorem-2-hypothesis"}),
        ("cdbench runs show l", {"latest"}),
        ("cdbench runs show 1", {"1", "10", "12"}),
        ("cdbench runs show ab0", {f"ab{seed:02}cdef" for seed in range(10)}),
        ("cdbench runs diff 1 12", {"12"}),
        ("cdbench reproduce 1 2 12", {"12"}),
        ("cdbench reproduce --db runs.db 12", {"12"}),
        ("cdbench reproduce --db absent.db 1", set[str]()),
        ("cdbench db recipes against", {"against-dense"}),
        ("cdbench db schema models k", {"kappa_epochs", "kept_models", "kept_weights"}),
        ("cdbench sweep mi", {"mine"}),
        ("cdbench runs show 1 --format m", {"markdown"}),
    ],
)
def test_values_are_completed_wherever_they_stand(
    completed, stored: Path, line: str, expected: set[str]
) -> None:
    Path("cdbench.toml").write_text("[sweeps.mine]\nB = [1, 2]\n")
    assert set(completed(line).split()) == expected


def test_every_claim_family_data_set_and_recipe_can_be_completed(completed) -> None:
    for line, expected in (
        ("audit --claim ", every_claim()),
        ("train --layer ", FAMILIES),
        ("train --dataset ", DATASET_NAMES),
        ("db recipes ", RECIPES),
        ("plot ", CATALOGUE),
    ):
        assert set(expected) <= set(completed(f"cdbench {line}").split()), line


def test_runs_are_told_by_model_data_set_seed_and_score(completed, stored: Path) -> None:
    for shell in ("zsh", "fish"):
        assert "cdlinear B=2, iris, seed 11" in completed("cdbench runs show 12", shell)


def test_an_option_is_told_in_a_line_with_its_default(completed) -> None:
    for command in ("cdbench compare", "cdbench runs list"):
        told = completed(f"{command} --", "fish").splitlines()
        assert all(line.startswith("-") for line in told)
    assert "[default: number of cores]" in completed("cdbench compare --j", "fish")


@pytest.mark.parametrize("shell", SHELLS)
def test_no_name_of_the_database_reaches_a_shell_as_code(
    completed, stored: Path, tiny_run, shell: str
) -> None:
    for name in (HOSTILE, "--db=other.db"):
        config = RunConfig(dataset=name, B=2, hidden=(3,))
        record_run(open_for_writing(str(stored)), replace(tiny_run(), config=config))
    for line in ("cdbench runs show ", "cdbench train --dataset ", "cdbench train --dataset x"):
        answer = completed(line, shell)
        for forbidden in ("$", "`", "\x1b", "\\$", ";", "[red]", "(y", "'\"", '"--db', "\n--db"):
            assert forbidden not in answer.removeprefix("_arguments '*: :(("), line


@pytest.mark.parametrize("kind", ["absent", "older", "rubbish", "locked", "folder", "server"])
def test_a_database_that_cannot_be_read_gives_no_values_and_no_words(
    completed, stored: Path, kind: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    names = {"older": str(ASSETS / "0001.db"), "folder": ".", "locked": "runs.db"}
    names |= {"server": "postgresql://nobody@127.0.0.1:1/x", "rubbish": "rubbish.db"}
    Path("rubbish.db").write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 20)
    monkeypatch.setenv("CDBENCH_DATABASE", names.get(kind, "absent.db"))
    before = contents(Path())
    with closing(sqlite3.connect(stored)) as other:
        if kind == "locked":
            other.execute("BEGIN EXCLUSIVE")
        found = set(completed("cdbench runs show ").split())
        assert {"latest", "best"} <= found
        assert kind == "older" or found == {"latest", "best"}
        assert completed("cdbench report --name ") == ""
    assert contents(Path()) == before
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_settings_that_cannot_be_read_are_passed_over(completed, stored: Path) -> None:
    Path("cdbench.toml").write_text("nonsense")
    assert completed("cdbench sweep mi") == ""
    assert completed("cdbench train --layer den") == "dense"


def test_every_run_of_a_command_can_be_completed() -> None:
    root: Any = typer.main.get_command(app)
    found = 0
    for path in commands_of(root, "cdbench"):
        command = root
        for name in path.split()[1:]:
            command = command.commands[name]
        for param in command.params:
            text = f"{param.metavar or ''} {getattr(param, 'help', '')}"
            if "a run_id" in text or str(param.metavar).startswith("RUN"):
                found += 1
                assert source_of(param, path) in (*(values.runs, values.models, values.removed),), (
                    path,
                    param.name,
                )
    assert found >= 4


def test_completion_loads_nothing_heavy_and_answers_for_real(
    here: Here, stored: Path, tmp_path: Path
) -> None:
    environment = {
        "_CDBENCH_COMPLETE": "complete_bash", "COMP_WORDS": "cdbench runs show 12",
        "COMP_CWORD": "3",
    }  # fmt: skip
    answer = for_real(here.folder, extra=environment)
    assert (answer.code, answer.out.split(), answer.err) == (0, ["12"], "")
    script = (
        "import sys, atexit; heavy = {'numpy', 'scipy', 'sqlalchemy', 'matplotlib', 'alembic'}; "
        "atexit.register(lambda: print(heavy & set(sys.modules), file=sys.stderr)); "
        "sys.argv = ['cdbench']; from cdbench.entry import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=here.folder, env=plain_environment(**environment),
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.stdout.split(), done.stderr) == (["12"], "set()\n")
