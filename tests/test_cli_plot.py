"""``cdbench plot FIGURE [OF ...]``: figures by name, of any runs, in files and on screens."""

import io
import os
import shutil
import subprocess
import sys
from base64 import standard_b64decode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from matplotlib.colors import to_hex

import cdbench
from cdbench.api.figures.listed import WORDS, figures_markdown
from cdbench.cli.figure_output import FigureOutput
from cdbench.config.diagnostics import Diagnostics
from cdbench.plots.catalogue import CATALOGUE
from cdbench.plots.shades import BACKGROUND
from cdbench.records.run import Run
from cdbench.running.execution import execute
from cdbench.store.database import open_for_writing
from cdbench.store.record import record_run
from cdbench.system.terminal_pictures import ITERM2, KITTY, protocol_of, show_picture, why_none
from tests.cli_tools import Here

PAGE = Path(__file__).resolve().parents[1] / "docs" / "plots.md"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def drawn(here: Here, tiny_run: Callable[..., Run]) -> Here:
    """Return what runs commands beside a database of three runs: 1 and 2 dense, 3 CDLinear."""
    database = open_for_writing("runs.db")
    for knobs in ({"layer": "dense"}, {"layer": "dense", "seed": 1}, {"B": 2}):
        record_run(database, tiny_run(**knobs))
    return here


def test_figures_of_any_runs_are_drawn_by_name_in_their_order(drawn: Here) -> None:
    answer = drawn("plot", "curves", "3", "latest", "1", "--output", "made", "--format", "svg")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == f"wrote {Path('made/curves.svg')}\n"
    text = Path("made/curves.svg").read_text(encoding="utf-8")
    assert "runs 3, 1 of runs.db" in text  # 3 is the latest too


def test_runs_are_chosen_by_a_filter_after_those_that_are_named(drawn: Here) -> None:
    answer = drawn("plot", "seeds", "3", "--where", "family = dense", "--output", "x.svg")
    assert (answer.code, answer.err) == (0, "")
    assert "runs 3, 1, 2 of runs.db" in Path("x.svg").read_text(encoding="utf-8")
    nothing = drawn("plot", "seeds", "--where", "seed > 7", "--output", "y.svg")
    assert nothing.code == 3
    assert "no completed run fits --where seed > 7" in nothing.err
    assert not Path("y.svg").exists()


def test_of_runs_that_were_trained_again_a_filter_takes_the_newest(
    drawn: Here, tiny_run: Callable[..., Run]
) -> None:
    record_run(open_for_writing("runs.db"), tiny_run(B=2))
    answer = drawn("plot", "curves", "--where", "dataset = iris", "--output", "x.svg")
    assert (answer.code, answer.err) == (0, "")
    assert "runs 1, 2, 4 of runs.db" in Path("x.svg").read_text(encoding="utf-8")


def test_from_python_figures_of_runs_have_a_theme(drawn: Here) -> None:
    with cdbench.open("runs.db") as results:
        figure = results.figure("curves", of=[1, "latest"], where="seed = 1", theme="dark")
        assert figure.legends[0].get_texts()
        assert to_hex(figure.get_facecolor()) == BACKGROUND
        with pytest.raises(cdbench.ConfigurationError, match="not of runs that can be chosen"):
            results.figure("fig1", where="seed = 1")


def test_several_figures_share_the_runs_of_a_filter(drawn: Here) -> None:
    answer = drawn("plot", "curves", "seeds", "--where", "dataset = iris", "--theme", "dark")
    assert answer.code == 0
    assert sorted(path.name for path in Path("figures").iterdir()) == ["curves.png", "seeds.png"]


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        ("curvs latest", 2, "unknown figure 'curvs'; did you mean curves?"),
        ("fig1 latest", 2, "figure fig1 is of nothing in particular, and 'latest' is no figure"),
        ("fig1 fgi2", 2, "'fgi2' is no figure; did you mean fig2?"),
        ("curves", 2, "figure curves: it was not said of which runs; for example: cdbench plot"),
        ("claim", 2, "figure claim: it was not said of which claim"),
        ("pareto a b", 2, "of several: cdbench plot standings a b"),
        ("curves 99", 2, "RUN 99: no such run in runs.db"),
        ("fig1 --where seed=0", 2, "--where chooses runs, and figure fig1 has its own"),
        ("--fig1 --where seed=0", 2, "--where chooses runs for a figure of runs"),
        ("curves 1 --fig1", 2, "curves was given with options that name figures too"),
        ("curves 1 --where nope=1", 2, "nope"),
        ("curves 1 --theme drak", 2, "'drak' is not one of 'paper', 'screen', 'dark'"),
        ("kappa 1", 3, "run 1: κ was measured once, not over the epochs; train it again with"),
        ("accuracy-parameters", 3, "to draw runs of your own: cdbench plot accuracy-parameters"),
        (
            "standings digits",
            2,
            "of two comparisons or more, and only digits was named; for example",
        ),
        ("claim odd-haeds", 2, "did you mean odd-heads?"),
    ],
)
def test_what_cannot_be_drawn_is_one_line_and_no_file(
    drawn: Here, words: str, code: int, line: str
) -> None:
    answer = drawn("plot", *words.split())
    assert (answer.code, answer.out) == (code, "")
    assert line in answer.err
    assert len(answer.err.splitlines()) == 1
    assert not Path("figures").exists()


@pytest.mark.parametrize("figure", ["curves", "spectra", "kappa"])
def test_of_a_run_that_kept_too_little_one_is_named_that_can_be_drawn(
    drawn: Here, tiny_run: Callable[..., Run], figure: str
) -> None:
    bare = replace(tiny_run(), epochs=tiny_run().epochs[-1:], spectra=())
    record_run(open_for_writing("runs.db"), bare)
    refused = drawn("plot", figure, "latest", "--output", "x.svg")
    assert (refused.code, refused.err.count("\n")) == (3, 1)
    if figure == "kappa":  # no run here kept that
        assert "cdbench plot" not in refused.err
        run = execute(tiny_run().config, diagnostics=Diagnostics(spectra_every=1))
        record_run(open_for_writing("runs.db"), run)
        record_run(open_for_writing("runs.db"), replace(bare, uuid="another"))
        refused = drawn("plot", figure, "latest", "--output", "x.svg")
    words = refused.err.strip().rpartition("; to draw the newest run that kept it: cdbench ")[2]
    assert words == f"plot {figure} {5 if figure == 'kappa' else 3}"
    assert drawn(*words.split(), "--output", "x.svg").out == "wrote x.svg\n"


def test_every_figure_is_listed_with_what_it_shows_and_needs(here: Here) -> None:
    answer = here("plot", "--list")
    assert (answer.code, answer.err) == (0, "")
    listed = [line.split()[0] for line in answer.out.splitlines() if line.strip()]
    assert set(CATALOGUE) <= set(listed)
    assert {one.of for one in CATALOGUE.values()} == set(WORDS)


def test_the_page_of_figures_is_made_from_their_descriptions() -> None:
    assert PAGE.read_text(encoding="utf-8") == figures_markdown(), "run make docs"


# Terminals that show pictures


@pytest.mark.parametrize(
    ("environment", "protocol"),
    [
        ({"TERM": "xterm-kitty"}, KITTY),
        ({"TERM": "xterm-ghostty"}, KITTY),
        ({"TERM_PROGRAM": "WezTerm", "TERM": "xterm-256color"}, KITTY),
        ({"KONSOLE_VERSION": "230804"}, KITTY),
        ({"TERM_PROGRAM": "iTerm.app"}, ITERM2),
        ({"TERM": "xterm-256color"}, None),
        ({}, None),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/tmux-0/default,1,0"}, None),
        ({"TERM": "screen", "STY": "1.pts-0"}, None),
    ],
)
def test_a_terminal_is_known_by_what_it_says_of_itself(
    environment: dict[str, str], protocol: str | None
) -> None:
    assert protocol_of(environment) == protocol
    if "TMUX" in environment:
        assert "tmux" in why_none(environment)


@pytest.mark.parametrize("protocol", [KITTY, ITERM2])
def test_a_picture_comes_through_the_terminal_whole(protocol: str) -> None:
    terminal, png = io.StringIO(), PNG + bytes(range(256)) * 40
    show_picture(terminal, png, protocol, 80)
    text = terminal.getvalue()
    if protocol == ITERM2:
        head, _, rest = text.removeprefix("\x1b]1337;File=").partition(":")
        assert f"size={len(png)}" in head.split(";")
        content = rest.removesuffix("\a\n")
    else:
        parts = text.removesuffix("\n").split("\x1b\\")[:-1]
        controls = [part.removeprefix("\x1b_G").partition(";")[0] for part in parts]
        assert controls[0].startswith("a=T,f=100,q=2,c=80,m=")
        assert [control[-1] for control in controls] == ["1"] * (len(parts) - 1) + ["0"]
        pieces = [part.partition(";")[2] for part in parts]
        assert max(map(len, pieces)) <= 4096
        content = "".join(pieces)
    assert standard_b64decode(content) == png


class Terminal(io.StringIO):
    """Standard output that is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_figure_that_is_shown_is_written_only_where_it_was_said(
    drawn: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cdbench.api.figures.by_name import figure_by_name
    from cdbench.store.database import open_for_reading

    monkeypatch.setenv("TERM", "xterm-kitty")
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.delenv("STY", raising=False)
    for output, written in ((None, []), (Path("x.png"), ["x.png"])):
        terminal = Terminal()
        monkeypatch.setattr(sys, "stdout", terminal)
        put = FigureOutput(output, is_shown=True)
        put.put({"curves": figure_by_name(open_for_reading("runs.db"), "curves", [1])})
        assert terminal.getvalue().count("\x1b_Ga=T") == 1
        assert [path.name for path in Path().glob("**/*.png")] == written


def test_where_no_picture_can_be_shown_it_is_written_and_said(drawn: Here) -> None:
    answer = drawn("plot", "curves", "1", "--show")
    assert answer.code == 0
    assert answer.out == f"wrote {Path('figures/curves.png')}\n"
    assert answer.err == "cdbench: not shown: this is no terminal; for a window: --open\n"


# Viewers


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the commands that would have opened files."""
    commands: list[list[str]] = []

    def start(command: list[str], **_: Any) -> None:
        commands.append(command)

    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("CI", raising=False)
    return commands


def test_files_are_opened_with_the_systems_viewer(drawn: Here, opened: list[list[str]]) -> None:
    answer = drawn("plot", "curves", "1", "--open", "--output", "x.svg")
    assert (answer.code, answer.err) == (0, "")
    assert opened == [["/usr/bin/xdg-open", os.path.realpath("x.svg")]]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ("CI", "nobody sees it there (CI is set)"),
        ("DISPLAY", "there is no desktop to open it on"),
        ("which", "there is no xdg-open to open it with"),
    ],
)
def test_what_cannot_be_opened_is_written_and_said_in_one_line(
    drawn: Here,
    opened: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    changed: str,
    reason: str,
) -> None:
    monkeypatch.setenv("CI", "1" if changed == "CI" else "")
    if changed == "DISPLAY":
        monkeypatch.delenv("DISPLAY")
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    if changed == "which":
        monkeypatch.setattr(shutil, "which", lambda _: None)
    answer = drawn("plot", "curves", "1", "--open", "--output", "x.png")
    assert answer.code == 0
    assert Path("x.png").exists()
    assert answer.err.startswith("cdbench: x.png was not opened: ")
    assert reason in answer.err
    assert opened == []
