"""``cdbench db recipes``: questions that are often asked, with their SQL and answers."""

from typing import Annotated

import typer

from cdbench.cli import COMPLETED
from cdbench.cli.echo import complain, echo
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption
from cdbench.cli.report import FormatOption


def recipes(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", show_default=False, help="Question to ask. [default: list all]"
        ),
    ] = None,
    sql: Annotated[
        bool, typer.Option("--sql", help="Print only the query, to change it or ask it elsewhere.")
    ] = False,
    format: FormatOption = "table",  # noqa: A002
    db: DatabaseOption = DEFAULT_DATABASE,
) -> int:
    """List the questions that are asked most, or answer one, its SQL above the answer.

    For example:

        cdbench db recipes

        cdbench db recipes accuracy

        cdbench db recipes against-dense --format csv

        cdbench db recipes kappa --sql > kappa.sql
    """
    from cdbench.cli.db.answers import DATA, print_answer
    from cdbench.cli.output import print_report
    from cdbench.reports.recipes import recipes_report
    from cdbench.store.recipes import of_dialect, recipe_named

    if name is None:
        print_report(recipes_report(), format)
        return COMPLETED
    from cdbench.store.database import open_for_reading
    from cdbench.store.location import find_location

    recipe = recipe_named(name)
    query = of_dialect(recipe.sql, find_location(db).dialect)
    if sql:
        echo(query.rstrip())
        return COMPLETED
    database = open_for_reading(db)
    if format == "table":
        echo(query)
    elif format == "markdown":
        echo(f"```sql\n{query}```\n")
    elif format not in DATA:
        echo("\n".join(f"% {line}" for line in query.splitlines()))
    notes = [recipe.why]
    if not print_answer(database, query, format, recipe.question, limit=0, notes=notes):
        complain(f"no rows; to ask it of other data, start from cdbench db recipes {name} --sql")
    return COMPLETED
