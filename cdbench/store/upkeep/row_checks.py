"""Checking that rows have their parents, values have the right types, and no rows are missing."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    Table,
    case,
    func,
    select,
    text,
)

from cdbench.store.models import Base
from cdbench.store.orphans import find_orphans
from cdbench.store.upkeep.findings import RETRAIN, Checked, Finding, counted

ORPHANS = "to remove what belongs to nothing: cdbench db vacuum"

NAN = float("nan")
"""PostgreSQL treats it as equal to itself."""

TIME = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*"
"""How a time begins when SQLite stores it as text."""

SPECTRA = (("spectrum", "spectrum_value", True), ("curvature", "curvature_node", False))
"""Tables, the tables of their points, and whether each row must have points."""


def check_foreign_keys(checked: Checked) -> Iterator[Finding]:
    """Find rows whose parent is missing."""
    for orphans in find_orphans(checked.connection):
        is_part = any(
            key.ondelete == "CASCADE" or key.parent.nullable
            for key in Base.metadata.tables[orphans.table].foreign_keys
            if key.parent.name == orphans.column
        )
        yield Finding(
            f"{counted(orphans.count, 'row', 'rows')} of {orphans.table}: no such {orphans.parent}",
            f"{orphans.column} {orphans.example}",
            ORPHANS if is_part else RETRAIN,
        )


def check_values(checked: Checked) -> Iterator[Finding]:
    """Find values of the wrong type, and NULL and NaN where they are not allowed."""
    for name in sorted(checked.tables):
        table = Base.metadata.tables[name]
        columns = [(column, _is_wrong(column, checked)) for column in table.columns]
        sums = [(column, wrong) for column, wrong in columns if wrong is not None]
        if not sums:
            continue
        counts = select(*(func.sum(case((wrong, 1), else_=0)) for _, wrong in sums))
        for (column, wrong), count in zip(
            sums, checked.connection.execute(counts).one(), strict=True
        ):
            if count:
                yield _of_value(checked, table, column, wrong, count)


def check_rules(checked: Checked) -> Iterator[Finding]:
    """Find rows that violate a rule of their table, such as an accuracy above 1."""
    for name in sorted(checked.tables):
        table = Base.metadata.tables[name]
        rules = [rule for rule in table.constraints if isinstance(rule, CheckConstraint)]
        for rule in sorted(rules, key=lambda rule: str(rule.name)):
            broken = text(f"NOT ({rule.sqltext})")
            question = select(func.count()).select_from(table).where(broken)
            count = checked.connection.execute(question).scalar_one()
            if count:
                row = checked.connection.execute(select(*table.primary_key).where(broken)).first()
                yield Finding(
                    f"{counted(count, 'row', 'rows')} of {name} violating {rule.sqltext}",
                    _where(table, row or ()),
                    RETRAIN,
                )


def check_gaps(checked: Checked) -> Iterator[Finding]:
    """Find spectra whose positions are not 1, 2, 3 and so on, or that have no numbers at all."""
    for name, points, needed in SPECTRA:
        if not {name, points} <= checked.tables:
            continue
        parent, point = Base.metadata.tables[name], Base.metadata.tables[points]
        (key,) = parent.primary_key
        own = point.c[key.name]
        n = func.count(point.c.position)
        gap = (func.min(point.c.position) != 1) | (func.max(point.c.position) != n)
        broken = (
            select(parent.c.run_id)
            .join_from(parent, point, key == own, isouter=True)
            .group_by(key, parent.c.run_id)
            .having(gap | (n == 0) if needed else gap)
            .subquery()
        )
        question = select(
            func.count(), func.count(broken.c.run_id.distinct()), func.min(broken.c.run_id)
        )
        count, n_runs, example = checked.connection.execute(question).one()
        if count:
            yield Finding(
                f"{counted(n_runs, 'run has', 'runs have')} gaps in the positions of "
                f"{counted(count, name, 'spectra' if needed else name)}",
                f"run {example}",
                RETRAIN,
            )


def _of_value(checked: Checked, table: Table, column: Any, wrong: Any, count: int) -> Finding:
    row = checked.connection.execute(select(*table.primary_key).where(wrong).limit(1)).one()
    kind = "a number" if isinstance(column.type, (Float, Integer, Boolean)) else "text"
    for other, words in ((DateTime, "a time"), (LargeBinary, "bytes")):
        kind = words if isinstance(column.type, other) else kind
    return Finding(
        f"{table.name}.{column.name} is not {kind} in {counted(count, 'row', 'rows')}",
        _where(table, row),
        RETRAIN,
    )


def _where(table: Table, row: Sequence[Any]) -> str:
    return ", ".join(f"{key.name} {v}" for key, v in zip(table.primary_key, row, strict=True))


def _is_wrong(column: "Column[Any]", checked: Checked) -> Any:
    """Return the SQL condition for a bad value, or None if the database itself prevents them."""
    if checked.connection.dialect.name == "postgresql":
        return column == NAN if isinstance(column.type, Float) else None
    kinds = ["real", "integer"] if isinstance(column.type, Float) else ["text"]
    if isinstance(column.type, (Integer, Boolean)):
        kinds = ["integer"]
    if isinstance(column.type, LargeBinary):
        kinds = ["blob"]
    if column.nullable:
        kinds.append("null")
    wrong: Any = ~func.typeof(column).in_(kinds)
    if isinstance(column.type, DateTime):
        wrong |= func.glob(TIME, column) == 0
    return wrong
