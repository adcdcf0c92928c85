"""The option that filters runs, which several commands have."""

from typing import Annotated

import typer

WhereOption = Annotated[
    str | None,
    typer.Option(
        "--where",
        metavar="FILTER",
        show_default=False,
        help="Only runs for which this is true, such as 'B > 3 and seed < 5'. Names are columns of "
        "the view runs, score, tag or note. Also: or, not, ( ), in (a, b), is null, like 'c%', "
        "and ~ for contains.",
    ),
]
"""Use as ``where: WhereOption = None``."""
