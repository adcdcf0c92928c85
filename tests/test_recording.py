"""docs/recording.svg: it shows what the README's commands print, and needs nothing but itself."""

import re
from xml.etree import ElementTree as ET

import pytest

from tests.console_pages import agrees
from tests.recording import FILE, SCENES, SVG, frames, printed, recorded, words
from tests.screen_drawing import Frame, Run, drawn
from tests.test_readme import README

PICTURE = FILE.read_text(encoding="utf-8")


@pytest.mark.long
def test_the_recording_shows_what_the_commands_print() -> None:
    for told, own in zip(recorded(PICTURE), frames(), strict=True):
        command, said = printed(told)
        again, now = printed(words(own[-1].rows))
        assert command == again
        assert agrees(said, now), (
            f"{now}\nis not\n{said}\nif it should be: python -m tests.recording"
        )


def test_the_recording_is_of_the_readmes_commands_and_ends_with_its_table() -> None:
    screens = [printed(screen) for screen in recorded(PICTURE)]
    assert tuple(command for command, _ in screens) == SCENES
    assert SCENES[0] in README
    assert SCENES[-1] in README
    assert "15 of 15 published cells are equal" in screens[-1][1]
    assert len(set(re.findall(r"\d+/21", PICTURE))) > 3


def test_the_recording_is_small_says_what_it_shows_and_loads_nothing() -> None:
    assert len(PICTURE.encode()) < 150_000
    root = ET.fromstring(PICTURE)
    assert [root.findtext(f"{SVG}{name}") is not None for name in ("title", "desc")] == [True, True]
    assert not re.search(r"<script|<image|href|url\(|@import|\son\w+=", PICTURE)
    for media in ("prefers-color-scheme:dark", "prefers-reduced-motion:reduce", "print"):
        assert f"@media {media}" in PICTURE or f"@media ({media})" in PICTURE


def test_the_screen_that_stands_where_nothing_moves_is_the_last() -> None:
    *_, last = recorded(PICTURE)
    still = [own for own in ET.fromstring(PICTURE).iter(f"{SVG}g") if own.get("class") == "last"]
    found = {int(str(t.get("data-row"))): "".join(t.itertext()) for own in still for t in own}
    assert found == {y: line for y, line in enumerate(last.split("\n")) if line}


def test_a_line_is_seen_for_as_long_as_it_stands_and_its_signs_are_text() -> None:
    rows = [(Run("a < b", "green"),), (Run("$ "),), (Run("50 %", bold=True),)]
    shown = [Frame(float(n), (rows[0], row)) for n, row in enumerate(rows[1:])]
    svg = drawn(shown, 4.0, [1.0], (10, 2))
    root = ET.fromstring(svg)
    groups = {
        "".join(own.itertext()): (own.get("data-from"), own.get("data-to"))
        for own in root.iter(f"{SVG}g")
    }
    assert groups == {"a < b": ("0.00", "4.00"), "$ ": ("0.00", "1.00"), "50 %": ("1.00", "4.00")}
    assert re.findall(r"@keyframes m\d\{(.*?\})\}", svg) == [
        "0.00%{visibility:visible}25.00%{visibility:hidden}",
        "0.00%{visibility:visible}",
        "0.00%{visibility:hidden}25.00%{visibility:visible}",
    ]
