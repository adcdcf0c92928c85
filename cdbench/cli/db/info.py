"""``cdbench db info``: show what a database holds."""

from cdbench.cli import COMPLETED
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption
from cdbench.cli.output import print_report
from cdbench.cli.report import FormatOption


def info(db: DatabaseOption = DEFAULT_DATABASE, format: FormatOption = "table") -> int:  # noqa: A002
    """Say where the database is, its schema and size, and what it holds. Nothing is changed.

    For example:

        cdbench db info

        cdbench db info --db other.db --format json
    """
    from cdbench.reports.inventory import inventory_report
    from cdbench.store.upkeep.inventory import inventory
    from cdbench.store.upkeep.sources import open_as_it_is

    report = inventory_report(inventory(open_as_it_is(db)))
    print_report(report, format)
    return COMPLETED
