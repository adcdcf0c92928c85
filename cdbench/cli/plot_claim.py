"""``cdbench plot --claim``: the numbers of claims with their intervals, from the database."""

from pathlib import Path

from cdbench.cli import COMPLETED
from cdbench.cli.echo import echo
from cdbench.errors import MissingResultsError, OutputError
from cdbench.system.home_folders import expanded


def plot_claims(db: str, names: list[str], output: Path, form: str | None) -> int:
    """Draw and write a figure of each claim; nothing is written until all are drawn."""
    from cdbench.claims.audit import find_claims
    from cdbench.plots import claim_numbers, figure_files, save_figure
    from cdbench.store.database import open_for_reading
    from cdbench.store.ledger_queries import measurements_of, stored_claims

    claims = find_claims(names)
    database = open_for_reading(db, f"cdbench audit --claim {' '.join(names)}")
    stored = stored_claims(database)
    figures = {}
    for claim in claims:
        if claim.name not in stored:
            raise MissingResultsError(
                f"{database.name}: claim {claim.name} has not been judged; to do so: cdbench audit "
                f"--claim {claim.name}"
            )
        judged = stored[claim.name]
        figures[f"claim-{claim.name}"] = claim_numbers(
            measurements_of(database, claim.name),
            f"{claim.title}: {judged.judgement.verdict}",
            f"claim {claim.name} of {database.label} · seeds {judged.seeds}",
        )
    files = figure_files(Path(expanded(output, OutputError)), list(figures), form)
    for figure, path in zip(figures.values(), files, strict=True):
        if save_figure(figure, path, form):
            echo(f"wrote {path}")
    return COMPLETED
