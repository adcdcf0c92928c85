"""The pages in docs/: their links lead somewhere, their commands run, their words are explained."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import cdbench
from cdbench.diagnostics.spectra import KINDS
from cdbench.engine.products import PRODUCTS
from cdbench.records.judgement import VERDICTS
from tests.cli_tools import SMALL, for_real, plain_environment

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"(?<!\\)\[[^][]*\]\(([^):#]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_links_lead_to_files(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def without_code(text: str) -> list[str]:
    """Return a page's lines without those of blocks of code, in whose place are blank ones."""
    block = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
    return block.sub("", text).splitlines()


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_the_repository_and_the_site_read_a_page_alike(page: Path) -> None:
    """The site's Markdown wants four blanks where the repository's view is content with two."""
    text = page.read_text(encoding="utf-8")
    assert not re.findall(r"^ {1,3}```", text, re.MULTILINE)
    before = ""
    for line in without_code(text):
        assert not re.match(r" {1,3}([-*]|\d+\.) ", line), line
        if re.match(r"([-*]|\d+\.) ", line):
            assert not before or re.match(r"([-*]|\d+\.) | {2,}", before), line
        if line.startswith("|"):
            assert not before or before.startswith("|"), line
        before = line


@pytest.mark.long
def test_the_commands_about_backups_do_what_the_page_says(tmp_path: Path) -> None:
    assert for_real(tmp_path, "train", *SMALL).code == 0
    page = (ROOT / "docs" / "backups.md").read_text(encoding="utf-8")
    lines = "\n".join(re.findall(r"```sh\n(.*?)```", page, re.DOTALL)).splitlines()
    elsewhere = re.compile(r"$|scp |.*postgresql:")
    here = [line for line in lines if not elsewhere.match(line)]
    assert len(here) == 14
    script = "\n".join(here).replace("sqlite3 ", f"{sys.executable} -c '{SQLITE3}' ")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = plain_environment(PATH=path)
    done = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.glob("*.db")} > {"runs.db", "moved.db", "all.db"}


SQLITE3 = (
    "import sqlite3, sys; connection = sqlite3.connect(sys.argv[1]); "
    "connection.execute(sys.argv[2]); connection.commit()"
)
"""Stands for the shell sqlite3, which need not be installed."""


def test_the_glossary_explains_kinds_products_and_verdicts() -> None:
    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    for verdict in VERDICTS:
        assert f"  - *{verdict}*: " in page
    for kind in KINDS:
        assert f"  - `{kind}`: " in page
    for product in PRODUCTS:
        assert f"`{product}`" in page


def test_the_citation_is_of_this_version() -> None:
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {cdbench.__version__}\n" in text
