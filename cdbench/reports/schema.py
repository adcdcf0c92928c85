"""What the tables and views are, and what their columns mean."""

from collections.abc import Sequence
from dataclasses import replace

from cdbench.reports.formats import Report
from cdbench.store.models import Base
from cdbench.store.schema_page import kind_of, purpose, table_meaning, view_columns
from cdbench.store.schema_statements import check_relation
from cdbench.store.view_columns import column_meaning
from cdbench.store.views import VIEWS


def relations_report() -> Report:
    """Return the list of views and tables: views first, because people read those."""
    found = [(name, "view", view.purpose) for name, view in VIEWS.items()]
    found += [(table.name, "table", purpose(table)) for table in Base.metadata.sorted_tables]
    return Report(
        title="Views, which people read, and the tables beneath",
        columns=["name", "kind", "what it has"],
        rows=[
            [name, kind, text.partition(". ")[0].rstrip(".") + "."] for name, kind, text in found
        ],
        notes=["Columns of one: cdbench db schema NAME; to ask it: cdbench db sql QUERY"],
        records=[{"name": name, "kind": kind, "purpose": text} for name, kind, text in found],
        text_columns=3,
    )


def columns_report(name: str) -> Report:
    """Return the columns of a table or view, with what they mean.

    Raises
    ------
    UnknownNameError
        If there is no such table or view.
    """
    check_relation(name)
    if name in VIEWS:
        told = VIEWS[name].purpose
        own = [(column, column_meaning(name, column)) for column in view_columns()[name]]
        headings = ["column", "meaning"]
        rows = [list(row) for row in own]
    else:
        table = Base.metadata.tables[name]
        told = purpose(table)
        headings = ["column", "type", "meaning"]
        rows = [[c.name, kind_of(c), table_meaning(c)] for c in table.columns]
    return Report(
        title=f"{name}: {told}",
        columns=headings,
        rows=rows,
        notes=[],
        records=[
            {"relation": name, "column": row[0], "type": row[1] if row[2:] else None}
            | {"meaning": row[-1]}
            for row in rows
        ],
        text_columns=len(headings),
    )


def columns_reports(names: Sequence[str], form: str) -> list[Report]:
    """Return a report for each table or view; as data, one that has the columns of all."""
    reports = [columns_report(name) for name in names]
    if form not in ("csv", "json"):
        return reports
    records = [record for report in reports for record in report.records]
    return [replace(reports[0], title=f"Columns of {', '.join(names)}", records=records)]
