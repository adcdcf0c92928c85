"""Writing comparisons: each is begun once, its runs are noted, and its lines written whole."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, delete, select, update

from cdbench.records.comparison import ComparedModel
from cdbench.store import models
from cdbench.store.database import Database
from cdbench.store.insert import insert_rows, table_of
from cdbench.store.run_rows import utc
from cdbench.store.sequences import next_sequences
from cdbench.store.steadfast import written

COMPARISON = table_of(models.Comparison)
COMPARISON_RUN = table_of(models.ComparisonRun)
LINE = table_of(models.ComparisonLine)


def begin_comparison(
    database: Database, name: str, measure: str, plan_json: str, plan_digest: str, command_line: str
) -> int:
    """Return the key of the comparison of this plan, which is written now if there is none yet.

    Its name gets a number where another comparison has it.
    """

    def find(connection: Connection) -> int | None:
        question = select(COMPARISON.c.comparison_id).where(COMPARISON.c.plan_digest == plan_digest)
        found: int | None = connection.execute(question).scalar()
        return found

    def write(connection: Connection) -> int:
        known = find(connection)
        if known is not None:
            return known
        (number,) = next_sequences(connection, models.Comparison, 1)
        taken = {*connection.execute(select(COMPARISON.c.name)).scalars()}
        own = name
        for i in count(2):
            if own not in taken:
                break
            own = f"{name}-{i}"
        values = {
            "uuid": str(uuid4()),
            "sequence": number,
            "name": own,
            "measure": measure,
            "plan_json": plan_json,
            "plan_digest": plan_digest,
            "command_line": command_line,
            "started_at": utc(datetime.now(UTC)),
        }
        return insert_rows(connection, models.Comparison, [values])[0]

    return written(database, write, find)


def end_comparison(
    database: Database,
    comparison_id: int,
    runs: Iterable[tuple[int, str]],
    lines: Sequence[ComparedModel],
) -> None:
    """Write a comparison's runs and lines in place of those that it had, in one transaction.

    Parameters
    ----------
    database : Database
        Where it is.
    comparison_id : int
        Its key.
    runs : iterable of (int, str)
        Keys of the runs that it rests on, each with its stage.
    lines : sequence of ComparedModel
        In the order of the table.
    """
    noted = [
        {"comparison_id": comparison_id, "run_id": run_id, "stage": stage} for run_id, stage in runs
    ]

    def write(connection: Connection) -> None:
        own = COMPARISON.c.comparison_id == comparison_id
        (number,) = next_sequences(connection, models.Comparison, 1)
        ended = {"ended_at": utc(datetime.now(UTC)), "sequence": number}
        connection.execute(update(COMPARISON).where(own).values(**ended))
        connection.execute(
            delete(COMPARISON_RUN).where(COMPARISON_RUN.c.comparison_id == comparison_id)
        )
        insert_rows(connection, models.ComparisonRun, noted)
        connection.execute(delete(LINE).where(LINE.c.comparison_id == comparison_id))
        rows = [_row(line) | {"comparison_id": comparison_id} for line in lines]
        keys = insert_rows(
            connection,
            models.ComparisonLine,
            [row | {"position": place} for place, row in enumerate(rows, 1)],
        )
        differences = [
            asdict(difference) | {"comparison_line_id": key}
            for key, line in zip(keys, lines, strict=True)
            for difference in line.differences
        ]
        insert_rows(connection, models.ComparisonDifference, differences)

    written(database, write, lambda _: None)


def _row(line: ComparedModel) -> dict[str, Any]:
    values = asdict(line)
    del values["differences"]
    return values
