"""Checking whether a clock was ahead when rows were written."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from cdbench.store.models import Base
from cdbench.store.upkeep.findings import Checked, Finding, counted

TOLERANCE = timedelta(minutes=10)
"""How far apart two machines' clocks may be."""

TIMES = (
    ("run", "started_at"),
    ("claim_result", "measured_at"),
    ("benchmark", "started_at"),
    ("sweep", "started_at"),
    ("sweep", "ended_at"),
)

REMEDY = (
    "set the clock of the machine that wrote them; rows written from now on are newer all the "
    "same, and these can be deleted, and trained or judged again"
)


def check_times(checked: Checked) -> Iterator[Finding]:
    """Find times in the future."""
    limit = datetime.now(UTC).replace(tzinfo=None) + TOLERANCE
    for name, time in TIMES:
        if name not in checked.tables:
            continue
        table = Base.metadata.tables[name]
        (key,) = table.primary_key
        ahead = table.c[time] > limit
        question = select(func.count(), func.min(key)).where(ahead)
        count, example = checked.connection.execute(question).one()
        if count:
            yield Finding(
                f"{name}.{time} is more than {TOLERANCE.seconds // 60} minutes in the future in "
                f"{counted(count, 'row', 'rows')}",
                f"{key.name} {example}",
                REMEDY,
            )
