"""Parts of studies that are another comparison in one database than in another."""

import shlex
from collections.abc import Iterator

from sqlalchemy import select

from cdbench.store.insert import table_of
from cdbench.store.models import Study, StudyPart
from cdbench.store.upkeep.streaming import Reader, Row

STUDY, PART = table_of(Study), table_of(StudyPart)


def differing_parts(here: Reader, there: Reader) -> Iterator[str]:
    """Yield a line for each part that both databases have, but not as the same comparison.

    Of the same study, by its digest, that is so where the data, or what cdbench makes of the
    options, were not the same. Both comparisons are kept; the row of ``study_part`` names one.
    """
    ours = {(study, part): digest for study, _, part, digest in _parts(here)}
    for study, name, part, digest in _parts(there):
        if ours.get((study, part), digest) != digest:
            other = shlex.join(["cdbench", "report", "--study", name, "--db", there.name])
            yield (
                f"part {part} of the study {name} is another comparison in {there.name}, which has "
                f"come too; {here.name} keeps its own; to see the other: {other}"
            )


def _parts(reader: Reader) -> Iterator[Row]:
    question = (
        select(PART.c.study_digest, STUDY.c.name, PART.c.part, PART.c.comparison_digest)
        .join_from(PART, STUDY, PART.c.study_digest == STUDY.c.plan_digest)
        .order_by(PART.c.study_part_id)
    )
    for rows in reader.chunks(question):
        yield from rows
