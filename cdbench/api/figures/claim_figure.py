"""The figure of one claim, drawn from the database."""

from typing import TYPE_CHECKING

from cdbench.claims import Claim
from cdbench.plots import claim_numbers
from cdbench.store.database import Database
from cdbench.store.ledger_queries import judged_claim, measurements_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def claim_figure(database: Database, claim: Claim) -> "Figure":
    """Return the numbers of a claim with their intervals, as last judged.

    Raises
    ------
    MissingResultsError
        If it has not been judged.
    """
    judged = judged_claim(database, claim.name)
    return claim_numbers(
        measurements_of(database, claim.name),
        f"{claim.title}: {judged.judgement.verdict}",
        f"claim {claim.name} of {database.label} · seeds {judged.seeds}",
    )
