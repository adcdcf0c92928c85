"""Passwords in the URLs of databases: they are shown and stored nowhere."""

import re

_IN_ADDRESS = re.compile(r"(\w[\w+.-]{0,40}://[^\s:/@]*):\S*@")
_IN_QUERY = re.compile(r"([?&](?:password|sslpassword)=)[^&\s'\"]*", re.IGNORECASE)


def without_passwords(text: str) -> str:
    """Return a text in which every URL's password is ``***``.

    Examples
    --------
    >>> without_passwords("--db postgresql://me:p@ss:w/rd@host/runs --jobs 2")
    '--db postgresql://me:***@host/runs --jobs 2'
    >>> without_passwords("postgresql://host/runs?user=me&password=secret&sslmode=require")
    'postgresql://host/runs?user=me&password=***&sslmode=require'
    """
    return _IN_QUERY.sub(r"\1***", _IN_ADDRESS.sub(r"\1:***@", text))
