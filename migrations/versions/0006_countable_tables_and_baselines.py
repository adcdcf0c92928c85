"""Tables that every client can count, the baseline of each run, and spectra kept as quantiles.

DuckDB and others find SQLite's rows by their rowid, and cannot count a table that has none. So no
table is WITHOUT ROWID any more.

The SQL that an audit kept for exponents of medians is given the names that PostgreSQL wants.

A run knows the digest of the dense configuration that it is compared with, so that SQL can pair the
two. A spectrum of very many numbers keeps quantiles of them, and then says of how many. Views change.

Revision: 0006, after 0005.
"""

import hashlib
import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

WITHOUT_ROWID = (
    "epoch",
    "condition_number",
    "spectrum_value",
    "curvature_node",
    "observation",
    "measurement",
    "timing",
)

DENSE = {
    "layer": "dense",
    "B": None,
    "fisher_weight": 0.0,
    "fisher_form": "trace-inverse",
    "fisher_epsilon": 0.01,
    "learning_rate_scaling": "raw",
    "product": "auto",
}
"""What a dense configuration has in place of what concerns blocks."""


def upgrade() -> None:
    op.add_column("spectrum", sa.Column("n_numbers", sa.Integer(), nullable=True))
    op.add_column("run", sa.Column("baseline_digest", sa.String(), nullable=True))
    _find_baselines()
    _name_subselects()
    if op.get_context().dialect.name == "sqlite":
        for table in WITHOUT_ROWID:
            _give_rowid(table)


def _name_subselects() -> None:
    """Give names to the sub-selects of the audit's printed SQL, which PostgreSQL 15 asks for."""
    measurement = sa.table("measurement", sa.column("sql"))
    sql = sa.func.replace(measurement.c.sql, ")) WHERE i IN", ") AS found) AS ranked WHERE i IN")
    sql = sa.func.replace(sql, "GROUP BY size)", "GROUP BY size) AS medians")
    nameless = measurement.c.sql.contains(")) WHERE i IN")
    op.execute(sa.update(measurement).where(nameless).values(sql=sql))


def _find_baselines() -> None:
    run = sa.table("run", *map(sa.column, ("run_id", "config_json", "baseline_digest")))
    connection = op.get_bind()
    rows = connection.execute(sa.select(run.c.run_id, run.c.config_json)).all()
    found = [{"key": key, "digest": _baseline_digest(text)} for key, text in rows]
    if found:
        statement = sa.update(run).where(run.c.run_id == sa.bindparam("key"))
        connection.execute(statement.values(baseline_digest=sa.bindparam("digest")), found)


def _baseline_digest(config_json: str) -> str | None:
    try:
        values: dict[str, Any] = json.loads(config_json) | DENSE
    except (ValueError, TypeError):  # a damaged row; cdbench db check names it
        return None
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _give_rowid(table: str) -> None:
    """Make the table anew with its own clauses but the last, and the same rows in their order."""
    connection = op.get_bind()
    (made,) = connection.exec_driver_sql(
        "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)
    ).one()
    indices = connection.exec_driver_sql(
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
        (table,),
    ).scalars().all()  # fmt: skip
    clauses = made[made.index("(") : made.rindex(")") + 1]
    plain = {"no_parameters": True}  # a % in a clause is a %
    op.rename_table(table, f"{table}_without_rowid")
    connection.exec_driver_sql(f"CREATE TABLE {table} {clauses}", execution_options=plain)
    connection.exec_driver_sql(f"INSERT INTO {table} SELECT * FROM {table}_without_rowid")
    op.drop_table(f"{table}_without_rowid")
    for index in indices:
        connection.exec_driver_sql(index, execution_options=plain)
