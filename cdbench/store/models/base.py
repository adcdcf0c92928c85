"""What all tables share."""

from sqlalchemy import BigInteger, ForeignKey, Integer, MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


LARGE = Integer().with_variant(BigInteger(), "postgresql")
"""Integers beyond 2**31; SQLite's own integers are large enough."""


class Base(DeclarativeBase):
    """Base of all tables; every constraint has a name, so that migrations can find it."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


def integer_key(comment: str) -> Mapped[int]:
    """Return an integer column of the primary key."""
    return mapped_column(primary_key=True, comment=comment)


def order_of_writing() -> Mapped[int]:
    """Return the column that shows which row is newest; `cdbench/store/sequences.py` fills it."""
    return mapped_column(
        LARGE,
        index=True,
        server_default="0",
        comment="Order of writing, the largest is the newest: microseconds since 1970, UTC, but "
        "always more than any before in this database.",
    )


def of_run() -> ForeignKey:
    """Return a foreign key to the run that a row belongs to; deleting the run deletes the row."""
    return ForeignKey("run.run_id", ondelete="CASCADE")
