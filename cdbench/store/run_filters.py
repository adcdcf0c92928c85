"""Filters of runs as users type them, such as ``B > 3 and seed < 5``, made into SQL expressions.

A filter is never put into the text of a query: its names are looked up among the columns that may
be asked for, and its values are bound.

::

    filter      = alternative {"or" alternative}
    alternative = part {"and" part}
    part        = "not" part | "(" filter ")" | operand [test]
    test        = compare operand | "is" ["not"] "null"
                | ["not"] ("in" "(" operand {"," operand} ")" | "like" operand) | "~" operand
    compare     = "=" | "==" | "!=" | "<>" | "<" | "<=" | ">" | ">="
    operand     = a column, a number, 'text', or a word
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, not_, or_

from cdbench.errors import ConfigurationError
from cdbench.store.filter_columns import FilterColumn, unknown_column
from cdbench.store.filter_values import Word, value_for
from cdbench.store.filter_words import END, Token, split

LONGEST = 2000
"""Characters of a filter; SQLite's expressions may not be deep without end."""

DEEPEST = 50
"""Brackets and "not" around one another."""

_COMPARE: dict[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "=": lambda one, other: one == other,
    "==": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "<>": lambda one, other: one != other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}

_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
"""What is said of the right side where a comparison is said of the left one."""

_OPPOSITE = {"!=": "=", "<>": "=", "!~": "~"}


def parsed_filter(text: str, columns: Mapping[str, FilterColumn]) -> ColumnElement[bool]:
    """Return the SQL expression that a filter means.

    As in SQL, a comparison with what is missing is neither true nor false, so that ``B != 3`` finds
    no run without a B. Texts are compared as they are by ``=``, and whatever their case by ``like``
    and by ``~``, which means "contains".

    Parameters
    ----------
    text : str
        The filter.
    columns : mapping of str to FilterColumn
        What may be asked for, by name.

    Raises
    ------
    ConfigurationError
        If it is not a filter; the message says where, and what was expected.
    """
    return _Parser(text, columns).parsed()


class _Parser:
    def __init__(self, text: str, columns: Mapping[str, FilterColumn]) -> None:
        self._text, self._columns = text, columns
        self._folded = {name.casefold(): name for name in columns}
        self._depth = 0
        if len(text) > LONGEST:
            raise ConfigurationError(
                f"--where: {len(text):,} characters; expected at most {LONGEST:,}"
            )
        try:
            self._tokens = split(text)
        except ValueError as error:
            raise self._error(str(error)) from None
        self._place = 0

    def parsed(self) -> ColumnElement[bool]:
        if not self._tokens:
            raise self._error("expected a filter")
        found = self._filter()
        if self._next is not END:
            raise self._error(f"expected and, or, or the end, not {self._next.text}")
        return found

    def _error(self, words: str) -> ConfigurationError:
        return ConfigurationError(
            f"--where {self._text.strip()!r}: {words}; for example: --where 'B > 3 and seed < 5'"
        )

    @property
    def _next(self) -> Token:
        return self._tokens[self._place] if self._place < len(self._tokens) else END

    def _take(self) -> Token:
        token = self._next
        self._place += 1
        return token

    def _took(self, *words: str) -> bool:
        """Take the next token if it is one of these keywords or marks."""
        token = self._next
        here = token.keyword or (token.text if token.kind == "mark" else "")
        if here not in words:
            return False
        self._place += 1
        return True

    def _expect(self, mark: str) -> None:
        if not self._took(mark):
            raise self._error(f"expected {mark} {self._where()}")

    def _where(self) -> str:
        return "at the end" if self._next is END else f"before {self._next.text}"

    def _filter(self) -> ColumnElement[bool]:
        parts = [self._alternative()]
        while self._took("or"):
            parts.append(self._alternative())
        return or_(*parts) if parts[1:] else parts[0]

    def _alternative(self) -> ColumnElement[bool]:
        parts = [self._part()]
        while self._took("and"):
            parts.append(self._part())
        return and_(*parts) if parts[1:] else parts[0]

    def _part(self) -> ColumnElement[bool]:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._error(f"more than {DEEPEST} brackets or nots around one another")
        if self._took("not"):
            found = not_(self._part())
        elif self._took("("):
            found = self._filter()
            self._expect(")")
        else:
            found = self._tested()
        self._depth -= 1
        return found

    def _tested(self) -> ColumnElement[bool]:
        left = self._operand()
        token = self._next
        if token.text in _COMPARE and token.kind == "mark":
            self._place += 1
            return self._compared(left, token.text, self._operand())
        if not isinstance(left, FilterColumn):
            raise self._unknown(left)
        if token.text in ("~", "!~"):
            self._place += 1
            return self._contains(left, token.text)
        if self._took("is"):
            no = self._took("not")
            if not self._took("null"):
                raise self._error(f"expected null {self._where()}")
            return left.is_missing(no=no)
        no = self._took("not")
        if self._took("in"):
            return left.is_in(self._values(left), no=no)
        if self._took("like"):
            return left.is_like(self._pattern(left), no=no)
        if no:
            raise self._error(f"expected in or like {self._where()}")
        if left.kind != "truth":
            raise self._error(f"expected a comparison such as = or > {self._where()}")
        return left.is_true()

    def _operand(self) -> FilterColumn | Word:
        token = self._take()
        if token is END or token.kind == "mark" or token.keyword not in ("", "null"):
            self._place -= 1
            raise self._error(f"expected a column or a value {self._where()}")
        if token.keyword == "null":
            raise self._error("nothing is equal to null; expected is null, or is not null")
        if token.kind == "text":
            return Word(token.text[1:-1].replace("''", "'"), is_quoted=True)
        if token.kind == "number":
            return Word(token.text)
        name = token.text
        if token.kind == "name":
            name = name[1:-1].replace('""', '"')
        known = name if name in self._columns else self._folded.get(name.casefold())
        return self._columns[known] if known is not None else Word(name)

    def _compared(
        self, left: FilterColumn | Word, mark: str, right: FilterColumn | Word
    ) -> ColumnElement[bool]:
        if isinstance(left, Word):
            if isinstance(right, Word):
                raise self._unknown(left)
            left, mark, right = right, _TURNED.get(mark, mark), left
        compare = _COMPARE[_OPPOSITE.get(mark, mark)]
        if isinstance(right, FilterColumn):
            if right.kind != left.kind or left.is_many or right.is_many:
                raise self._error(f"{left.name} and {right.name} cannot be compared")
            return _COMPARE[mark](left.expression, right.expression)
        value = self._value(left, right)
        if left.is_many:
            return left.has(lambda own: compare(own, value), no=mark in _OPPOSITE)
        return _COMPARE[mark](left.expression, value)

    def _contains(self, left: FilterColumn, mark: str) -> ColumnElement[bool]:
        part = self._text_for(left, "~")
        return left.has(lambda own: own.icontains(part, autoescape=True), no=mark in _OPPOSITE)

    def _pattern(self, left: FilterColumn) -> str:
        pattern = self._text_for(left, "like")
        if (len(pattern) - len(pattern.rstrip("\\"))) % 2:  # PostgreSQL refuses it
            raise self._error("a pattern cannot end in a single \\")
        return pattern

    def _text_for(self, left: FilterColumn, mark: str) -> str:
        if left.kind != "text":
            raise self._error(f"{left.name} is no text; expected {left.name} = …, not {mark}")
        value = self._operand()
        return value.name if isinstance(value, FilterColumn) else value.text

    def _values(self, left: FilterColumn) -> list[Any]:
        self._expect("(")
        values = []
        while True:
            value = self._operand()
            if isinstance(value, FilterColumn):  # a word that is also a column's name
                value = Word(value.name)
            values.append(self._value(left, value))
            if not self._took(","):
                break
        self._expect(")")
        return values

    def _value(self, column: FilterColumn, word: Word) -> Any:
        try:
            return value_for(column.kind, word)
        except ValueError as error:
            if not word.is_quoted and not word.is_number:
                place = f"--where: {column.name} is {error}, and "
                raise unknown_column(word.text, self._columns, place) from None
            raise self._error(f"{column.name} is {error}, not {word.text}") from None

    def _unknown(self, word: Word) -> ConfigurationError:
        if word.is_quoted or word.is_number:
            return self._error(f"expected a column, not {word.text}")
        return unknown_column(word.text, self._columns, "--where: ")
