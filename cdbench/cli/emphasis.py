"""Bold, faint and coloured words, on a terminal only; with NO_COLOR they have no colour."""

import os
import sys


def bold(words: str) -> str:
    """Return words in bold, as headings are."""
    return _marked(words, "1")


def faint(words: str) -> str:
    """Return words with less contrast, as what may be passed over."""
    return _marked(words, "2")


def coloured(words: str) -> str:
    """Return words in colour, as what is to be typed."""
    return words if os.environ.get("NO_COLOR") else _marked(words, "36")


def _marked(words: str, code: str) -> str:
    shown = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    return f"\x1b[{code}m{words}\x1b[0m" if shown else words
