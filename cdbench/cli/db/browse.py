"""``cdbench db browse``: look at the database in a browser."""

from typing import Annotated

import typer

from cdbench.cli import COMPLETED
from cdbench.cli.echo import complain, echo
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption

PORT = 8001


def browse(
    port: Annotated[
        int,
        typer.Option(
            "--port", min=0, max=65535, metavar="NUMBER", help="Where to listen; 0: a free port."
        ),
    ] = PORT,
    open_: Annotated[bool, typer.Option("--open", help="Open a browser there.")] = False,
    db: DatabaseOption = DEFAULT_DATABASE,
) -> int:
    """Look at the database in a browser, with Datasette, until Ctrl-C.

    Views and columns are described there, and the questions of db recipes are ready to run. Only
    this machine can look, and nothing can be changed. Runs that are stored meanwhile appear.

    For example:

        cdbench db browse --open

        cdbench db browse --port 0 --db other.db
    """
    from cdbench.api.browsing import browse as show
    from cdbench.store.database import open_for_reading

    database = open_for_reading(db)

    def began(address: str) -> None:
        echo(f"{database.name} is shown at {address} until Ctrl-C")
        if open_:
            import webbrowser

            if not webbrowser.open(address):
                complain("no browser was found; open that address in one")

    show(database, port, began)
    return COMPLETED
