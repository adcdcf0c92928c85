"""Texts that many rows share are stored once, and runs are found by what their seeds share.

`statement` has the queries of measurements, with :claim, :quantity, :subject and :baseline for the
measurement's own; `diagnostics` has what was measured of runs. The index of runs' digests goes: a
configuration's digest and the seed find the same runs. These were a tenth of the released file. The
views change.

Revision: 0016, after 0015.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

OWN = ("quantity", "subject", "baseline", "claim")
"""What a statement names by a parameter, in the order in which they are put in."""

INDEX = "ix_run_config_digest_status_sequence_run_id"

RUN = sa.table("run", *map(sa.column, ("run_id", "diagnostics_json", "diagnostics_id")))
JUDGED = sa.table("claim_result", *map(sa.column, ("claim_result_id", "claim")))
PLACE = ("claim_result_id", "position")
MEASUREMENT = sa.table("measurement", *map(sa.column, (*PLACE, *OWN[:-1], "sql", "statement_id")))


def upgrade() -> None:
    _share_diagnostics()
    _share_statements()
    op.drop_index(INDEX, "run")
    for table, text, parent in (
        ("run", "diagnostics_json", "diagnostics"),
        ("measurement", "sql", "statement"),
    ):
        key, is_needed = f"{parent}_id", parent == "statement"
        name = f"fk_{table}_{key}"
        if op.get_context().dialect.name == "sqlite":
            kind = "INTEGER NOT NULL" if is_needed else "INTEGER"
            refers = f"CONSTRAINT {name} FOREIGN KEY({key}) REFERENCES {parent} ({key})"
            _make_again(table, text, f"{key} {kind}", refers)
        else:
            op.alter_column(table, key, nullable=not is_needed)
            op.create_foreign_key(op.f(name), table, parent, [key], [key])
            op.drop_column(table, text)


def _share_diagnostics() -> None:
    table = _shared("diagnostics", "diagnostics_json")
    op.add_column("run", sa.Column("diagnostics_id", sa.Integer()))
    own = RUN.c.diagnostics_json
    connection = op.get_bind()
    first = sa.func.min(RUN.c.run_id)
    found = sa.select(own).where(own.is_not(None)).group_by(own).order_by(first)
    keys = _write(table, connection.execute(found).scalars())
    for text, key in keys.items():
        same = sa.update(RUN).where(own == text)
        connection.execute(same.values(diagnostics_id=key))


def _share_statements() -> None:
    table = _shared("statement", "sql")
    op.add_column("measurement", sa.Column("statement_id", sa.Integer()))
    connection, own = op.get_bind(), MEASUREMENT.c
    question = (
        sa.select(*own[PLACE], *own[OWN[:-1]], JUDGED.c.claim, own.sql)
        .join_from(MEASUREMENT, JUDGED, own.claim_result_id == JUDGED.c.claim_result_id)
        .order_by(*own[PLACE])
    )
    named = {row[:2]: _statement(row[-1], row[2:-1]) for row in connection.execute(question)}
    keys = _write(table, dict.fromkeys(named.values()))
    rows = [{"of": one, "at": at, "key": keys[text]} for (one, at), text in named.items()]
    if rows:
        here = own.claim_result_id == sa.bindparam("of"), own.position == sa.bindparam("at")
        statement = sa.update(MEASUREMENT).where(*here)
        connection.execute(statement.values(statement_id=sa.bindparam("key")), rows)


def _statement(sql: str, values: Iterable[str | None]) -> str:
    """Return a measurement's query with parameters for its own quantity, subject and so on."""
    statement = sql
    quoted = {
        f":{name}": "'" + value.replace("'", "''") + "'"
        for name, value in zip(OWN, values, strict=True)
        if value is not None
    }
    for name, value in quoted.items():
        statement = statement.replace(value, name)
    written_out = statement
    for name, value in reversed(quoted.items()):
        written_out = written_out.replace(name, value)
    if written_out != sql:
        raise sa.exc.InvalidRequestError(
            "a query in the column sql of measurement has :quantity, :subject, :baseline or :claim "
            "in its text, as cdbench never wrote one; delete that row, and upgrade again"
        )
    return statement


def _shared(name: str, text: str) -> sa.Table:
    """Make a table of texts, each of which it has once."""
    return op.create_table(
        name,
        sa.Column(f"{name}_id", sa.Integer(), nullable=False),
        sa.Column(text, sa.String(), nullable=False),
        sa.PrimaryKeyConstraint(f"{name}_id", name=op.f(f"pk_{name}")),
        sa.UniqueConstraint(text, name=op.f(f"uq_{name}_{text}")),
    )


def _write(table: sa.Table, texts: Iterable[str]) -> dict[str, int]:
    """Write texts; return their keys."""
    keys = {text: key for key, text in enumerate(texts, 1)}
    key_column, column = table.columns
    rows: list[dict[str, Any]] = [
        {key_column.name: key, column.name: text} for text, key in keys.items()
    ]
    if rows:
        op.bulk_insert(table, rows)
        if op.get_context().dialect.name == "postgresql":
            sequence = sa.func.pg_get_serial_sequence(table.name, key_column.name)
            op.get_bind().execute(sa.select(sa.func.setval(sequence, len(rows))))
    return keys


def _make_again(table: str, gone: str, key: str, refers: str) -> None:
    """Make a table anew with its own clauses but a column's, its key clause changed."""
    connection = op.get_bind()
    plain = {"no_parameters": True}  # a % in a clause is a %

    def master(kind: str) -> list[str]:
        return list(
            connection.exec_driver_sql(
                "SELECT sql FROM sqlite_master WHERE type = ? AND tbl_name = ? AND sql IS NOT NULL",
                (kind, table),
            ).scalars()
        )

    (made,), indices = master("table"), master("index")
    columns = connection.exec_driver_sql("SELECT name FROM pragma_table_info(?)", (table,))
    names = ", ".join(f'"{name}"' for name in columns.scalars() if name != gone)
    body = made[made.index("(") + 1 : made.rindex(")")]
    clauses = ", ".join([*_changed_clauses(body, gone, key), refers])
    for statement in (
        f"CREATE TABLE {table}_again ({clauses})",
        f"INSERT INTO {table}_again ({names}) SELECT {names} FROM {table}",
    ):
        connection.exec_driver_sql(statement, execution_options=plain)
    op.drop_table(table)
    op.rename_table(f"{table}_again", table)
    for index in indices:
        connection.exec_driver_sql(index, execution_options=plain)


def _changed_clauses(body: str, gone: str, key: str) -> Iterator[str]:
    for clause in _split(body):
        name = clause.split(maxsplit=1)[0].strip('"')
        if name == key.split()[0]:
            yield key
        elif name != gone:
            yield clause


def _split(body: str) -> list[str]:
    """Return the parts between the commas that are in no brackets and no quotes."""
    parts, depth, quote = [""], 0, ""
    for character in body:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        else:
            depth += (character == "(") - (character == ")")
        if character == "," and not (depth or quote):
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]
