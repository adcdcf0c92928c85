"""Text that may stand in a page of HTML, and how any other text becomes so."""

import re
from html import escape

from cdbench.system.printable import printable, shortened

LONGEST = 2000
"""Most letters of a text from the database; a name of 10 kB would bury the rest."""


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def html(text: str) -> Markup:
    r"""Return any text as HTML: escaped, without control characters, and not too long.

    Parameters
    ----------
    text : str
        Words of ours, of a user or of a database; what is Markup stays as it is.

    Examples
    --------
    >>> html("a < b\x1b"), html(Markup("<b>a</b>"))
    ('a &lt; b\\x1b', '<b>a</b>')
    """
    if isinstance(text, Markup):
        return text
    return Markup(escape(shortened(printable(text), LONGEST)))


def code(text: str) -> Markup:
    """Return lines that can be copied, whole, however long they are."""
    return Markup(escape(printable(text, keep="\n")))


def join(*parts: str) -> Markup:
    """Return parts of a page as one, a line each; those that are no Markup are escaped."""
    return Markup("\n".join(html(part) for part in parts if part))


def identifier(name: str) -> str:
    """Return a name in letters that the ``id`` of an element can have.

    Examples
    --------
    >>> identifier("released, size 0.25")
    'released-size-0-25'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "nameless"


def paragraphs(sentences: "tuple[str, ...] | list[str]", kind: str = "") -> Markup:
    """Return a paragraph for each of some sentences, of a class if one is named."""
    opening = f'<p class="{kind}">' if kind else "<p>"
    return join(*(Markup(f"{opening}{html(sentence)}</p>") for sentence in sentences if sentence))
