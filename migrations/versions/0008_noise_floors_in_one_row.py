"""All noise floors of a condition in one row, without what follows from the condition.

`noise_floor` had a row for each level, most of which was key. Now it has a column for each level's
κ and count. The damped κ follows from the condition's largest, smallest and effective rank, and is a
column of the view `noise_floors` only. The views change.

Revision: 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

POWERS = range(-9, 0)
"""Of the levels, which were the powers of ten from 1e-9 to 1e-1."""

KEY = ("run_id", "layer", "kind", "epoch")
OLD = sa.table("noise_floor_by_level", *map(sa.column, (*KEY, "level", "cut_kappa", "n_left")))
CONDITION = sa.table("condition_number", *map(sa.column, (*KEY, "step", "effective_rank")))


def upgrade() -> None:
    op.execute("CREATE TABLE noise_floor_by_level AS SELECT * FROM noise_floor")
    _refuse_unknown_rows()
    op.drop_table("noise_floor")
    new = op.create_table(
        "noise_floor",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("layer", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        *(sa.Column(f"cut_1e_{-power}", sa.Double(), nullable=False) for power in POWERS),
        *(sa.Column(f"left_1e_{-power}", sa.Integer(), nullable=False) for power in POWERS),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.run_id"], name="fk_noise_floor_run_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "layer", "kind", "epoch", name="pk_noise_floor"),
    )
    key = [OLD.c[name] for name in KEY]
    cut = [_at(power, OLD.c.cut_kappa) for power in POWERS]
    left = [_at(power, OLD.c.n_left) for power in POWERS]
    rows = sa.select(*key, *cut, *left).group_by(*key).order_by(*key)
    op.execute(sa.insert(new).from_select([column.name for column in new.columns], rows))
    op.drop_table("noise_floor_by_level")


def _is(power: int) -> sa.ColumnElement[bool]:
    """Return whether a row is of this level, which may differ from 1e-9 in its last bits."""
    return OLD.c.level.between(0.99 * 10.0**power, 1.01 * 10.0**power)


def _at(power: int, column: sa.ColumnElement[float]) -> sa.ColumnElement[float]:
    """Return a group's value at one level; NULL, which no column takes, where it has none."""
    return sa.func.max(sa.case((_is(power), column)))


def _refuse_unknown_rows() -> None:
    """Stop where a row would get lost, or its damped κ: cdbench never wrote such rows."""
    of_condition = sa.and_(*(CONDITION.c[name] == OLD.c[name] for name in KEY))
    ranked = (CONDITION.c.step == 0) & CONDITION.c.effective_rank.is_not(None)
    known = sa.select(CONDITION.c.run_id).where(of_condition, ranked).exists()
    one_of_nine = sa.or_(*map(_is, POWERS))
    unknown = sa.select(sa.func.count()).select_from(OLD).where(~(known & one_of_nine))
    n_unknown = op.get_bind().execute(unknown).scalar_one()
    if n_unknown:
        raise sa.exc.InvalidRequestError(
            f"{n_unknown} rows of noise_floor are of an unknown level or of a condition without "
            "effective rank, as cdbench never wrote them; delete those rows, and upgrade again"
        )
