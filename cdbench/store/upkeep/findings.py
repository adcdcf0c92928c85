"""What checks find: one line each, with a count, an example and what to do next."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from cdbench.store.upkeep.streaming import Reader

RETRAIN = "restore a backup, or delete them and train them again"


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, or only worth knowing.

    Attributes
    ----------
    what : str
        What it is, and how many there are.
    example : str
        Where one of them is; empty if ``what`` says so.
    remedy : str
        What to do next; empty if nothing has to be done and it is only worth knowing.
    """

    what: str
    example: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        """Return the finding as one line."""
        example = f" ({self.example})" if self.example else ""
        return f"{self.what}{example}{f'; {self.remedy}' if self.remedy else ''}"


@dataclass(frozen=True)
class Checked:
    """A database that is being checked.

    Attributes
    ----------
    reader : Reader
        A transaction in it.
    is_newest : bool
        Whether its schema is the newest; with an older one, not everything can be checked.
    tables : set of str
        Those of our tables that it has with all their present columns.
    """

    reader: Reader
    is_newest: bool
    tables: frozenset[str]

    @property
    def connection(self) -> Connection:
        """The transaction."""
        return self.reader.connection


Check = Callable[[Checked], Iterator[Finding]]


def counted(count: int, one: str, many: str) -> str:
    """Return ``1 run has`` or ``3 runs have``.

    Examples
    --------
    >>> counted(1, "run has", "runs have"), counted(1200, "run has", "runs have")
    ('1 run has', '1,200 runs have')
    """
    return f"{count:,} {one if count == 1 else many}"


class Tally:
    """Counts each kind of fault, and keeps the first of each kind as an example."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._examples: dict[str, tuple[int, str]] = {}

    def add(self, what: str, key: int, detail: str = "") -> None:
        """Count one more fault."""
        self._counts[what] = self._counts.get(what, 0) + 1
        self._examples.setdefault(what, (key, detail))

    def findings(self, one: str, many: str) -> Iterator[Finding]:
        """Yield one finding for each kind of fault."""
        for what, count in self._counts.items():
            key, detail = self._examples[what]
            example = f"{one} {key}{f': {detail}' if detail else ''}"
            yield Finding(f"{counted(count, one, many)}: {what}", example, RETRAIN)
