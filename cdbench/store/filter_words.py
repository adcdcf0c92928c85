"""Filters, as users type them, split into their words."""

import re
from dataclasses import dataclass

_WORDS = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^']|'')*')
      | (?P<name>"(?:[^"]|"")*")
      | (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.:-]))
      | (?P<mark><=|>=|<>|!=|==|!~|[=<>~(),])
      | (?P<word>[^\s'"=<>!~(),]+)
    )""",
    re.VERBOSE,
)

_KEYWORDS = frozenset({"and", "or", "not", "in", "is", "like", "null"})


@dataclass(frozen=True)
class Token:
    """A word: its kind, ``text``, ``name``, ``number``, ``mark``, ``word`` or ``end``."""

    kind: str
    text: str

    @property
    def keyword(self) -> str:
        """The keyword that it is, in small letters, or nothing."""
        folded = self.text.lower()
        return folded if self.kind == "word" and folded in _KEYWORDS else ""


END = Token("end", "")
"""What comes after the last word."""


def split(text: str) -> list[Token]:
    """Return the words of a filter.

    Raises
    ------
    ValueError
        If a quote is not closed.
    """
    tokens: list[Token] = []
    place, end = 0, len(text.rstrip())
    while place < end:
        found = _WORDS.match(text, place)
        if found is None:
            rest = text[place:].strip()
            hint = "; a quote is not closed" if rest[0] in "'\"" else ""
            raise ValueError(f"{rest[:20]} cannot be read{hint}")
        kind = str(found.lastgroup)
        tokens.append(Token(kind, found[kind]))
        place = found.end()
    return tokens
