"""``cdbench report --html``: one page, whole, well formed, and of what the database holds alone."""

import re
import shlex
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest import mock

import pytest

from cdbench.api.report_page.whole import report_page
from cdbench.plots.shades import turned
from cdbench.plots.sheet import ONE_ROW, new_sheet
from cdbench.plots.style import GRID, INK, QUIET, Look, all_looks
from cdbench.plots.svg import page_svg
from cdbench.records.run import FAILED, Run
from cdbench.reports.formats import Report
from cdbench.reports.html.claims import ClaimInFull, in_full
from cdbench.reports.html.figure import Drawing
from cdbench.reports.html.markup import html
from cdbench.reports.html.page import Section, page
from cdbench.reports.html.svg import inline
from cdbench.reports.html.table import Source, Table
from cdbench.reports.html.themes import DARK, LIGHT
from cdbench.store import page_queries
from cdbench.store.database import Database, open_for_reading, open_for_writing
from cdbench.store.free_queries import answer
from cdbench.store.record import record_run
from cdbench.system.printable import printable
from tests.cases import for_each
from tests.cli_tools import Here, copy_paper_database
from tests.hostile import HOSTILE, hostile_or_none, steers
from tests.pages import Page, contrast, faults, rows_of, undrawn

__all__ = ["undrawn"]

LEGEND = {"a line": Look("#111111", "-", "o")}


def test_the_page_of_the_papers_runs_is_whole_and_says_what_is_not_there(paper_path: Path) -> None:
    database = open_for_reading(str(paper_path))
    text = report_page(database)
    assert faults(text) == []
    assert report_page(database) == text
    found = Page(text)
    headings = [own.words() for own in found.root.all("h2")]
    assert headings == ["Table 1", "Models and runs", "Environments", "Not in this database"]
    assert len(found.root.all("svg")) == 3
    assert "15 of 15 published cells are equal" in found.named("content").words()
    for command in (
        "cdbench audit",
        "cdbench compare",
        "cdbench compare --study NAME",
        "cdbench bench",
    ):
        assert command in found.named("missing").words()
    assert str(paper_path.parent) not in text


SCORES = {"completed": r"\d+\.\d\d %", "failed": "–", "regression": "−0.1234"}


@pytest.mark.parametrize("kind", SCORES)
def test_a_few_runs_of_any_kind_make_a_page_on_every_database(
    database: Database, tiny_run: Callable[..., Run], kind: str, undrawn: None
) -> None:
    run = tiny_run()
    if kind == "regression":
        scored = [replace(one, test_accuracy=None, test_r2=-0.1234) for one in run.epochs]
        run = replace(run, epochs=tuple(scored))
    if kind == "failed":
        run = replace(run, status=FAILED, error="Traceback\n  ...\nValueError: <b>", epochs=())
    record_run(database, run)
    text = report_page(database)
    assert faults(text) == []
    found = Page(text)
    for sql in found.queries():
        answer(database, sql)
    (row,) = rows_of(found, "t-runs")
    assert kind != "failed" or row[5] == "failed: ValueError: <b>"
    assert re.fullmatch(SCORES[kind], row[7])
    assert "Table 1 needs 9 runs" in found.named("missing").words()


def test_the_page_says_how_many_runs_and_models_it_leaves_out_and_how_to_see_all(
    here: Here, tiny_run: Callable[..., Run], undrawn: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = open_for_writing("runs.db")
    for rate in (0.1, 0.2, 0.3):
        record_run(database, tiny_run(learning_rate=rate))
    whole = Page(report_page(database)).named("runs").words()
    assert "Not shown" not in whole
    for name, most in (("seeded_models", 1), ("newest_runs_of_all", 2)):
        read = partial(getattr(page_queries, name), most=most)
        monkeypatch.setattr(f"cdbench.api.report_page.others.{name}", read)
    told = Page(report_page(database)).named("runs").words()
    for kind, title, left in (
        ("models", "The 1 models with most seeds, of 3", "Not shown: 2 others"),
        ("runs", "The newest 2 of 3 runs", "Not shown: 1 older"),
    ):
        assert title in told
        found = re.search(rf"{left}; all of them: cdbench (.*?{kind}.*?(--format csv|0))", told)
        assert found, told
        answered = here(*shlex.split(found[1]))
        assert (answered.code, answered.out.count("cdlinear B=2")) == (0, 3)


@hostile_or_none
def test_the_page_shows_a_name_and_obeys_nothing_in_it(name: str) -> None:
    report = Report(name, ("Model", "", "κ"), [[name, name, name], []], [name], [], lead=[name])
    claim = ClaimInFull(name, name, 1, "holds", name, [(name, name)], f"SELECT {name}")
    parts = [Table("t", report, Source(name, name), {1: name}).html(), in_full([claim])]
    text = page(name, name, html(name), [Section("s", name, parts)])
    assert faults(text) == []
    assert not steers(text.replace("\n", ""))
    text.encode()
    found = Page(text)
    assert [own.tag for own in found.root.all("script", "b", "a", "img")] == [*("a" * 4), "script"]
    shown = printable(name)
    if len(shown) < 1000:
        assert found.root.all("h1")[0].words() == shown
        assert found.named("t").all("td")[0].words() == shown
        assert found.named("t-c").words() == shown


@for_each("name", [HOSTILE[kind] for kind in ("HTML", "XML", "entity", "escape", "mathematics")])
def test_a_figure_shows_a_name_and_obeys_nothing_in_it(name: str) -> None:
    figure, panels = new_sheet({name: LEGEND["a line"]}, name[:60], name, ONE_ROW)
    panels[0].annotate(name, (0, 0), parse_math=False)
    drawn = Drawing("fig", page_svg(figure), name, name).html()
    text = page("x", "y", html(""), [Section("s", "s", [drawn])])
    assert faults(text) == []
    assert [own.tag for own in Page(text).root.all("script", "a", "image")] == [
        *("a" * 4),
        "script",
    ]


def test_the_database_and_its_page_are_told_of_no_machine(
    tmp_path_factory: pytest.TempPathFactory, here: Here
) -> None:
    copy_paper_database(tmp_path_factory, here.folder)
    shutil.copy(here.folder / "runs.db", here.folder / "<script>x.db")
    done = here("report", "--html", "page.html", "--db", "<script>x.db")
    assert (done.code, done.out) == (0, "wrote page.html, 0.1 MB\n")
    text = (here.folder / "page.html").read_text(encoding="utf-8")
    assert Page(text).root.all("h1")[0].words() == "<script>x.db"
    assert str(here.folder) not in text


@for_each(
    "target, line",
    [
        ("page.pdf", "--html page.pdf: the page is HTML; expected a name in .html"),
        ("none/page.html", "--html none/page.html: cannot be written (No such file or directory)"),
    ],
)
def test_what_cannot_be_the_pages_file_is_said_before_the_work(
    tmp_path_factory: pytest.TempPathFactory, here: Here, target: str, line: str
) -> None:
    copy_paper_database(tmp_path_factory, here.folder)
    with mock.patch("cdbench.api.report_page.whole.report_page", side_effect=AssertionError):
        done = here("report", "--html", target)
    assert (done.out, done.err) == ("", f"cdbench: {line}\n")
    assert done.code


@for_each("words", ["--name nothing", "--study nothing"])
def test_a_comparison_or_study_that_is_not_there_is_an_error(
    tmp_path_factory: pytest.TempPathFactory, here: Here, words: str
) -> None:
    copy_paper_database(tmp_path_factory, here.folder)
    done = here("report", "--html", "page.html", *words.split())
    assert done.code
    assert not (here.folder / "page.html").exists()


def test_figures_of_one_page_share_no_name_and_take_the_pages_colours() -> None:
    figure, (left, _) = new_sheet(LEGEND, "A", "B", ONE_ROW)
    left.plot([0, 1], [0, 1], color="#0072b2", marker="o", markeredgecolor="white")
    svg = page_svg(figure)
    one, other = inline(svg, "a", "A", "A"), inline(svg, "b", "B", "B")
    assert len(one) < 0.6 * len(svg)
    assert {*re.findall(r'id="([^"]*)"', one)}.isdisjoint(re.findall(r'id="([^"]*)"', other))
    assert {*re.findall(r"\.(\S+?)\{", one)}.isdisjoint(re.findall(r"\.(\S+?)\{", other))
    assert "var(--figure-0072b2, #0072b2)" in one
    assert not re.search(r":#[0-9a-f]{6}", one)
    assert ">A<" in one


SMALL_TEXT, LARGE_MARKS = 4.5, 3.0


@for_each("theme", [LIGHT, DARK])
def test_every_text_stands_out_from_its_ground(theme: dict[str, str]) -> None:
    for ink in ("ink", "quiet", "link", "same", "other"):
        for ground in ("page", "raised"):
            assert contrast(theme[ink], theme[ground]) >= SMALL_TEXT, (ink, ground)
    for verdict in ("reproduced", "holds", "holds-if", "not-supported", "contradicted"):
        assert contrast(theme[verdict], theme[f"{verdict}-on"]) >= SMALL_TEXT, verdict
    assert LIGHT.keys() == DARK.keys()


def test_the_colours_of_figures_are_seen_on_the_dark_page() -> None:
    for look in all_looks()[:18]:
        assert contrast(turned(look.color), DARK["page"]) >= LARGE_MARKS, look
    assert contrast(turned(INK), DARK["page"]) >= 7
    assert contrast(turned(QUIET), DARK["page"]) >= SMALL_TEXT
    assert contrast(turned(GRID), DARK["page"]) < 2
