"""The user's text, such as names and paths, made safe to show: no control characters."""

import unicodedata

UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of invisible characters, which control a terminal or the direction of text."""

JOINERS = "\u200c\u200d"
"""Exceptions from these categories: characters needed to write some words and emoji."""

LONGEST_MESSAGE = 4000
"""Most characters of a message: a name of 10 kB is cut, so that what to do next stays visible."""


def printable(text: str, keep: str = "") -> str:
    r"""Return text that can be shown: invisible characters are written as Python escapes.

    These are control characters, terminal escapes, marks that change the direction of writing, and
    surrogates for undecodable bytes of a file name.

    Parameters
    ----------
    text : str
        Any text.
    keep : str, optional
        Characters to leave unchanged, such as a line break in text of several lines.

    Examples
    --------
    >>> printable("red\x1b[31m\n")
    'red\\x1b[31m\\n'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character
        if character in keep or character in JOINERS or not _is_unseen(character)
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def shortened(text: str, longest: int = LONGEST_MESSAGE) -> str:
    """Return the text, with its middle left out if it has more than ``longest`` characters.

    Examples
    --------
    >>> shortened("abcdefghij", 5)
    'ab … ij'
    """
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]} … {text[-half:]}"


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in UNSEEN
