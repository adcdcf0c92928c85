"""Checking columns whose text has a form: widths, plans, measures, and what was measured."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import select

from cdbench.config.diagnostics import Diagnostics
from cdbench.errors import CdbenchError
from cdbench.records.comparison import MEASURES
from cdbench.store import models
from cdbench.store.insert import table_of
from cdbench.store.stored_json import is_of_digest, widths_in
from cdbench.store.upkeep.findings import Checked, Finding, Tally

RUN, DIAGNOSTICS = table_of(models.Run), table_of(models.Diagnostics)
COMPARISON, STUDY = table_of(models.Comparison), table_of(models.Study)


def check_widths(checked: Checked) -> Iterator[Finding]:
    """Find runs whose widths are none."""
    yield from _unreadable(checked, RUN, RUN.c.widths, ("run", "runs"), widths_in)


def check_diagnostics(checked: Checked) -> Iterator[Finding]:
    """Find what cannot be read of what was measured; that of an older schema need not be."""
    if checked.is_newest:
        column = DIAGNOSTICS.c.diagnostics_json
        counted = ("row of diagnostics", "rows of diagnostics")
        yield from _unreadable(checked, DIAGNOSTICS, column, counted, _diagnostics)


def check_plans(checked: Checked) -> Iterator[Finding]:
    """Find comparisons and studies whose plan is not that of its digest."""
    for table, one, many in (
        (COMPARISON, "comparison", "comparisons"),
        (STUDY, "study", "studies"),
    ):
        if table.name not in checked.tables:
            continue
        (key,) = table.primary_key
        found = Tally()
        for rows in checked.reader.chunks(select(key, table.c.plan_json, table.c.plan_digest)):
            for row, text, digest in rows:
                if not is_of_digest(text, digest):
                    found.add("plan_digest is not that of plan_json", row)
        yield from found.findings(one, many)


def check_measures(checked: Checked) -> Iterator[Finding]:
    """Find comparisons whose measure is none."""

    def read(measure: Any) -> None:
        if measure not in MEASURES:
            raise ValueError(f"{measure!r}; expected {', '.join(MEASURES)}")

    counted = ("comparison", "comparisons")
    yield from _unreadable(checked, COMPARISON, COMPARISON.c.measure, counted, read)


def _diagnostics(text: Any) -> None:
    Diagnostics.from_mapping(json.loads(text))


def _unreadable(
    checked: Checked, table: Any, column: Any, counted: tuple[str, str], read: Callable[[Any], Any]
) -> Iterator[Finding]:
    """Yield how many rows have a column that cannot be read, with the first of them."""
    if table.name not in checked.tables:
        return
    (key,) = table.primary_key
    found = Tally()
    for rows in checked.reader.chunks(select(key, column).order_by(key)):
        for row, value in rows:
            try:
                read(value)
            except (CdbenchError, ValueError, TypeError, AttributeError, RecursionError) as error:
                found.add(f"{column.name} cannot be read", row, str(error)[:80])
    yield from found.findings(*counted)
