"""What a table holds, in 64 digits that are the same on SQLite and on PostgreSQL."""

import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, String, Table, select

from cdbench.store.upkeep.streaming import Reader


@dataclass(frozen=True)
class Fingerprint:
    """How many rows a table has, and the SHA-256 of them.

    Attributes
    ----------
    table : str
        Its name.
    n_rows : int
        Number of rows.
    digest : str
        SHA-256 of the rows as Python writes them, which tells every float, time and text from every
        other, by primary key. SQLite has no negative zero, so that the two zeros are one.
    """

    table: str
    n_rows: int
    digest: str


def fingerprint(reader: Reader, table: Table) -> Fingerprint:
    """Return what a table holds.

    Raises
    ------
    StoreError
        If it cannot be read.
    """
    digest, n_rows = hashlib.sha256(), 0
    question = select(table).order_by(*_in_order(reader.connection, table))
    for rows in reader.chunks(question):
        n_rows += len(rows)
        texts = map(repr, rows)
        digest.update(
            "".join(
                text + "\n" if "-0.0" not in text else repr(_without_negative_zero(row)) + "\n"
                for text, row in zip(texts, rows, strict=True)
            ).encode()
        )
    return Fingerprint(table.name, n_rows, digest.hexdigest())


def _in_order(connection: Connection, table: Table) -> list[Any]:
    """Return the primary key, its texts compared byte by byte on either database."""
    binary = "C" if connection.dialect.name == "postgresql" else "BINARY"
    return [
        column.collate(binary) if isinstance(column.type, String) else column
        for column in table.primary_key
    ]


def _without_negative_zero(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(value + 0.0 if isinstance(value, float) else value for value in row)
