"""A run's layer family may have a structure, such as rank=8, and need neither be dense nor have a B.

`run.structure` is its canonical text. It is in a configuration only where it is not NULL, so that
no stored digest changes. The rule that only dense has no B is dropped, and no rule names families
any more. The index of observations by run goes: nothing asks by it, and it was a twenty-fifth of the
released file. The views change.

Revision: 0009, after 0008.
"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

RULE = "ck_run_block_size"


def upgrade() -> None:
    op.drop_index("ix_observation_run_id", "observation")
    op.add_column("run", sa.Column("structure", sa.String(), nullable=True))
    if op.get_context().dialect.name == "sqlite":
        _make_again_without_rule()
    else:
        op.drop_constraint(op.f(RULE), "run", type_="check")


def _make_again_without_rule() -> None:
    """Make the table anew with its own clauses but the rule, and the same rows with their keys."""
    connection = op.get_bind()
    (made,) = connection.exec_driver_sql(
        "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'run'"
    ).one()
    indices = connection.exec_driver_sql(
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'run' "
        "AND sql IS NOT NULL"
    ).scalars().all()  # fmt: skip
    clauses = without_rule(made[made.index("(") : made.rindex(")") + 1])
    plain = {"no_parameters": True}  # a % in a clause is a %
    # The others' references are to the name: the new table has to come to it, not the old to go.
    connection.exec_driver_sql(f"CREATE TABLE run_without_rule {clauses}", execution_options=plain)
    connection.exec_driver_sql("INSERT INTO run_without_rule SELECT * FROM run")
    op.drop_table("run")
    op.rename_table("run_without_rule", "run")
    for index in indices:
        connection.exec_driver_sql(index, execution_options=plain)


def without_rule(clauses: str) -> str:
    """Return the clauses of a table without the rule and the comma before it, as far as it has it."""
    found = re.search(rf',\s*CONSTRAINT "?{RULE}"? CHECK \(', clauses)
    if found is None:
        return clauses
    depth, end = 1, found.end()
    while depth:
        depth += (clauses[end] == "(") - (clauses[end] == ")")
        end += 1
    return clauses[: found.start()] + clauses[end:]
