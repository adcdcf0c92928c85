"""The site of mkdocs.yml: every page is in it, its links lead somewhere, it asks no server."""

import json
import os
import re
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.test_browser import CHROMIUM, FOLDER, IS_THERE

pytest.importorskip("mkdocs")

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
NAV = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]


def hooks() -> Any:
    spec = spec_from_file_location("site_hooks", DOCS / "theme" / "hooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_has_its_place_in_the_site_once() -> None:
    generated = [*hooks().BESIDE, hooks().NOTEBOOK[0]]
    listed = re.findall(r"([\w-]+\.\w+)$", NAV, re.MULTILINE)
    assert sorted(listed) == sorted([*(page.name for page in DOCS.glob("*.md")), *generated])


@pytest.mark.parametrize(
    ("written", "folder", "in_the_site"),
    [
        ("[plan](../ARCHITECTURE.md)", "docs", "[plan](ARCHITECTURE.md)"),
        ("[it](../README.md)", "docs", "[it](index.md)"),
        ("[it](../examples/results.ipynb)", "docs", "[it](results.md)"),
        ("[`code`](../examples)", "docs", "`code`"),
        ("[κ](conditions.md#noise-floors)", "docs", "[κ](conditions.md#noise-floors)"),
        ("[κ](docs/conditions.md#the-kinds)", "", "[κ](conditions.md#the-kinds)"),
        ("![Rooms](docs/diagrams/rooms.svg)", "", "![Rooms](diagrams/rooms.svg)"),
        ("[a](#b) [c](https://d.org/e)", "docs", "[a](#b) [c](https://d.org/e)"),
    ],
)
def test_links_out_of_docs_lead_into_the_site_or_become_text(
    written: str, folder: str, in_the_site: str
) -> None:
    assert hooks().relinked(written, folder) == in_the_site


@pytest.mark.parametrize(
    ("written", "in_the_site"),
    [
        ("<p>docs/python.md shows", '<p><a href="python.html">python.md</a> shows'),
        ("<td>(docs/audit-numbers.md)", '<td>(<a href="audit-numbers.html">audit-numbers.md</a>)'),
        ("<pre><code>docs/a.md</code></pre>", "<pre><code>docs/a.md</code></pre>"),
        (
            '<a title="docs/a.md" href="b">docs/a.md</a>',
            '<a title="docs/a.md" href="b">docs/a.md</a>',
        ),
        ("tests/docs/a.md", "tests/docs/a.md"),
    ],
)
def test_a_page_that_a_text_names_is_linked_but_in_code(written: str, in_the_site: str) -> None:
    assert hooks().with_links_to_named_pages(written) == in_the_site


class Page(HTMLParser):
    """What a page of HTML links to, what it loads, and the names in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.names: set[str] = {""}
        self.links: list[str] = []
        self.loads: list[str] = []
        self.images_without_words: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = {name: value or "" for name, value in attrs}
        self.names |= {own[name] for name in ("id", "name") if name in own}
        if tag == "a" and "href" in own:
            self.links.append(own["href"])
        if tag == "link" and own.get("rel") in ("stylesheet", "icon", "preconnect"):
            self.loads.append(own["href"])
        if tag in ("img", "script", "iframe") and "src" in own:
            self.loads.append(own["src"])
        if tag == "img" and not own.get("alt"):
            self.images_without_words.append(own["src"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return folder


@pytest.mark.long
def test_every_link_of_the_site_leads_to_a_place_in_it(site: Path) -> None:
    pages = {path: Page(path) for path in site.glob("*.html") if path.name != "404.html"}
    assert len(pages) > 25
    for path, page in pages.items():
        for link in page.links:
            url = urlsplit(link)
            if url.scheme or link.startswith("."):  # the page's own folder
                continue
            target = path.parent / unquote(url.path) if url.path else path
            assert target.exists(), f"{path.name}: {link}"
            if target in pages:
                assert unquote(url.fragment) in pages[target].names, f"{path.name}: {link}"


@pytest.mark.long
def test_a_page_of_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    for path in site.glob("*.html"):
        page = Page(path)
        assert page.images_without_words == [], path.name
        for loaded in page.loads:
            if loaded.startswith("data:"):
                continue
            assert not urlsplit(loaded).netloc, f"{path.name}: {loaded}"
            if path.name != "404.html":  # its paths are those of a server
                assert (site / urlsplit(loaded).path).exists(), f"{path.name}: {loaded}"
    assert (site / "search" / "search_index.js").exists()


@pytest.mark.long
def test_signatures_fold_as_they_do_wherever_the_site_is_built(site: Path) -> None:
    # mkdocstrings folds them by ruff, and without a word not at all where that is not installed.
    assert (
        '"ruff' in re.findall(r"^docs = .*", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[0]
    )
    text = (site / "api.html").read_text(encoding="utf-8")
    signatures = re.findall(r'<div class="doc-signature highlight">(.*?)</div>', text, re.DOTALL)
    assert len(signatures) > 50
    lines = [
        line for one in signatures for line in unescape(re.sub("<[^>]*>", "", one)).split("\n")
    ]
    assert max(len(line) for line in lines) < 100


@pytest.mark.long
@pytest.mark.skipif(not IS_THERE, reason="needs chromium, node and what make browser installs")
def test_the_search_finds_options_commands_and_words_without_a_network(
    site: Path, tmp_path: Path
) -> None:
    words = {
        "--keep-weights": "models.html#keeping",
        "runs restore": "commands.html#runs-restore",
        "noise floors": "conditions.html#noise-floors",
    }
    done = subprocess.run(
        ["node", "search.mjs", str(site / "index.html"), *words],
        cwd=FOLDER,
        env=os.environ | {"CHROMIUM": str(CHROMIUM), "HOME": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["complaints"] == []
    for query, place in words.items():
        assert place in found["results"][query], query
