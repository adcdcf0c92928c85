"""Reading the text of a ``cdbench.toml``, which may not be one."""

import re
import tomllib
from typing import Any

from cdbench.errors import ConfigurationError

MAX_BYTES = 1_000_000
"""Largest file; people write a few hundred bytes, and a file of gigabytes is not ours."""

LONG_KEY = re.compile(
    r"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){16}""", re.ASCII
)
"""A key of many parts, a.b.c and so on: Python's memory use grows with their number squared."""


def document(content: bytes) -> dict[str, Any]:
    """Return the tables of a file.

    Raises
    ------
    ConfigurationError
        If it is too large, or not TOML; the message does not name the file.
    """
    try:
        if len(content) > MAX_BYTES:
            raise ConfigurationError(f"is larger than {MAX_BYTES:,} bytes; expected settings")
        text = content.decode()
        if LONG_KEY.search(text):
            raise ConfigurationError("has a key of more than 16 parts; expected at most three")
        return tomllib.loads(text)
    except ValueError as error:  # not TOML, or not UTF-8
        raise ConfigurationError(" ".join(str(error).split())) from None
    except RecursionError:
        raise ConfigurationError("its brackets go too deep; expected settings") from None
