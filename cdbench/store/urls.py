"""Database URLs: parsed by SQLAlchemy, refused if ambiguous, shown without passwords.

SQLAlchemy accepts nearly anything: it reads ``postgresql://me:p@ss@host/runs`` as having the host
``ss@host``, so that half of a password would be looked up, shown and stored as a host. Such URLs
are refused here, and no message shows their contents.
"""

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from cdbench.errors import StoreError
from cdbench.store.url_checks import PARAMETERS, cut, fault_of, is_secret, kind_and_driver
from cdbench.system.home_folders import expanded

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

EXPECTED = "expected postgresql://user:password@host:port/database, with %40 for an @ in a password"

CONNECTION_WORDS = frozenset({*PARAMETERS, "dbname", "passfile", "service"})
"""The keywords of libpq's other form, ``host=… password=…``."""


def server_url(text: str) -> "URL":
    """Return the URL of a database on a PostgreSQL server.

    Raises
    ------
    StoreError
        If it cannot be read, or has a parameter that is not in PARAMETERS. The message shows no
        part of its values.
    """
    from sqlalchemy.engine import make_url

    fault = fault_of(text)
    if fault is not None:
        raise StoreError(f"the URL of the database cannot be read: {fault}; {EXPECTED}")
    return make_url(text)


def local_path(text: str) -> Path:
    """Return the path of a file, with ~ expanded.

    Raises
    ------
    StoreError
        If there is no such home folder, or the text was meant as a URL or as libpq's keywords,
        which may contain a password.
    """
    if _is_url_without_slashes(text):
        raise StoreError(f"the URL of the database cannot be read: its // is missing; {EXPECTED}")
    if _is_connection_words(text):
        raise StoreError(
            f"the database is neither a path nor a URL, but words with = between them; {EXPECTED}"
        )
    return Path(expanded(text, StoreError))


def without_password(word: str) -> str:
    """Return one word of a command line, with ``***`` for the password of a URL in it.

    A URL that ``server_url`` would refuse is hidden completely if it might contain a password. Any
    other word is returned as it is.

    Parameters
    ----------
    word : str
        A URL, an option with a URL after its equals sign, or anything else.

    Examples
    --------
    >>> without_password("--db=postgresql://me:secret@host/runs?sslmode=require")
    '--db=postgresql://me:***@host/runs?sslmode=require'
    >>> without_password("postgresql://me:p@ss@host/runs")
    'postgresql://***'
    >>> without_password("a:b@c.db")
    'a:b@c.db'
    """
    option, value = split_option(word)
    scheme, separator, _ = value.partition("://")
    if not separator:
        hidden = _is_connection_words(value) or (
            _is_url_without_slashes(value) and _may_hide(value)
        )
        return f"{option}***" if hidden else word
    pieces = cut(value)
    # Of other schemes nobody can tell whether an @ after the ? ends a password.
    if fault_of(value) is None and (pieces.is_server or "@" not in pieces.query):
        return option + pieces.masked()
    if not _may_hide(value):
        return word
    return f"{option}{scheme}://***" if is_scheme(scheme) else f"{option}***"


def split_option(word: str) -> tuple[str, str]:
    """Split ``--db=VALUE`` into ``--db=`` and VALUE; return any other word after an empty text."""
    name, equals, value = word.partition("=")
    return (name + equals, value) if equals and name.startswith("-") else ("", word)


def is_scheme(text: str) -> bool:
    """Return whether a text has the form of a URL's scheme, and so is not part of a password."""
    return text.isascii() and text.replace("+", "").isalnum()


def _may_hide(text: str) -> bool:
    """Return whether a text that is not a valid URL might contain a password."""
    return "@" in text or "pass" in unquote(text).casefold()


def _is_url_without_slashes(text: str) -> bool:
    scheme, colon, _ = text.partition(":")
    return bool(colon) and kind_and_driver(scheme)[0] in ("postgresql", "postgres")


def _is_connection_words(text: str) -> bool:
    """Return whether a text is libpq's ``host=… password=…``; one keyword alone may be a path."""
    words = text.replace("=", " = ").split()
    found = [word for word, equals in pairwise(words) if equals == "="]
    known = [word for word in found if word.casefold() in CONNECTION_WORDS]
    return len(known) > 1 or any(map(is_secret, known))
