"""``cdbench db sql``: ask the database a question of your own."""

from typing import Annotated

import typer

from cdbench.cli import COMPLETED
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption
from cdbench.cli.report import FormatOption


def sql(
    query: Annotated[
        str | None,
        typer.Argument(
            metavar="QUERY", show_default=False, help="One SELECT; - reads it from standard input."
        ),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(
            "--file", "-f", metavar="PATH", show_default=False, help="Read the query from a file."
        ),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            "-p",
            metavar="NAME=VALUE ...",
            show_default=False,
            help="Values of the query's :NAME placeholders; in quotes of its own, 3 is text.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            min=0,
            metavar="NUMBER",
            show_default=False,
            help="Most rows; 0 is all. [default: 1000 of a table, all as csv and json]",
        ),
    ] = None,
    format: FormatOption = "table",  # noqa: A002
    db: DatabaseOption = DEFAULT_DATABASE,
) -> int:
    """Ask a question of your own in SQL. A query can only read: nothing can be changed by it.

    A table shows six digits of a number; csv and json have all of them, and come row by row.

    For example:

        cdbench db sql "select model, n_seeds, test_accuracy_mean from models"

        cdbench db sql "select * from epochs where run_id = :run" --param run=4

        cdbench db sql --file question.sql --format csv

        echo "select count(*) from runs" | cdbench db sql -
    """
    from cdbench.cli.db.answers import print_answer, text_of, values_of
    from cdbench.store.database import open_for_reading

    text, parameters = text_of(query, file), values_of(param or [])
    database = open_for_reading(db)
    print_answer(database, text, format, database.name, parameters=parameters, limit=limit)
    return COMPLETED
