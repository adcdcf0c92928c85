"""What the user typed, to be shown and stored without passwords."""

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from cdbench.store.urls import split_option, without_password


def command_line() -> str:
    """Return the command as it was typed, quoted for a shell, without a database's password."""
    words = [Path(sys.argv[0]).name, *map(without_password, sys.argv[1:])]
    return shlex.join(words)


def database_words(arguments: list[str]) -> str:
    """Return `` --db NAME`` as it was typed, for a message that ends with a command to type."""
    for position, word in enumerate(arguments):
        if word == "--db" or word.startswith("--db="):
            typed = arguments[position : position + (2 if word == "--db" else 1)]
            return " " + shlex.join(map(without_password, typed))
    return ""


def without_typed_passwords(message: str) -> str:
    """Return a message without the passwords of typed words and environment variables.

    Only whole words are replaced, so that a password of one letter garbles nothing else.
    """
    variables = [value for name, value in os.environ.items() if name.startswith("CDBENCH_")]
    for word in (*sys.argv[1:], *variables):
        shown = without_password(word)
        if shown != word:
            for typed, masked in _forms(word, shown):
                message = message.replace(typed, masked)
    return message


def _forms(word: str, shown: str) -> Iterator[tuple[str, str]]:
    """Yield the forms in which a word may occur in a message, longest first, and replacements."""
    yield word, shown
    yield repr(word)[1:-1], shown
    value, masked = split_option(word)[1], split_option(shown)[1]
    yield value, masked
    yield repr(value)[1:-1], masked
    path = Path(value)  # this turns two slashes into one
    for folder in (path, *path.parents):
        if ":/" in str(folder):  # text that ends before the authority contains no secret
            yield str(folder), masked
