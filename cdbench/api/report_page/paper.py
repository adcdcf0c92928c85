"""Table 1 and the paper's figures, as a section."""

from typing import TYPE_CHECKING

from cdbench.api.report_page.figures import drawings
from cdbench.api.report_page.gathered import Gathered, without
from cdbench.errors import MissingResultsError
from cdbench.reports.html.page import Section
from cdbench.reports.html.table import Source, Table
from cdbench.reports.table1 import table1, table1_configs
from cdbench.store.page_queries import TABLE1
from cdbench.store.queries import newest_runs

if TYPE_CHECKING:
    from cdbench.store.database import Database


def paper_section(database: "Database") -> Gathered:
    """Return the paper's Table 1, published beside measured, with its figures."""
    rows = table1_configs()
    every = [config for configs in rows.values() for config in configs]
    try:
        report = table1(rows, newest_runs(database, every))
    except MissingResultsError as error:
        return without(database, "Table 1", error)
    source = Source(TABLE1, "cdbench report --table1")
    table = Table("t-table1", report, source, {1: "Source"}, is_sortable=False)
    parts = [table.html(), *drawings(database, ("fig1", "fig2"))]
    return Gathered(Section("table-1", "Table 1", parts), report.notes[0])
