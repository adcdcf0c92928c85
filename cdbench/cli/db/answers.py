"""Printing what a query answers, for ``cdbench db sql`` and ``cdbench db recipes``."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from cdbench.cli.echo import complain, echo
from cdbench.cli.output import print_report, print_text
from cdbench.errors import QueryError

if TYPE_CHECKING:
    from cdbench.store.database import Database

SHOWN = 1000
"""Rows of a table; as data, all rows come out."""

DATA = ("csv", "json")


def print_answer(
    database: "Database",
    sql: str,
    form: str,
    title: str,
    *,
    parameters: Mapping[str, Any] | None = None,
    limit: int | None = None,
    notes: Sequence[str] = (),
) -> bool:
    """Print a query's answer; before an error of the query, point at the word to blame.

    Parameters
    ----------
    database : Database
        Opened for reading.
    sql : str
        One query.
    form : str
        One of the formats of reports.
    title : str
        What the answer is about.
    parameters : mapping, optional
        Values of its placeholders.
    limit : int, optional
        Most rows; 0 for all. By default as many as a person reads in tables, and all as data.
    notes : sequence of str
        Sentences below a table.

    Returns
    -------
    bool
        Whether a table has any row; True of data.
    """
    from cdbench.reports.answers import answer_data, answer_report
    from cdbench.store.free_queries import answering

    most = (None if form in DATA else SHOWN) if limit is None else limit or None
    try:
        with answering(database, sql, parameters) as (columns, rows):
            if form in DATA:
                from itertools import islice

                for piece in answer_data(form, title, columns, islice(rows, most)):
                    print_text(piece)
                return True
            report, more = answer_report(title, columns, rows, most, notes)
        print_report(report, form)
        if more:
            sys.stdout.flush()
            complain("… and more; all of it: --limit 0, or --format csv")
        return bool(report.rows)
    except QueryError as error:
        if error.where:
            echo(error.where, err=True)
        raise


def text_of(query: str | None, file: str | None) -> str:
    """Return the query: the argument itself, or from a file; - is standard input.

    Raises
    ------
    typer.BadParameter
        If there is none, or two, or the file cannot be read.
    """
    if (query is None) == (file is None):
        raise typer.BadParameter(
            f"{'no query' if query is None else 'two queries'}; expected "
            "cdbench db sql 'select …', or --file query.sql, or - for standard input"
        )
    source = file if file is not None else "-" if query == "-" else None
    if source is None:
        assert query is not None
        return query
    try:
        if source == "-":
            return sys.stdin.buffer.read().decode("utf-8-sig")
        from pathlib import Path

        from cdbench.errors import ConfigurationError
        from cdbench.system.home_folders import expanded

        return Path(expanded(source, ConfigurationError)).read_text(encoding="utf-8-sig")
    except UnicodeError:
        raise typer.BadParameter(f"{source}: is not UTF-8; expected a query as text") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise typer.BadParameter(f"{source}: cannot be read ({reason})") from None


def values_of(words: Sequence[str]) -> dict[str, Any] | None:
    """Return the values of placeholders from words such as ``seed=3``; None if there are none.

    A value is a number where it looks like one; in quotes it is text.

    Raises
    ------
    typer.BadParameter
        If a word is not of that form.

    Examples
    --------
    >>> values_of(["seed=3", "model=dense", "text='3'"])
    {'seed': 3, 'model': 'dense', 'text': '3'}
    """
    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        name = name.removeprefix(":")
        if not equals or not name.isidentifier():
            raise typer.BadParameter(f"{word!r}: expected NAME=VALUE, as in --param seed=3")
        found[name] = _value(value)
    return found or None


def _value(word: str) -> Any:
    if len(word) > 1 and word[0] == word[-1] and word[0] in "'\"":
        return word[1:-1]
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word
