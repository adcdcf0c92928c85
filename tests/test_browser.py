"""docs/report.html in a real Chromium: for the eye, the keyboard, without scripts, on paper."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cdbench.reports.html.themes import DARK, LIGHT

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "browser"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
IS_THERE = bool(CHROMIUM and shutil.which("node") and (FOLDER / "node_modules").is_dir())

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not IS_THERE, reason="needs chromium, node and what make browser installs"),
]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what readers of the page found; the pictures are beside it."""
    folder = tmp_path_factory.mktemp("looks")
    done = subprocess.run(
        ["node", "visit.mjs", str(ROOT / "docs" / "report.html"), str(folder)],
        cwd=FOLDER,
        env=os.environ | {"CHROMIUM": str(CHROMIUM), "HOME": str(folder)},
        capture_output=True,
        encoding="utf-8",
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told | {"folder": folder}


def rgb(color: str) -> str:
    return f"rgb({', '.join(str(int(color[i : i + 2], 16)) for i in (1, 3, 5))})"


def test_the_page_loads_nothing_and_its_console_stays_empty(found: dict[str, Any]) -> None:
    assert found["complaints"] == []
    assert found["requests"] == []


def test_axe_finds_no_fault_in_either_theme_wide_or_narrow(found: dict[str, Any]) -> None:
    assert [*found["looks"]] == ["light-360", "light-1280", "dark-360", "dark-1280"]
    for name, look in found["looks"].items():
        assert look["violations"] == [], name
        assert {"color-contrast", "heading-order", "svg-img-alt"} <= {*look["checked"]}
        assert look["ground"] == rgb((LIGHT if name.startswith("light") else DARK)["page"])
        assert (found["folder"] / f"{name}.png").stat().st_size > 10_000


def test_the_page_never_scrolls_sideways_and_what_does_is_reached(found: dict[str, Any]) -> None:
    assert len(found["sideways"]) == 9
    assert {*found["sideways"].values()} == {0}
    assert found["stops"] == 0


def test_tables_are_sorted_and_filtered_by_the_keyboard(found: dict[str, Any]) -> None:
    told = found["keyboard"]
    assert told["first"] == "Skip to the content"
    assert told["skipped"] == "content"
    (_, first), *turns = told["orders"]
    assert [order for order, _ in turns] == ["descending", "ascending", None]
    ordered = sorted(first, key=lambda cell: int(cell.replace(",", "")))
    assert [cells for _, cells in turns] == [ordered[::-1], ordered, first]
    assert len(set(first)) > 3
    shown, of, all_rows = told["filtered"].split()
    assert (int(shown), of, int(all_rows)) == (told["left"], "of", len(first))
    assert 0 < told["left"] < len(first)
    assert told["unfolded"]


def test_the_theme_can_be_changed_against_the_systems(found: dict[str, Any]) -> None:
    assert found["keyboard"]["theme"] == "dark"
    assert found["keyboard"]["ground"] == rgb(DARK["page"])


def test_without_scripts_every_word_is_there_and_nothing_that_would_not_work(
    found: dict[str, Any],
) -> None:
    assert found["unscripted"]["controls"] == 0
    assert found["unscripted"]["words"].split() == found["scripted"].split()


def test_paper_is_light_and_has_no_controls(found: dict[str, Any]) -> None:
    assert found["paper"] == {"ground": rgb(LIGHT["page"]), "controls": 0}
    assert (found["folder"] / "paper.pdf").read_bytes().startswith(b"%PDF")
