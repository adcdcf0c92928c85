"""What MkDocs is to do with pages that people also read in the repository.

Pages beside docs/ become pages of the site, and so does the notebook in examples/. Links out of
docs/ lead to those, or stay plain text: the site does not hold the source.
"""

import posixpath
import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))
from notebooks import notebook_markdown

ROOT = Path(__file__).parents[2]
NOTEBOOK = ("results.md", ROOT / "examples" / "results.ipynb")
BESIDE = ("ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md")
"""Pages of the repository's top level that the site has too."""

PLACES = {name: name for name in BESIDE} | {
    "README.md": "index.md",
    "examples/results.ipynb": NOTEBOOK[0],
}
LINK = re.compile(r"(?<!\\)\[([^][]*(?:\[[^][]*\])?[^][]*)\]\(([^()\s:#]+)(#[^()\s]*)?\)")

NAMED_PAGE = re.compile(
    r"<(pre|code|a|h\d)\b.*?</\1>|<[^>]*>|(?<![\w/.])docs/(?P<name>[\w-]+)\.md\b", re.DOTALL
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in docs/."""
    files.append(File.generated(config, NOTEBOOK[0], content=notebook_markdown(NOTEBOOK[1])))
    for name in BESIDE:
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, name, content=relinked(text, "")))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Mend the links of a page in docs/."""
    uri = page.file.src_uri
    return markdown if uri in (*BESIDE, NOTEBOOK[0]) else relinked(markdown, "docs")


def on_page_content(html: str, page: Any, **_: Any) -> str:
    """Link the pages that a text names by their path; mend the choices of docstrings.

    Those have hyphens, which were read as differences.
    """
    if page.file.src_uri == "api.md":
        html = re.sub(r"<code>\([^<]*\)</code>", lambda match: match[0].replace(" - ", "-"), html)
    return with_links_to_named_pages(html)


def with_links_to_named_pages(html: str) -> str:
    """Return a page where each ``docs/NAME.md`` in its text, which is not code, is a link."""

    def link(match: "re.Match[str]") -> str:
        name = match["name"]
        return f'<a href="{name}.html">{name}.md</a>' if name else match[0]

    return NAMED_PAGE.sub(link, html)


def relinked(text: str, folder: str) -> str:
    """Return a page's text with links that are right in the site.

    Parameters
    ----------
    text : str
        Markdown, with links as they are right in the repository.
    folder : str
        The page's folder in the repository: ``docs``, or nothing.

    Returns
    -------
    str
        The same, where links to files that the site lacks are only their text.
    """

    def link(match: "re.Match[str]") -> str:
        words, target, anchor = match[1], match[2], match[3] or ""
        path = posixpath.normpath(posixpath.join(folder, target))
        if path.startswith("docs/"):
            return f"[{words}]({path.removeprefix('docs/')}{anchor})"
        place = PLACES.get(path)
        return f"[{words}]({place}{anchor})" if place else words

    return LINK.sub(link, text)
