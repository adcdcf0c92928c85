"""The ledger of the claims as they were last judged."""

from collections.abc import Sequence

from cdbench.claims import every_claim
from cdbench.records.judgement import REPLICATION
from cdbench.reports.claims import ledger
from cdbench.reports.formats import Report
from cdbench.statistics.estimands import NEW_DATA
from cdbench.statistics.holm import holm
from cdbench.store.database import Database
from cdbench.store.ledger_queries import decisive_measurements, stored_claims


def claims_report(names: Sequence[str], database: Database) -> Report:
    """Return the ledger of these claims, including those not in the database."""
    titles = {
        name: (position, claim.title, claim.published)
        for position, (name, claim) in enumerate(every_claim().items(), 1)
        if name in names
    }
    stored = stored_claims(database)
    about = {name for name, claim in every_claim().items() if claim.about == NEW_DATA}
    return ledger(
        titles,
        stored,
        database.label,
        replications=stored_claims(database, REPLICATION),
        decisive=decisive_measurements(database),
        adjusted=holm({n: c.p_value for n, c in stored.items() if c.p_value is not None}),
        about_new_data=about,
    )
