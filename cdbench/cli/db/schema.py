"""``cdbench db schema``: what the tables and views are, and what their columns mean."""

from typing import Annotated

import typer

from cdbench.cli import COMPLETED
from cdbench.cli.echo import echo
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption
from cdbench.cli.output import print_report
from cdbench.cli.report import FormatOption


def schema(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME ...", show_default=False, help="Tables or views. [default: list all]"
        ),
    ] = None,
    sql: Annotated[
        bool, typer.Option("--sql", help="Print the statements that make them instead.")
    ] = False,
    format: FormatOption = "table",  # noqa: A002
    db: DatabaseOption = DEFAULT_DATABASE,
) -> int:
    """List the tables and views, or say what each column of some means.

    It is what this version of cdbench has; the database, which need not be there, only decides
    whose SQL the statements are: SQLite's or PostgreSQL's.

    For example:

        cdbench db schema

        cdbench db schema models

        cdbench db schema runs epochs --format markdown

        cdbench db schema models --sql
    """
    from cdbench.reports.schema import columns_reports, relations_report
    from cdbench.store.location import find_location
    from cdbench.store.schema_statements import check_relation, relations, statements_of

    for name in names or ():
        check_relation(name)
    if sql:
        dialect = find_location(db).dialect
        echo("\n\n".join(statements_of(name, dialect) for name in names or relations()))
        return COMPLETED
    if not names:
        print_report(relations_report(), format)
        return COMPLETED
    for place, report in enumerate(columns_reports(names, format)):
        if place:
            echo()
        print_report(report, format)
    return COMPLETED
