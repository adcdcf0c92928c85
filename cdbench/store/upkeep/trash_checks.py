"""Checking that runs in the trash can come back."""

from collections.abc import Iterator

from sqlalchemy import case, select

from cdbench.records.run import REMOVED
from cdbench.store.insert import table_of
from cdbench.store.models import Run, Trash
from cdbench.store.upkeep.findings import Checked, Finding, Tally

RUN, TRASH = table_of(Run), table_of(Trash)


def check_trash(checked: Checked) -> Iterator[Finding]:
    """Find removed runs of which it is not known how they ended, and others in the trash."""
    if TRASH.name not in checked.tables:
        return
    is_removed, is_there = RUN.c.status == REMOVED, TRASH.c.run_id.is_not(None)
    question = (
        select(RUN.c.run_id, case((is_removed, 1), else_=0))
        .outerjoin(TRASH, TRASH.c.run_id == RUN.c.run_id)
        .where(is_removed != is_there)
        .order_by(RUN.c.run_id)
    )
    found = Tally()
    for rows in checked.reader.chunks(question):
        for run_id, lost in rows:
            found.add("removed but not in the trash" if lost else "in the trash but kept", run_id)
    yield from found.findings("run", "runs")
