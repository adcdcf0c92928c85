"""``cdbench plot --claim``: the numbers of claims with their intervals, from the database."""

from cdbench.cli import COMPLETED
from cdbench.cli.figure_output import FigureOutput


def plot_claims(db: str, names: list[str], put: FigureOutput) -> int:
    """Draw and write a figure of each claim; nothing is written until all are drawn."""
    from cdbench.api.figures.claim_figure import claim_figure
    from cdbench.claims.audit import find_claims
    from cdbench.store.database import open_for_reading

    claims = find_claims(names)
    database = open_for_reading(db, f"cdbench audit --claim {' '.join(names)}")
    figures = {f"claim-{claim.name}": claim_figure(database, claim) for claim in claims}
    put.put(figures)
    return COMPLETED
