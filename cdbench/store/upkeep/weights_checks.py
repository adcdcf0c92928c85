"""Checking that the networks that were kept are those that were trained."""

from collections.abc import Iterator

from sqlalchemy import select

from cdbench.store.insert import table_of
from cdbench.store.models import KeptWeights
from cdbench.store.upkeep.findings import Checked, Finding, Tally
from cdbench.store.weights_rows import weights_from

KEPT = table_of(KeptWeights)
ROWS_AT_A_TIME = 20
"""Each may be megabytes."""


def check_weights(checked: Checked) -> Iterator[Finding]:
    """Find kept networks whose bytes are not those of their digest, or cannot be read."""
    if KEPT.name not in checked.tables:
        return
    found, names = Tally(), KEPT.columns.keys()
    for rows in checked.reader.chunks(select(KEPT).order_by(KEPT.c.run_id), ROWS_AT_A_TIME):
        for row in rows:
            values = dict(zip(names, row, strict=True))
            try:
                weights_from(values)
            except ValueError as error:
                found.add("kept weights", values["run_id"], str(error))
    yield from found.findings("run", "runs")
