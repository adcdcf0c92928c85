"""``cdbench report --html``: everything in the database as one page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cdbench.cli import COMPLETED
from cdbench.cli.echo import echo
from cdbench.cli.report_options import typed
from cdbench.errors import ConfigurationError, OutputError
from cdbench.system.home_folders import expanded
from cdbench.system.output_files import check_output, write_output

CHOICES = ("study", "name")
"""Options that choose what the page compares."""

ENDINGS = ("", ".html", ".htm", ".xhtml")
"""Endings of the page's file; streams have none."""


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
        If anything but a study and comparisons is asked for beside it, or the file's ending is of
        another form.
    OutputError
        If the file cannot be written; what can be known of that is said before the work.
    """
    given = {**kinds, **others}
    stray = [name for name, value in given.items() if value and name not in CHOICES]
    if stray:
        raise ConfigurationError(
            f"{typed(stray[0])} was given with --html, which has every report; expected beside it "
            f"only {' and '.join(map(typed, CHOICES))}"
        )
    from cdbench.api.report_page.whole import report_page
    from cdbench.cli.stages import stages
    from cdbench.store.database import open_for_reading

    path = expanded(target, OutputError)
    if Path(path).suffix.lower() not in ENDINGS:
        raise ConfigurationError(f"--html {target}: the page is HTML; expected a name in .html")
    check_output(path, "--html")
    with stages("drawing the") as on_stage:
        on_stage("page")
        page = report_page(open_for_reading(db), given["study"], given["name"] or ()).encode()
    if write_output(path, page, "--html"):
        echo(f"wrote {path}, {len(page) / 1e6:.1f} MB")
    return COMPLETED
