"""The order in which rows were written, which does not trust the clock."""

import time

from sqlalchemy import Connection, func, select

from cdbench.store.insert import table_of
from cdbench.store.models import Base


def next_sequences(connection: Connection, model: type[Base], number: int) -> range:
    """Return the numbers of rows that are about to be written.

    They are the time in microseconds, so that rows of two databases stand in order where these
    become one; but always more than any of the table's, so that no row from a clock that is ahead
    hides a later one.

    Parameters
    ----------
    connection : Connection
        The transaction that writes them.
    model : type
        Of their table.
    number : int
        How many rows.
    """
    largest = connection.execute(select(func.max(table_of(model).c.sequence))).scalar() or 0
    first = max(time.time_ns() // 1000, largest + 1)
    return range(first, first + number)
