"""What runs of one configuration have in common is stored once, in `configuration`.

These are the configuration without its seed, its digest, the digest of its dense counterpart (now
that of the group, without the seed too) and the fingerprint of its data. They were two fifths of
the released file. A run keeps its seed, its knobs and the digest of all of it. The views change.

Revision: 0013, after 0012.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

MOVED = ("config_json", "group_digest", "baseline_digest", "dataset_fingerprint")
KEY = "configuration_id"
FOREIGN = "fk_run_configuration_id"
UNIQUE = "uq_configuration_group_digest_dataset_fingerprint"

DENSE = {
    "layer": "dense",
    "B": None,
    "fisher_weight": 0.0,
    "fisher_form": "trace-inverse",
    "fisher_epsilon": 0.01,
    "learning_rate_scaling": "raw",
    "product": "auto",
}
"""What a dense configuration has in place of what concerns the family's structure."""

OF_FAMILIES = ("structure", "plugin", "head")
"""What a dense configuration does not have at all."""

RUN = sa.table("run", *map(sa.column, ("run_id", "seed", "configuration_id", *MOVED)))


def upgrade() -> None:
    configuration = op.create_table(
        "configuration",
        sa.Column("configuration_id", sa.Integer(), nullable=False),
        sa.Column("group_digest", sa.String(), nullable=False),
        sa.Column("config_json", sa.String(), nullable=False),
        sa.Column("baseline_digest", sa.String()),
        sa.Column("dataset_fingerprint", sa.String()),
        sa.PrimaryKeyConstraint("configuration_id", name=op.f("pk_configuration")),
        sa.UniqueConstraint("group_digest", "dataset_fingerprint", name=op.f(UNIQUE)),
    )
    op.add_column("run", sa.Column("configuration_id", sa.Integer()))
    _fill(configuration)
    op.drop_index("ix_run_group_digest", "run")
    if op.get_context().dialect.name == "sqlite":
        _make_run_again()
    else:
        op.alter_column("run", "configuration_id", nullable=False)
        op.create_foreign_key(op.f(FOREIGN), "run", "configuration", [KEY], [KEY])
        for name in MOVED:
            op.drop_column("run", name)
    op.create_index(op.f("ix_run_configuration_id_seed"), "run", ["configuration_id", "seed"])


def _fill(configuration: sa.Table) -> None:
    """Write each configuration once, and the keys of all into their runs."""
    connection = op.get_bind()
    rows: dict[tuple[str, str | None], dict[str, Any]] = {}
    keys = []
    for row in connection.execute(sa.select(RUN).order_by(RUN.c.run_id)):
        # A damaged text gets a digest of its own, and so stays as it is: cdbench db check names it.
        text = row.config_json.replace(f',"seed":{row.seed}', "", 1)
        identity = (_sha256(text), row.dataset_fingerprint)
        if identity not in rows:
            rows[identity] = {
                "configuration_id": len(rows) + 1,
                "group_digest": identity[0],
                "config_json": text,
                "baseline_digest": _baseline_digest(text, row.seed, row.baseline_digest),
                "dataset_fingerprint": identity[1],
            }
        keys.append({"run": row.run_id, "key": rows[identity]["configuration_id"]})
    if not keys:
        return
    connection.execute(sa.insert(configuration), list(rows.values()))
    statement = sa.update(RUN).where(RUN.c.run_id == sa.bindparam("run"))
    connection.execute(statement.values(configuration_id=sa.bindparam("key")), keys)
    if op.get_context().dialect.name == "postgresql":
        sequence = sa.func.pg_get_serial_sequence("configuration", KEY)
        connection.execute(sa.select(sa.func.setval(sequence, len(rows))))


def _baseline_digest(text: str, seed: int, baseline_digest: str | None) -> str | None:
    """Return the digest of a configuration's dense counterpart without its seed.

    None if with the seed it is not the one that the run had.
    """
    try:
        values: dict[str, Any] = json.loads(text) | DENSE
    except (ValueError, TypeError):
        return None
    dense = {name: value for name, value in values.items() if name not in OF_FAMILIES}
    found = _sha256(_canonical(dense | {"seed": seed})) == baseline_digest
    return _sha256(_canonical(dense)) if found else None


def _canonical(values: dict[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _make_run_again() -> None:
    """Make the table anew with its own clauses but those that moved, and the same rows."""
    connection = op.get_bind()
    plain = {"no_parameters": True}  # a % in a clause is a %
    (made,) = connection.exec_driver_sql(
        "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'run'"
    ).one()
    indices = connection.exec_driver_sql(
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'run' "
        "AND sql IS NOT NULL"
    ).scalars().all()  # fmt: skip
    names = [
        f'"{name}"'
        for name in connection.exec_driver_sql(
            "SELECT name FROM pragma_table_info('run')"
        ).scalars()
        if name not in MOVED
    ]
    clauses = ", ".join(changed_clauses(made[made.index("(") + 1 : made.rindex(")")]))
    connection.exec_driver_sql(f"CREATE TABLE run_again ({clauses})", execution_options=plain)
    columns = ", ".join(names)
    connection.exec_driver_sql(
        f"INSERT INTO run_again ({columns}) SELECT {columns} FROM run", execution_options=plain
    )
    op.drop_table("run")
    op.rename_table("run_again", "run")
    for index in indices:
        connection.exec_driver_sql(index, execution_options=plain)


def changed_clauses(body: str) -> Iterator[str]:
    """Yield a table's clauses without the columns that moved; one has to refer to them now."""
    for clause in split(body):
        name = clause.split(maxsplit=1)[0].strip('"')
        if name == KEY:
            yield f"{KEY} INTEGER NOT NULL"
        elif name not in MOVED:
            yield clause
    yield f"CONSTRAINT {FOREIGN} FOREIGN KEY({KEY}) REFERENCES configuration ({KEY})"


def split(body: str) -> list[str]:
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
