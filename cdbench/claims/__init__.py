"""The paper's claims, one a file, in the paper's order; ``CLAIMS`` is the ledger's list."""

from cdbench.claims.base import Bench, Claim, Measurements, Needs, union

CLAIMS: dict[str, Claim] = {claim.name: claim for claim in ()}

__all__ = ["CLAIMS", "Bench", "Claim", "Measurements", "Needs", "union"]
