"""The LaTeX of a report compiles as it stands."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cdbench.reports.escaping import latex_numbers
from cdbench.reports.formats import Report
from cdbench.reports.latex import PAGE, latex_document
from tests.cli_tools import Here, copy_paper_database
from tests.released import released_database
from tests.test_report_kinds import ASKED as REPORTS

MOST_OVERFULL_PT = 5.0


def compile_there(folder: Path, name: str) -> None:
    """Compile a document, and look at what TeX says of it."""
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", name],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=60,
        check=False,
    )
    path = (folder / name).with_suffix(".log")
    log = path.read_text(encoding="utf-8", errors="replace")
    assert done.returncode == 0, log
    assert path.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    for trouble in ("Undefined control sequence", "LaTeX Error", "Missing character"):
        assert trouble not in log
    assert "Float too large" not in log
    overfull = [float(width) for width in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]
    assert max(overfull, default=0.0) <= MOST_OVERFULL_PT


NEEDS_LATEX = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")


@NEEDS_LATEX
@pytest.mark.parametrize("extra", ["", "--B 1 3 4 5 7 8", "--B 1 --seeds 0"])
def test_the_latex_of_table1_compiles_as_it_stands(
    here: Here, tmp_path_factory: pytest.TempPathFactory, extra: str
) -> None:
    copy_paper_database(tmp_path_factory, here.folder)
    words = ("report", "--table1", "--format", "latex", "--output", "table1.tex", *extra.split())
    assert here(*words).code == 0
    compile_there(here.folder, "table1.tex")


@pytest.mark.long
@NEEDS_LATEX
@pytest.mark.parametrize("asked", REPORTS)
def test_the_latex_of_every_report_compiles_as_it_stands(here: Here, asked: str) -> None:
    words = ("report", *asked.split(), "--db", str(released_database()))
    assert here(*words, "--output", "report.tex").code == 0
    compile_there(here.folder, "report.tex")


CELLS = ["94.67 ± 2.11 (1.0 … 2.0)*", "9.5 ± 12.11 (1.0 … 2.0)**", "8.25", "–"]
"""Numbers with what may follow one."""


def numbers_only(cells: Sequence[str], **more: Any) -> Report:
    return Report(
        "Title · x", ["Model", "κ"], [["a--b", cell] for cell in cells], (), [], 1, **more
    )


def test_what_follows_a_number_takes_equal_room_in_every_row() -> None:
    shown = latex_document([numbers_only(CELLS)])
    for cell in CELLS:
        assert latex_numbers(cell) in shown
    assert "8.25\\phantom{" in shown
    pads = re.findall(r"\\phantom\{(.*)\} \\\\", shown)
    zeros = [pad.count("0") for pad in pads]
    assert zeros == [1, 8]  # one digit of the deviation, and all digits of a whole tail
    assert "a-{}-b" in shown


def test_a_table_has_the_caption_and_the_label_that_are_asked_for(here: Here) -> None:
    plain = latex_document([numbers_only(["1"])])
    assert r"\caption{Title $\cdot$ x}" in plain
    assert r"\label{tab:title}" in plain
    own = latex_document([numbers_only(["1"], caption="50 % of it", label="tab:own")])
    assert r"\caption{50 \% of it}" in own
    assert r"\label{tab:own}" in own
    answer = here("report", "--table1", "--caption", "x")
    assert answer.err.startswith("cdbench: --caption and --label are of --format latex, not table")
    answer = here("report", "--table1", "--output", "x.tex", "--label", "a}b")
    assert "--label a}b: " in answer.err


def test_a_long_table_goes_on_over_pages() -> None:
    shown = latex_document([numbers_only(["1"] * (PAGE + 1)), numbers_only(["2"])])
    assert shown.count(r"\begin{longtable}") == shown.count(r"\usepackage{longtable}") == 1
    assert shown.count(r"\begin{tabular}") == shown.count(r"\begin{document}") == 1
