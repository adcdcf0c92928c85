"""The wheel: it holds what it needs and no more, and works from another directory."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from zipfile import ZipFile

import pytest

from cdbench.store.migrate import revisions
from tests.test_plugins import FAMILY

ROOT = Path(__file__).parents[1]


def run(command: list[str], cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={name: text for name, text in os.environ.items() if not name.startswith("CDBENCH")}
        | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    run([*build, str(ROOT)], folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.long
def test_wheel_holds_code_and_migrations_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {"cdbench/py.typed", "cdbench/_migrations/env.py"} <= set(names)
    prefix = "cdbench/_migrations/versions/"
    shipped = sorted(name.removeprefix(prefix)[:4] for name in names if name.startswith(prefix))
    assert shipped == revisions()
    strangers = [name for name in names if not name.startswith(("cdbench/", "cdbench-"))]
    assert strangers == []
    assert not [name for name in names if "test" in name or name.endswith((".pyc", ".db"))]
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "cdbench").rglob("*.py")}
    assert sources <= set(names)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder into which the wheel was installed."""
    target = tmp_path_factory.mktemp("target") / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    run([*pip, "--disable-pip-version-check", "--target", str(target), str(wheel)], target.parent)
    return target


@pytest.fixture
def cdbench(installed: Path, tmp_path: Path) -> Callable[[str], str]:
    """Return what runs the installed command from the test's own folder."""
    code = (
        "import pathlib, sys, cdbench.cli\n"
        "assert pathlib.Path(cdbench.__file__).is_relative_to(sys.argv.pop(1))\n"
        "cdbench.cli.main()"
    )

    def command(words: str) -> str:
        call = [sys.executable, "-c", code, str(installed), *words.split()]
        return run(call, tmp_path, PYTHONPATH=str(installed))

    return command


@pytest.mark.long
def test_installed_wheel_makes_a_database_from_another_directory(
    cdbench: Callable[[str], str], tmp_path: Path
) -> None:
    sweep = "sweep --dataset iris --epochs 1 --hidden 2 --B 2 --seeds 0 --no-baseline --jobs 1"
    out = cdbench(sweep)
    assert "stored in runs.db" in out
    assert [path.name for path in tmp_path.iterdir()] == ["runs.db"]
    with closing(sqlite3.connect(tmp_path / "runs.db")) as connection:
        found = connection.execute("SELECT version_num FROM cdbench_version").fetchall()
        assert found == [(revisions()[-1],)]
        assert connection.execute("SELECT status, model FROM runs").fetchall() == [
            ("completed", "cdlinear B=2")
        ]
        assert connection.execute("SELECT git_commit, git_dirty FROM environment").fetchall() == [
            (None, None)
        ]


@pytest.mark.long
def test_installed_wheel_trains_and_reproduces_the_page_s_plugin(
    cdbench: Callable[[str], str], tmp_path: Path
) -> None:
    (tmp_path / "hashed.py").write_text(FAMILY, encoding="utf-8")
    layers = "--plugin hashed.py --layer dense hashed --dataset iris --hidden 4 --epochs 1"
    assert "hashed share=4" in cdbench(f"sweep {layers} --seeds 0 1 --jobs 2")
    assert "bit for bit" in cdbench("reproduce --all --plugin hashed.py")
