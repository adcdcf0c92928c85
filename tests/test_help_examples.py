"""The examples of every help: two or more each, and each of them does what it says."""

import re
import shlex
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import typer

from cdbench.cli import run
from cdbench.cli.app import app
from cdbench.cli.groups import commands_of
from cdbench.datasets import DATASETS
from cdbench.records.published import PUBLISHED_FIGURE_SEED
from tests.cli_tools import ASSETS, CDBENCH, Here, by_shell
from tests.postgres import PostgresServer
from tests.released import released_database

ROOT: Any = typer.main.get_command(app)

SERVER = "postgresql://me@server/runs"

SETTINGS = """
[sweeps.table1]
B = [4, 8]

[studies.released]
dataset = "iris"
seeds = "0..2"

[studies.released.parts.digits]
[studies.released.parts.mnist]
"""

INSTEAD = {
    "fashion-mnist": "digits",  # which need not be downloaded
    "/backups/runs.db": "kept.db",
    "--all --db runs.db": "--all --db other.db",  # 18,000 runs
    "copy runs.db": "copy other.db",
    "512 2048": "64 256",
    "--fig2 --seed 0": f"--fig2 --seed {PUBLISHED_FIGURE_SEED}",  # the released ones keep it only
}
"""Words that stand for what tests do not have."""

ADDED = {
    "cdbench train": "--epochs 1",
    "cdbench train --B 8 --spectra-every 5": "--epochs 1 --curvature lanczos --samples 64",
    "cdbench sweep": "--dry-run",
    "cdbench audit": "--dry-run",
    "cdbench audit --claim comparable-kappa": "",  # all that it needs is stored
    "cdbench compare": "--dry-run",
    "cdbench bench": "--rounds 1 --n 64",
    "cdbench bench --n": "--rounds 1",
    "cdbench db check": "--db other.db",
    "cdbench reproduce 1 2 3": "--db other.db",
    "cdbench runs": "--db other.db",
    "cdbench runs rm": "--db other.db --yes",
    "cdbench runs rm --where": "--yes --force",  # the released comparisons rest on them
    "cdbench plot curves": "--db other.db",
    "cdbench plot curves --where": "",
    "cdbench model predict 5": "--db other.db",
}
"""What is added to examples that begin so, as they would take minutes; the longest counts."""


def named(path: str) -> Any:
    """Return a command or group, by what is typed."""
    found = ROOT
    for word in path.split()[1:]:
        found = found.commands[word]
    return found


BEFORE = {
    "cdbench runs restore": "runs rm 3 4 --db other.db --yes",
    "cdbench runs tag good": "runs tag latest good paper --db other.db",
}
"""What goes before examples that begin so."""

ELSEWHERE = ("cdbench db browse",)
"""What goes on until it is ended; tests/test_browse.py starts it."""

OF_SHELLS = {"|", ">"}

PATHS = sorted(commands_of(ROOT, "cdbench"))


def examples_of(path: str) -> list[str]:
    """Return the examples in the help of a command or group."""
    _, _, text = (named(path).help or "").partition("For example:")
    return [line.strip() for line in text.splitlines() if line.strip()]


EXAMPLES = sorted({example for path in PATHS for example in examples_of(path)})


def shortened(example: str) -> str:
    """Return an example as it is run here."""
    begins = max((own for own in ADDED if example.startswith(own)), key=len, default="")
    for words, other in INSTEAD.items():
        example = example.replace(words, other)
    added = ADDED.get(begins, "")
    missing = "" if added in example else added
    return f"{example} {missing}".rstrip()


@pytest.mark.parametrize("path", PATHS)
def test_every_help_has_two_examples_and_the_commands_own_among_them(path: str) -> None:
    examples = examples_of(path)
    assert len(examples) >= 2
    assert any(example.startswith(f"{path}") for example in examples)


def parsed(example: str) -> None:
    """Parse an example as its command does; raise what it would say."""
    context, words = ROOT.make_context("cdbench", shlex.split(example)[1:]), []
    with context:
        group, words = ROOT, [*context._protected_args, *context.args]
        while hasattr(group, "commands"):
            name, group, words = group.resolve_command(context, words)
            context = group.make_context(name, words, parent=context)
            words = [*getattr(context, "_protected_args", []), *context.args]


def test_every_example_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cdbench.toml").write_text(SETTINGS, encoding="utf-8")
    for example in EXAMPLES:
        words = shlex.split(example)
        if words[0] != "sqlite3" and not OF_SHELLS & set(words):
            parsed(example)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all that examples name, on the released results; to be copied."""
    folder = tmp_path_factory.mktemp("examples")
    with pytest.MonkeyPatch.context() as patched, mock.patch("sys.argv", ["cdbench"]):
        patched.chdir(folder)
        shutil.copyfile(released_database(), "runs.db")
        wine = ("train", "--dataset", "wine", "--epochs", "2", "--keep-weights", "--no-spectra")
        many = ("--B", "2", "--seeds", "0..8", "--jobs", "1", "--db", "other.db")
        assert run(["sweep", *wine[1:], *many]) == 0
        shutil.copyfile("other.db", "other-machine.db")
        shutil.copyfile(sorted(ASSETS.glob("00*.db"))[-2], "old.db")
        assert run([*wine]) == 0  # the latest of runs.db
        assert run(["model", "export", "latest", "wine.npz"]) == 0
        _write_data()
        Path("cdbench.toml").write_text(SETTINGS, encoding="utf-8")
        Path("question.sql").write_text("select count(*) from runs", encoding="utf-8")
    return folder


def _write_data() -> None:
    wine, iris = DATASETS["wine"](), DATASETS["iris"]()
    lines = [",".join(map(repr, row.tolist())) for row in wine.X[:9]]
    names = ",".join(f"x{i}" for i in range(wine.X.shape[1]))
    Path("new.csv").write_text("\n".join([names, *lines]), encoding="utf-8")
    np.savez("images.npz", X=wine.X[:4])
    flowers = [
        ",".join(map(str, [*row, "abc"[kind]])) for row, kind in zip(iris.X, iris.y, strict=True)
    ]
    Path("measurements.csv").write_text("\n".join(["a,b,c,d,species", *flowers]))
    prices = [",".join(map(str, [*row, 3 * row[0] - row[1]])) for row in iris.X]
    Path("mine.csv").write_text("\n".join(["a,b,c,d,price", *prices]))
    for text in ("book.txt", "shakespeare.txt"):
        Path(text).write_text("To be, or not to be, that is the question. " * 120)
    with suppress(ImportError):
        from safetensors.numpy import save_file

        rng = np.random.default_rng(0)
        save_file(
            {f"blocks.{i}.weight": rng.normal(size=(16, 16)) for i in (0, 1)}, "vit.safetensors"
        )


@pytest.fixture
def prepared(here: Here, folder: Path) -> Here:
    shutil.copytree(folder, here.folder, dirs_exist_ok=True)
    if (here.folder / "old.db").exists():
        (here.folder / "old.db").chmod(0o644)
    return here


ALONE = [one for one in EXAMPLES if SERVER not in one and not one.startswith(ELSEWHERE)]


@pytest.mark.long
@pytest.mark.parametrize("example", ALONE)
def test_every_example_does_what_it_says(prepared: Here, example: str) -> None:
    program, *words = shlex.split(shortened(example))
    if program == "sqlite3":
        with closing(sqlite3.connect(words[0])) as connection:
            assert connection.execute(words[1]).description
        return
    if OF_SHELLS & set(words):
        script = f"set -e; PATH={Path(CDBENCH).parent}:$PATH; {shortened(example)}"
        answer = by_shell(prepared.folder, script)
        assert (answer.code, answer.err) == (0, "")
        return
    if "init" in words and "--force" not in words:
        (prepared.folder / "cdbench.toml").unlink()
    if "vit.safetensors" in words:
        pytest.importorskip("safetensors")
    for begins, before in BEFORE.items():
        if example.startswith(begins):
            assert prepared(*before.split()).code == 0
    answer = prepared(*words)
    assert answer.code == 0, answer
    assert "Traceback" not in answer.err


@pytest.mark.server
@pytest.mark.parametrize("example", [one for one in EXAMPLES if SERVER in one])
def test_every_example_of_a_server_does_what_it_says(
    prepared: Here, postgres: PostgresServer, example: str
) -> None:
    server = postgres.prepared_database()
    if not re.search(rf"copy \S+ {SERVER}", example):
        assert prepared("db", "copy", "other.db", server).code == 0
    if example.endswith("runs.db"):
        (prepared.folder / "runs.db").unlink()
    answer = prepared(*shlex.split(shortened(example).replace(SERVER, server))[1:])
    assert answer.code == 0, answer
