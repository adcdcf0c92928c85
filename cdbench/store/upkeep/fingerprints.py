"""A digest of a table's contents, which is the same on SQLite and PostgreSQL."""

import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, String, Table, select

from cdbench.store.upkeep.streaming import Reader


@dataclass(frozen=True)
class Fingerprint:
    """How many rows a table has, and their SHA-256.

    Attributes
    ----------
    table : str
        Its name.
    n_rows : int
        Number of rows.
    digest : str
        SHA-256 of the rows, ordered by primary key and written as Python's repr, which
        distinguishes all floats, times and texts. Negative zero counts as zero, as SQLite has none.
    """

    table: str
    n_rows: int
    digest: str


def fingerprint(reader: Reader, table: Table) -> Fingerprint:
    """Return the fingerprint of a table.

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
    """Return the primary key, with texts compared byte by byte on both databases."""
    binary = "C" if connection.dialect.name == "postgresql" else "BINARY"
    return [
        column.collate(binary) if isinstance(column.type, String) else column
        for column in table.primary_key
    ]


def _without_negative_zero(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(value + 0.0 if isinstance(value, float) else value for value in row)
