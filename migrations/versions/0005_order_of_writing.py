"""Newest is what was written last, whatever the clocks said; and a sweep has an identity.

Until now the newest was what began last by its machine's clock, so that a row from a clock that was
ten years ahead hid all that came after it. Rows get a number of their order of writing: from their
time, microseconds since 1970; a time that is yet to come, or is none, says nothing, and such a row
stays with those that were written before it.

A sweep's identity is made from its start and its command, so that copies of a database which are
upgraded apart still know it as one.

Revision: 0005, after 0004.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SWEEPS = UUID("c2cf51a5-3a8c-4d5e-9d6c-5a9a0c9c5b1e")
"""The namespace of the identities of sweeps from before."""

EPOCH = datetime(1970, 1, 1)
"""As times are stored: UTC, without an offset."""

TIMES = {"run": "started_at", "claim_result": "measured_at", "benchmark": "started_at"}


def upgrade() -> None:
    for table, time in TIMES.items():
        large = sa.Integer().with_variant(sa.BigInteger(), "postgresql")
        op.add_column(table, sa.Column("sequence", large, nullable=False, server_default="0"))
        _number(table, time)
        op.create_index(op.f(f"ix_{table}_sequence"), table, ["sequence"])
    op.drop_index(op.f("ix_run_config_digest_status_started_at_run_id"), "run")
    op.create_index(
        op.f("ix_run_config_digest_status_sequence_run_id"),
        "run",
        ["config_digest", "status", "sequence", "run_id"],
    )
    _identify_sweeps()


def _number(name: str, time: str) -> None:
    key, now = f"{name}_id", datetime.now(UTC).replace(tzinfo=None)
    table = sa.table(name, sa.column(key), sa.column(time), sa.column("sequence"))
    connection = op.get_bind()
    rows = connection.execute(sa.select(table.c[key], table.c[time]).order_by(table.c[key])).all()
    largest, numbers = 0, []
    for number, when in rows:
        moment = _moment(when)
        if moment is None or moment > now:
            numbers.append({"key": number, "number": largest})
            continue
        own = (moment - EPOCH) // timedelta(microseconds=1)
        largest = max(largest, own)
        numbers.append({"key": number, "number": own})
    if numbers:
        statement = sa.update(table).where(table.c[key] == sa.bindparam("key"))
        connection.execute(statement.values(sequence=sa.bindparam("number")), numbers)


def _identify_sweeps() -> None:
    op.add_column("sweep", sa.Column("uuid", sa.String(), nullable=False, server_default=""))
    names = ("sweep_id", "started_at", "command_line", "uuid")
    sweep = sa.table("sweep", *map(sa.column, names))
    connection = op.get_bind()
    rows = connection.execute(sa.select(sweep).order_by(sweep.c.sweep_id)).all()
    seen: dict[str, int] = {}
    for key, began, command_line, _ in rows:
        name = f"{_moment(began) or began} {command_line}"
        seen[name] = seen.get(name, 0) + 1
        identity = uuid5(SWEEPS, name if seen[name] == 1 else f"{name} {seen[name]}")
        connection.execute(
            sa.update(sweep).where(sweep.c.sweep_id == key).values(uuid=str(identity))
        )
    op.create_index(op.f("ix_sweep_uuid"), "sweep", ["uuid"], unique=True)


def _moment(when: object) -> datetime | None:
    """Return a time as the database gives it, SQLite as text; None where it is none."""
    if isinstance(when, datetime):
        return when
    try:
        return datetime.fromisoformat(str(when)).replace(tzinfo=None)
    except ValueError:
        return None
