"""The reports that a user asks for, by their names."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cdbench.api.report_tables import REPORTS, Asked, overview
from cdbench.errors import ConfigurationError
from cdbench.reports.formats import Report


def tables_asked_for(name: str, db: str, options: Mapping[str, Any]) -> list[Report]:
    """Return the tables of a report; at least one.

    Parameters
    ----------
    name : str
        One of REPORTS, ``list`` for these themselves, or "" for the overview.
    db : str
        The database, as it was typed.
    options : mapping
        Fields of Asked, None where nothing was given.

    Raises
    ------
    ConfigurationError
        If an option's values are repeated, or name what is not there.
    StoreError
        If the database cannot be read, or has none of it.
    """
    for option in ("seeds", "B"):
        values = options.get(option) or ()
        if len(set(values)) < len(values):
            raise ConfigurationError(f"{option}: {values} repeats a value; expected each once")
    given: dict[str, Any] = {
        field: tuple(value) if isinstance(value, list) else value
        for field, value in options.items()
        if value is not None
    }
    kind = REPORTS.get(name)
    if kind is None:
        return (every_report if name == "list" else overview)(Asked(db, **given))
    return kind.tables(Asked(db, kind.maker, **given))


def every_report(asked: Asked) -> list[Report]:
    """Return the table of the reports, with how much there is of each."""
    from cdbench.reports.overview import reports_listed
    from cdbench.store.overview_queries import contents

    found = contents(asked.database)
    there = {name: len(own) for name, own in found.names.items()} | found.counts
    there = {kind: there[of] for kind, of in _COUNTED.items()} | {"group_by": found.n_completed}
    rows = [("", "what the database holds, data set by data set", f"{len(found.datasets):,}")]
    rows.append(("--html FILE", "all that matters as one page", "–"))
    rows += [
        (kind.option, kind.shows, f"{there[name]:,}" if name in there else "–")
        for name, kind in REPORTS.items()
    ]
    return [reports_listed(rows, found.source)]


_COUNTED = {
    "claims": "claims",
    "compare": "comparisons",
    "study": "studies",
    "sweep": "sweeps",
    "benchmark": "benchmarks",
}
"""What there may be several of, by the report that shows it."""


def captioned(tables: Sequence[Report], caption: str | None, label: str | None) -> list[Report]:
    """Return the tables with a caption and a label for LaTeX; of several, numbered from the second.

    Where none is given, the report's own stay.
    """
    return [
        replace(
            one,
            caption=caption if caption and place == 1 else one.caption,
            label=label and (label if place == 1 else f"{label}-{place}"),
        )
        for place, one in enumerate(tables, 1)
    ]
