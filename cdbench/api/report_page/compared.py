"""A study and comparisons of families, as sections."""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cdbench.api.report_page.figures import drawings
from cdbench.api.report_page.gathered import Gathered, first_sentences, without
from cdbench.errors import MissingResultsError
from cdbench.reports.comparison import tables_of
from cdbench.reports.html.markup import identifier
from cdbench.reports.html.page import Section
from cdbench.reports.html.table import Source, Table
from cdbench.reports.study import study_reports
from cdbench.store.comparison_queries import stored_comparison
from cdbench.store.page_queries import (
    COMPARISON,
    DIFFERENCES,
    STUDY,
    newest_study,
    shown,
    study_key,
)
from cdbench.store.study_queries import stored_study

if TYPE_CHECKING:
    from cdbench.store.database import Database

ANY_WIDTH = 1000
"""Columns of a table of families; a page can scroll it."""

NO_STUDY = (
    "A study: none was begun; to make one, describe it under [studies.NAME] in cdbench.toml and "
    "cdbench compare --study NAME."
)


def study_section(database: "Database", name: str | None) -> Gathered:
    """Return a study's tables and figure: of this name, or the one that was begun last."""
    name = newest_study(database) if name is None else name
    if name is None:
        return Gathered(missing=NO_STUDY)
    found = stored_study(database, name)
    if not found.parts:
        told = f"no part has ended; to go on: cdbench compare --study {shlex.quote(name)}."
        return Gathered(missing=f"Study {name}: {told}")
    sql = shown(STUDY, id=study_key(database, name))
    answers, *families = study_reports(found, ANY_WIDTH)
    source = Source(sql, f"cdbench report --study {shlex.quote(name)}")
    parts = [
        Table("t-study", answers, source).html(),
        *drawings(database, ("study",), name),
        *(Table(f"t-study-{place}", one).html() for place, one in enumerate(families, 1)),
    ]
    finding = " ".join(answers.lead)
    return Gathered(Section("study", f"Study {name}", parts), finding)


def comparison_sections(database: "Database", names: Sequence[str]) -> list[Gathered]:
    """Return comparisons: those of these names, or the newest."""
    return [comparison_section(database, name) for name in dict.fromkeys(names) or (None,)]


def comparison_section(database: "Database", name: str | None) -> Gathered:
    """Return the tables and figures of one comparison; the newest may be missing."""
    try:
        found = stored_comparison(database, name)
    except MissingResultsError as error:
        if name is not None:
            raise
        return without(database, "A comparison", error)
    scores, rates, costs = tables_of(found, details=True)
    own = f"comparison-{identifier(found.name)}"
    models, differences = (shown(sql, id=found.comparison_id) for sql in (COMPARISON, DIFFERENCES))
    command = f"cdbench report --compare --name {found.name}"
    drawn = drawings(database, ("pareto", "rate-curves"), found.name)
    parts = [
        Table(f"t-{own}", scores, Source(f"{models};\n\n{differences};", command)).html(),
        *drawn[:1],
        Table(f"t-{own}-rates", rates, Source(models, command)).html(),
        *drawn[1:],
        Table(f"t-{own}-costs", costs, Source(models, command)).html(),
    ]
    finding = first_sentences(scores.lead)
    return Gathered(Section(own, f"Comparison {found.name}", parts), finding)
