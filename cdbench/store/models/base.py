"""What all tables share, and how one is made of a class: by SQLAlchemy's Core alone.

Its ORM, whose declarations these look like, would take a third of the time of a command that reads,
and nothing here would use it.
"""

from datetime import datetime
from types import NoneType
from typing import Any, ClassVar, get_args

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


LARGE = Integer().with_variant(BigInteger(), "postgresql")
"""Integers beyond 2**31; SQLite's own integers are large enough."""

_TYPES: dict[type, Any] = {
    bool: Boolean,
    bytes: LargeBinary,
    datetime: DateTime,
    float: Double,
    int: Integer,
    str: String,
}


class _Asked:
    """What a class says of one of its columns, beside its annotation."""

    def __init__(self, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        self.arguments, self.options = arguments, options

    def column(self, name: str, annotation: Any) -> Column[Any]:
        """Return the column; its type and whether it may be NULL are those of ``Column[...]``."""
        (annotated,) = get_args(annotation)
        kinds = get_args(annotated) or (annotated,)
        (kind,) = (one for one in kinds if one is not NoneType)
        # A foreign key has the type of what it refers to.
        arguments = self.arguments or (_TYPES[kind],)
        return Column(name, *arguments, nullable=NoneType in kinds, **self.options)


def column(*arguments: Any, **options: Any) -> Any:
    """Return what becomes a column of a table: SQLAlchemy's ``Column`` but for name and type.

    Parameters
    ----------
    *arguments
        A type where the annotation's is not meant, or what the column refers to.
    **options
        Those of ``Column``.
    """
    return _Asked(arguments, options)


class Base:
    """Base of all tables; every constraint has a name, so that migrations can find it.

    Attributes
    ----------
    metadata : MetaData
        All tables.
    models : dict
        The classes, by their tables' names.
    __table__ : Table
        Of a class: its table, with the columns that are annotated as such, and ``__table_args__``.
    """

    metadata: ClassVar[MetaData] = MetaData(naming_convention=NAMING_CONVENTION)
    models: ClassVar[dict[str, type["Base"]]] = {}
    __tablename__: ClassVar[str]
    __table_args__: ClassVar[tuple[Any, ...]] = ()
    __table__: ClassVar[Table]

    def __init_subclass__(cls) -> None:
        annotated = {name: kind for name, kind in cls.__annotations__.items() if name in vars(cls)}
        columns = [vars(cls)[name].column(name, kind) for name, kind in annotated.items()]
        cls.__table__ = Table(cls.__tablename__, Base.metadata, *columns, *cls.__table_args__)
        Base.models[cls.__tablename__] = cls


def integer_key(comment: str) -> Any:
    """Return an integer column of the primary key."""
    return column(primary_key=True, comment=comment)


def order_of_writing() -> Any:
    """Return the column that shows which row is newest; `cdbench/store/sequences.py` fills it."""
    return column(
        LARGE,
        index=True,
        server_default="0",
        comment="Order of writing, the largest is the newest: microseconds since 1970, UTC, but "
        "always more than any before in this database.",
    )


def of_run() -> ForeignKey:
    """Return a foreign key to the run that a row belongs to; deleting the run deletes the row."""
    return ForeignKey("run.run_id", ondelete="CASCADE")
