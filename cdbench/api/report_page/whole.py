"""The whole page on a database."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cdbench.api.report_page.compared import comparison_sections, study_section
from cdbench.api.report_page.gathered import Gathered
from cdbench.api.report_page.judged import claims_section
from cdbench.api.report_page.others import environments_section, runs_section, speed_section
from cdbench.api.report_page.paper import paper_section
from cdbench.plots.svg import page_colors
from cdbench.reports.html.markup import join
from cdbench.reports.html.page import page
from cdbench.reports.html.summary import facts, findings, missing_section
from cdbench.store.page_queries import totals

if TYPE_CHECKING:
    from cdbench.store.database import Database


def report_page(
    database: "Database", study: str | None = None, comparisons: Sequence[str] = ()
) -> str:
    """Return one page of HTML that tells what is in a database, and needs no other file.

    Parameters
    ----------
    database : Database
        Opened for reading.
    study : str, optional
        The study that it shows; by default the one that was begun last.
    comparisons : sequence of str, optional
        The comparisons that it shows; by default the newest, as of ``report --compare``.

    Returns
    -------
    str
        The same for the same database. What the database has nothing for is named at its end, with
        the command that makes it.

    Raises
    ------
    ConfigurationError
        If there is no study or comparison of a name.
    """
    held = totals(database)
    gathered: list[Gathered] = [
        paper_section(database),
        claims_section(database),
        study_section(database, study),
        *comparison_sections(database, comparisons),
        runs_section(database, held),
        speed_section(database),
        environments_section(database),
    ]
    sections = [one.section for one in gathered if one.section is not None]
    missing = [one.missing for one in gathered if one.missing]
    found = [
        (one.section.name, one.section.heading, one.finding)
        for one in gathered
        if one.section is not None and one.finding
    ]
    if missing:
        sections.append(missing_section(missing))
    lead = join(facts(held), findings(found))
    dark = page_colors([section.html() for section in sections])
    return page(database.label, "Results kept by cdbench", lead, sections, dark)
