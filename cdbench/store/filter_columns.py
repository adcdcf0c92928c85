"""The columns that runs can be filtered, sorted and listed by."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from sqlalchemy import ColumnElement, Select, not_, true

from cdbench.errors import ConfigurationError
from cdbench.store.filter_values import Kind

Test = Callable[[Any], Any]


@dataclass(frozen=True)
class FilterColumn:
    """A column that may be asked for.

    Attributes
    ----------
    name : str
        As users type it.
    expression : ColumnElement
        What it is in a query.
    kind : {"number", "text", "truth", "time"}
        What its values are.
    rows : Select, optional
        Of what a run has several of, such as tags: the query for those of the run of the query
        around it, in which the expression is a column. Without, a run has one value, or none.
    """

    name: str
    expression: ColumnElement[Any]
    kind: Kind
    rows: Select[Any] | None = None

    @property
    def is_many(self) -> bool:
        """Whether a run may have several."""
        return self.rows is not None

    def has(self, test: Test, *, no: bool) -> ColumnElement[bool]:
        """Return that its value, or one of its values, passes a test, or that it does not."""
        if self.rows is None:
            return not_(test(self.expression)) if no else test(self.expression)
        passing = self.rows.where(test(self.expression)).exists()
        return not_(passing) if no else passing

    def is_missing(self, *, no: bool) -> ColumnElement[bool]:
        """Return that there is no value, or that there is one."""
        if self.rows is not None:
            return self.rows.exists() if no else not_(self.rows.exists())
        return self.expression.is_not(None) if no else self.expression.is_(None)

    def is_in(self, values: Sequence[Any], *, no: bool) -> ColumnElement[bool]:
        """Return that it is one of some values, or none of them."""
        return self.has(lambda own: own.in_(values), no=no)

    def is_like(self, pattern: str, *, no: bool) -> ColumnElement[bool]:
        r"""Return that it fits a pattern, of any case: % is any text, _ a character, \ quotes."""
        return self.has(lambda own: own.ilike(pattern, escape="\\"), no=no)

    def is_true(self) -> ColumnElement[bool]:
        """Return that it, a truth, is true."""
        return self.expression.is_(true())


def unknown_column(name: str, columns: Iterable[str], place: str) -> ConfigurationError:
    """Return the error for a name that is no column, with the nearest one."""
    folded = {column.casefold(): column for column in columns}
    nearest = get_close_matches(name.casefold().replace("-", "_"), folded, n=1, cutoff=0.6)
    meant = f"; did you mean {folded[nearest[0]]}?" if nearest else ""
    return ConfigurationError(
        f"{place}there is no column {name!r}{meant} (to see all: cdbench runs list --columns all)"
    )
