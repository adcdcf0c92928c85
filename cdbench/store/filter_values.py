"""Values of filters, as users type them: numbers, texts, truths and times."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

Kind = Literal["number", "text", "truth", "time"]
"""What values a column has."""

LARGEST = 2**63 - 1
"""The largest whole number that both databases know."""

_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Word:
    """A value as it was typed, without its quotes."""

    text: str
    is_quoted: bool = False

    @property
    def is_number(self) -> bool:
        """Whether it is written as a number."""
        return re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", self.text) is not None


def value_for(kind: Kind, word: Word) -> Any:
    """Return the value that a word is for a column of a kind.

    Raises
    ------
    ValueError
        If it is none; the message says what the kind is, as in "a number".
    """
    return _READERS[kind](word.text)


def _number(text: str) -> int | float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError("a number") from None
    if number != number:  # nothing is equal to it, or less, or more
        raise ValueError("a number")
    whole = re.fullmatch(r"[+-]?[0-9]+", text) is not None
    return int(text) if whole and abs(number) < LARGEST / 2 else number


def _truth(text: str) -> bool:
    try:
        return _TRUTHS[text.lower()]
    except KeyError:
        raise ValueError("true or false") from None


def _time(text: str) -> datetime:
    """Return the time, UTC; one without a zone is in UTC, as all times of the database."""
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
    except (ValueError, OverflowError):  # in UTC it may be in the year 0 or 10000
        raise ValueError("a time, such as 2026-05-31 or 2026-05-31T12:00") from None


_READERS: dict[Kind, Callable[[str], Any]] = {
    "number": _number,
    "text": str,
    "truth": _truth,
    "time": _time,
}
