"""``cdbench model list``: the runs whose networks were kept."""

from cdbench.cli import COMPLETED
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption
from cdbench.cli.output import print_report
from cdbench.cli.report import FormatOption


def list_(db: DatabaseOption = DEFAULT_DATABASE, format: FormatOption = "table") -> int:  # noqa: A002
    """List the runs whose networks were kept, with their accuracy and what they take.

    For example:

        cdbench model list

        cdbench model list --db other.db --format csv
    """
    from cdbench.errors import MissingResultsError
    from cdbench.reports.models import models_report
    from cdbench.store.database import open_for_reading
    from cdbench.store.model_queries import kept_models

    database = open_for_reading(db)
    found = kept_models(database)
    if not found:
        raise MissingResultsError(
            f"{database.name}: no run's network was kept; to keep one: cdbench train --keep-weights"
        )
    print_report(models_report(found, database.label), format)
    return COMPLETED
