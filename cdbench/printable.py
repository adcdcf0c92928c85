"""Text of the user's own, such as names and paths, made safe to show: no control characters."""

import unicodedata

UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of characters that steer a terminal or a reader's eye instead of being seen."""

JOINERS = "\u200c\u200d"
"""Of those categories, but part of how words and emoji are written."""

LONGEST_MESSAGE = 4000
"""Characters of a message; a name of 10 kB is cut so that what to do next is still in sight."""


def printable(text: str, keep: str = "") -> str:
    r"""Return text that can be shown: what cannot be seen is written as Python writes it.

    Control characters, terminals' escapes, marks that turn the direction of writing, and the
    surrogates that stand for undecodable bytes of a file name.

    Parameters
    ----------
    text : str
        Any text.
    keep : str, optional
        Characters to leave as they are, such as a line break where lines are meant.

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
    """Return the text, its middle left out where it is longer than that many characters.

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
