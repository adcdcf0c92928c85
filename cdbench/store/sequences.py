"""The order in which rows were written, without relying on the clock."""

import time

from sqlalchemy import Connection, func, select

from cdbench.store.insert import table_of
from cdbench.store.models import Base


def next_sequences(connection: Connection, model: type[Base], number: int) -> range:
    """Return sequence numbers for rows that are about to be written.

    They are the time in microseconds, so that rows are in order after two databases are merged. But
    they are always larger than any in the table, so that a row written while the clock was ahead
    never hides a later one.

    Parameters
    ----------
    connection : Connection
        The transaction that writes the rows.
    model : type
        The model of their table.
    number : int
        How many rows.
    """
    largest = connection.execute(select(func.max(table_of(model).c.sequence))).scalar() or 0
    first = max(time.time_ns() // 1000, largest + 1)
    return range(first, first + number)
