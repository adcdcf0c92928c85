"""Writing studies: the plan once, and which comparison each part is when it has ended."""

from datetime import UTC, datetime

from sqlalchemy import Connection, select, update

from cdbench.config.study import Study
from cdbench.store import models
from cdbench.store.database import Database
from cdbench.store.insert import insert_rows, table_of
from cdbench.store.run_rows import utc
from cdbench.store.sequences import next_sequences
from cdbench.store.steadfast import written

STUDY = table_of(models.Study)
PART = table_of(models.StudyPart)


def begin_study(database: Database, study: Study, command_line: str) -> None:
    """Write the plan of a study, if it is not there yet."""

    def find(connection: Connection) -> int | None:
        question = select(STUDY.c.study_id).where(STUDY.c.plan_digest == study.digest())
        found: int | None = connection.execute(question).scalar()
        return found

    def write(connection: Connection) -> int:
        known = find(connection)
        if known is not None:
            return known
        (number,) = next_sequences(connection, models.Study, 1)
        values = {
            "sequence": number,
            "name": study.name,
            "plan_json": study.canonical_json(),
            "plan_digest": study.digest(),
            "command_line": command_line,
            "started_at": utc(datetime.now(UTC)),
        }
        return insert_rows(connection, models.Study, [values])[0]

    written(database, write, find)


def note_part(database: Database, study: Study, part: str, comparison_digest: str) -> None:
    """Write which comparison a part is; its data may have changed since an earlier time.

    Parameters
    ----------
    database : Database
        Where the study has been begun.
    study : Study
        The study.
    part : str
        Name of its part.
    comparison_digest : str
        Digest of the comparison's plan.
    """
    own = (PART.c.study_digest == study.digest()) & (PART.c.part == part)

    def write(connection: Connection) -> None:
        known = connection.execute(select(PART.c.comparison_digest).where(own)).scalar()
        if known is None:
            values = {
                "study_digest": study.digest(),
                "part": part,
                "comparison_digest": comparison_digest,
            }
            insert_rows(connection, models.StudyPart, [values])
        elif known != comparison_digest:
            connection.execute(update(PART).where(own).values(comparison_digest=comparison_digest))

    written(database, write, lambda _: None)
