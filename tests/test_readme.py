"""The README's commands, run to the letter, and those of the pages that it leads to."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block_of(page: str, words: str) -> str:
    """Return the commands of the one block of a page that has these words."""
    text = (ROOT / page).read_text(encoding="utf-8")
    (found,) = [own for own in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) if words in own]
    return str(found)


def run_block(block: str, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # The sqlite3 command need not be installed; Python's own reads the same.
    shell = f"{sys.executable} {folder / 'sqlite.py'} runs.db"
    block = re.sub(r"sqlite3( -box)? runs\.db", lambda _: shell, block)
    (folder / "sqlite.py").write_text(
        "import sqlite3, sys\n"
        "for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]):\n"
        "    print(*row, sep='|')\n"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CDBENCH")}
    done = subprocess.run(
        ["bash", "-e", "-c", block],
        cwd=folder,
        env={**environment, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.long
def test_the_commands_by_hand_do_what_the_readme_says(tmp_path: Path) -> None:
    output = run_block(block_of("README.md", "report --table1"), tmp_path)
    assert "21/21" in output
    assert "15 of 15 published cells are equal" in output
    assert (tmp_path / "figures" / "fig1.png").stat().st_size > 10_000
    assert (tmp_path / "figures" / "fig2.png").stat().st_size > 10_000
    assert re.search(r"^cdlinear B=4\|64→64→64→12\|2380\|3\|0\.0006", output, re.MULTILINE)


@pytest.mark.long
def test_the_commands_for_your_data_work_on_such_data(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 5)), np.arange(30) % 3
    np.savez(tmp_path / "arrays.npz", X=X, y=y)
    rows = [",".join(["species", "a", "b", "c", "d", "e"])]
    rows += [",".join([f"kind {k}", *map(str, x)]) for x, k in zip(X, y, strict=True)]
    (tmp_path / "measurements.csv").write_text("\n".join(rows))
    prices = [",".join(["price", "a", "b"]), *(f"{10 + x[0]},{x[0]},{x[1]}" for x in X)]
    (tmp_path / "prices.csv").write_text("\n".join(prices))
    output = run_block(block_of("docs/data.md", "measurements.csv"), tmp_path)
    assert "120/120" in output
    asked = run_block(block_of("docs/data.md", "from models"), tmp_path)
    assert asked.count("measurements.csv") >= 3


@pytest.mark.long
def test_a_network_can_be_taken_along_as_the_page_on_exports_says(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("torch")
    output = run_block(block_of("docs/exports.md", "--keep-weights"), tmp_path)
    assert "cdlinear" in output
    assert (tmp_path / "net.onnx").stat().st_size > 8 * 8970


def test_make_has_the_readmes_two_commands() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
