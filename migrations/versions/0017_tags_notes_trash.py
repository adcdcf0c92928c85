"""Runs have tags and a note, and can be removed into a trash, from which they come back.

A run in the trash has the status removed, and a row of `trash` with the status that it had. All of
its rows stay where they are. The views change: they leave such runs out.

Revision: 0017, after 0016.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ENDED = "'completed', 'diverged', 'interrupted', 'failed'"

STATUS = (f"status IN ({ENDED})", f"status IN ({ENDED}, 'removed')")
DIVERGED = (
    "(status = 'diverged') = (diverged_epoch IS NOT NULL)",
    "status = 'removed' OR (status = 'diverged') = (diverged_epoch IS NOT NULL)",
)
"""Rules of `run`, as they were and as they are."""

NAMES = {"ck_run_status": STATUS, "ck_run_diverged": DIVERGED}


def upgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        _make_run_again()
    else:
        for name, (_, rule) in NAMES.items():
            op.drop_constraint(op.f(name), "run")
            op.create_check_constraint(op.f(name), "run", rule)
    op.create_table(
        "run_tag",
        *_of_run("run_tag"),
        sa.Column("tag", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "tag", name=op.f("pk_run_tag")),
    )
    op.create_index(op.f("ix_run_tag_tag"), "run_tag", ["tag"])
    op.create_table(
        "run_note",
        *_of_run("run_note"),
        sa.Column("note", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_run_note")),
    )
    op.create_table(
        "trash",
        *_of_run("trash"),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("removed_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(f"status IN ({ENDED})", name=op.f("ck_trash_status")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_trash")),
    )


def _of_run(table: str) -> tuple[sa.Column[int], sa.ForeignKeyConstraint]:
    name = op.f(f"fk_{table}_run_id")
    return (
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.run_id"], name=name, ondelete="CASCADE"),
    )


def _make_run_again() -> None:
    """Make the table anew with its own clauses, two of its rules changed, and the same rows."""
    connection = op.get_bind()
    plain = {"no_parameters": True}  # a % in a clause is a %

    def master(kind: str) -> list[str]:
        return list(
            connection.exec_driver_sql(
                "SELECT sql FROM sqlite_master "
                "WHERE type = ? AND tbl_name = 'run' AND sql IS NOT NULL",
                (kind,),
            ).scalars()
        )

    (made,), indices = master("table"), master("index")
    clauses = made[made.index("(") + 1 : made.rindex(")")]
    for before, after in NAMES.values():
        if clauses.count(f"CHECK ({before})") != 1:
            raise sa.exc.InvalidRequestError(
                f"the table run has not the rule {before}, as cdbench made it; restore a backup"
            )
        clauses = clauses.replace(f"CHECK ({before})", f"CHECK ({after})")
    connection.exec_driver_sql(f"CREATE TABLE run_again ({clauses})", execution_options=plain)
    connection.exec_driver_sql("INSERT INTO run_again SELECT * FROM run")
    op.drop_table("run")
    op.rename_table("run_again", "run")
    for index in indices:
        connection.exec_driver_sql(index, execution_options=plain)
