"""What the user calls things is shown in every report and figure, and obeyed in none."""

import csv
import io
import json
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from cdbench.plots import save_figure
from cdbench.plots.saving import FORMATS as FIGURE_FORMATS
from cdbench.plots.sheet import Layout, new_sheet
from cdbench.plots.style import Look
from cdbench.reports.formats import Report, render
from cdbench.statistics.averages import deviation, mean, median
from cdbench.system.printable import printable
from tests.cases import for_each
from tests.hostile import HOSTILE, MORE, hostile_or_none, steers

FORMULA_STARTS = ("=", "+", "-", "@")
"""What a spreadsheet takes for the start of a formula, as OWASP lists it."""

PUNCTUATION = re.compile(r"\\([!-/:-@\[-`{-~])")


def reported(*names: str) -> Report:
    return Report(
        title=names[0],
        columns=("Model", "", "κ"),
        rows=[[name, name, "1.0"] for name in names],
        notes=names,
        records=[{"model": name, "κ": -1.5, "n": 3, "none": None} for name in names],
    )


@for_each("form", ["table", "markdown", "latex", "csv", "json"])
@for_each("styled", [False, True])
@hostile_or_none
def test_no_report_steers_a_terminal(form: str, styled: bool, name: str) -> None:
    text = render(reported(name), form, 80, styled=styled)
    bold = text.replace("\x1b[1m", "").replace("\x1b[0m", "") if styled else text
    assert not steers(bold)
    text.encode()


@hostile_or_none
def test_terminal_table_shows_a_name_as_it_is_but_for_what_cannot_be_seen(name: str) -> None:
    lines = [line.rstrip() for line in render(reported(name), "table", 50_000).splitlines()]
    assert printable(name).strip() in lines[-1].strip()
    assert sum(printable(name).strip() in line for line in lines) == 3


def test_a_line_break_in_a_name_makes_no_line_of_its_own() -> None:
    plain = len(render(reported("name"), "table").splitlines())
    assert len(render(reported("a\ncdbench: b"), "table").splitlines()) == plain
    plain = len(render(reported("name"), "markdown").splitlines())
    assert len(render(reported("a\n\n# b"), "markdown").splitlines()) == plain


@hostile_or_none
def test_markdown_shows_a_name_and_obeys_nothing_in_it(name: str) -> None:
    text = render(reported(name), "markdown")
    title, _, _, _, row, _, note = text.splitlines()
    shown = printable(name).strip()
    for place in (title[2:-2], row.split(" | ")[0][2:] if "|" not in name else None, note):
        if place is not None:
            assert PUNCTUATION.sub(r"\1", place) == shown
            bare = PUNCTUATION.sub("", place)
            assert not re.search(r"[<`*_\[&~$]|://|www\.", bare)
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == 4
    assert not re.match(r"[#>+-]|\d+[.)]|=", note)


@hostile_or_none
def test_csv_has_no_formula_and_keeps_numbers(name: str) -> None:
    (row,) = csv.DictReader(io.StringIO(render(reported(name), "csv")))
    assert not row["model"].startswith(FORMULA_STARTS)
    shown = printable(name)
    guarded = name.startswith((*FORMULA_STARTS, "\t", "\r", "\n"))
    assert row["model"] == ("'" + shown if guarded else shown)
    assert (row["κ"], row["n"], row["none"]) == ("-1.5", "3", "")


BLANKS = (
    *(" ", "\t", "\x0b", "\x00", "\x1b", "\x85", "\xa0", "\u1680", "\u2003", "\u2028", "\u3000"),
    *("\u200b", "\u200d", "\u202e", "\u2060", "\ufeff", "\u00ad", "\u034f", "\ufe0f", "\udcff"),
    *("\u115f", "\u2800", "\u3164", "\uffa0", "\U000e0020", " \u3000\u200b "),
)
"""What a spreadsheet may drop from the start of a cell, or what the eye does not see there."""


@pytest.mark.parametrize("start", [*FORMULA_STARTS, *"＝＋－＠", *"﹦﹢﹣﹫", "⁺", "₌"])
def test_csv_has_no_formula_behind_blanks_or_in_full_width(start: str) -> None:
    for blank in ("", *BLANKS):
        for name, guard in (
            (f"{blank}{start}1+1", "'"),
            (f"{blank}x{start}1", "'" * (blank == "\t")),
        ):
            (row,) = csv.DictReader(io.StringIO(render(reported(name), "csv")))
            assert row["model"] == guard + printable(name)


@hostile_or_none
def test_json_gives_a_name_back_exactly(name: str) -> None:
    document = json.loads(render(reported(name), "json"))
    assert document["records"][0]["model"] == document["title"] == document["notes"][0] == name


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_latex_of_hostile_names_compiles_and_obeys_none(tmp_path: Path) -> None:
    names = [name[:200] for name in (*HOSTILE.values(), *MORE.values())]
    # A float holds a page: each name is in a cell, a few are title and notes.
    report = reported(*names[-8:])
    pages = [reported(*names[start : start + 8]) for start in range(0, len(names), 8)]
    bodies = [render(page, "latex").split(r"\begin{document}")[1] for page in [report, *pages]]
    head = render(report, "latex").split(r"\begin{document}")[0]
    body = "".join(body.replace(r"\end{document}", "") for body in bodies)
    (tmp_path / "t.tex").write_text(
        head + r"\begin{document}" + body + r"\end{document}", encoding="utf-8"
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"],
        cwd=tmp_path, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    log = (tmp_path / "t.log").read_text(encoding="utf-8", errors="replace")
    assert done.returncode == 0, log[-3000:]
    for trouble in ("Undefined control", "LaTeX Error", "Missing character", "passwd)"):
        assert trouble not in log
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".aux", ".log", ".pdf", ".tex"]


@hostile_or_none
def test_a_figure_of_a_hostile_name_is_well_formed(tmp_path: Path, name: str) -> None:
    figure, _ = new_sheet({"dense": Look("#111111", "-", "o")}, "title", name, Layout(1, 1))
    path = tmp_path / "sheet.svg"
    save_figure(figure, path)
    ET.parse(path)
    assert not steers(path.read_text(encoding="utf-8"))


@pytest.mark.long
@pytest.mark.parametrize("form", FIGURE_FORMATS)
def test_every_format_takes_every_hostile_name(tmp_path: Path, form: str) -> None:
    short = " ".join(name[:12] for name in (*HOSTILE.values(), *MORE.values()))
    for name in (short[:170], short[170:], "$x_$", "x" * 10_000, "a\nb" * 99):
        figure, _ = new_sheet({"dense": Look("#111111", "-", "o")}, "title", name, Layout(1, 1))
        assert save_figure(figure, tmp_path / f"sheet.{form}")
        assert (tmp_path / f"sheet.{form}").stat().st_size > 1000


def test_numbers_at_the_ends_of_floating_point_are_averaged_without_overflow() -> None:
    assert mean([1.7e308] * 3) == pytest.approx(1.7e308)
    assert median([1.7e308, 1.7e308]) == 1.7e308
    assert deviation([1.7e308, 0.0]) == pytest.approx(0.85e308)
    assert mean([5e-324] * 2) == median([5e-324] * 2) == 5e-324
    assert mean([float("inf"), 1.0]) == float("inf")
