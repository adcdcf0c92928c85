"""``cdbench report --html``: everything in the database as one page."""

from collections.abc import Mapping
from typing import Any

from cdbench.cli import COMPLETED
from cdbench.cli.echo import echo
from cdbench.cli.report_options import typed
from cdbench.errors import ConfigurationError, OutputError
from cdbench.system.home_folders import expanded
from cdbench.system.output_files import check_output, write_output

CHOICES = ("study", "name")
"""Options that choose what the page compares."""


def write_page(db: str, target: str, kinds: Mapping[str, Any], others: Mapping[str, Any]) -> int:
    """Write the page of a database to a file, or to standard output, and say so.

    Parameters
    ----------
    db : str
        The database.
    target : str
        The file; ``-`` is standard output.
    kinds, others : mapping
        What was given for each report, and for the options that are of one report or another.

    Raises
    ------
    ConfigurationError
        If anything but a study and comparisons is asked for beside it.
    """
    given = {**kinds, **others}
    stray = [name for name, value in given.items() if value and name not in CHOICES]
    if stray:
        raise ConfigurationError(
            f"{typed(stray[0])} was given with --html, which has every report; expected beside it "
            f"only {' and '.join(map(typed, CHOICES))}"
        )
    from cdbench.api.report_page.whole import report_page
    from cdbench.store.database import open_for_reading

    path = expanded(target, OutputError)
    check_output(path, "--html")
    page = report_page(open_for_reading(db), given["study"], given["name"] or ()).encode()
    if write_output(path, page, "--html"):
        echo(f"wrote {path}, {len(page) / 1e6:.1f} MB")
    return COMPLETED
