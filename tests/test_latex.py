"""The LaTeX of a report compiles as it stands."""

import re
import shutil
import subprocess

import pytest

from tests.cli_tools import Here, copy_paper_database

MOST_OVERFULL_PT = 5.0


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
@pytest.mark.parametrize("extra", ["", "--B 1 3 4 5 7 8", "--B 1 --seeds 0"])
def test_the_latex_of_table1_compiles_as_it_stands(
    here: Here, tmp_path_factory: pytest.TempPathFactory, extra: str
) -> None:
    copy_paper_database(tmp_path_factory, here.folder)
    words = ("report", "--table1", "--format", "latex", "--output", "table1.tex", *extra.split())
    assert here(*words).code == 0
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table1.tex"],
        cwd=here.folder,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=60,
        check=False,
    )
    log = (here.folder / "table1.log").read_text(encoding="utf-8", errors="replace")
    assert done.returncode == 0, log
    assert (here.folder / "table1.pdf").read_bytes().startswith(b"%PDF")
    for trouble in ("Undefined control sequence", "LaTeX Error", "Missing character"):
        assert trouble not in log
    overfull = [float(width) for width in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]
    assert max(overfull, default=0.0) <= MOST_OVERFULL_PT
