"""What a section of the page gives: itself, what the summary says of it, and what is missing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdbench.errors import MissingResultsError

if TYPE_CHECKING:
    from cdbench.reports.html.markup import Markup
    from cdbench.reports.html.page import Section
    from cdbench.store.database import Database


@dataclass(frozen=True)
class Gathered:
    """A section, or why there is none.

    Attributes
    ----------
    section : Section or None
        None where the database has nothing for it.
    finding : Markup or str
        What the summary says of it; empty for nothing.
    missing : str
        What is missing, with the command that makes it; empty where nothing is.
    """

    section: "Section | None" = None
    finding: "Markup | str" = ""
    missing: str = ""


def without(database: "Database", what: str, error: MissingResultsError) -> Gathered:
    """Return that something is not in a database, in the words of the error that says so.

    The name of the database, which may be a path of the machine, is left out.
    """
    reason = str(error).removeprefix(f"{database.name}: ")
    return Gathered(missing=f"{what}: {reason}.")


def first_sentences(words: Sequence[str]) -> str:
    """Return the first sentence of each of some paragraphs.

    Examples
    --------
    >>> first_sentences(["It is 97.5 %. More follows.", "So is this."])
    'It is 97.5 %. So is this.'
    """
    return " ".join(re.split(r"(?<=\.)\s+(?=[A-Z])", own, maxsplit=1)[0] for own in words)
