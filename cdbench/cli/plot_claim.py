"""``cdbench plot --claim``: the numbers of claims with their intervals, from the database."""

from pathlib import Path

from cdbench.cli import COMPLETED
from cdbench.cli.echo import echo
from cdbench.errors import OutputError
from cdbench.system.home_folders import expanded


def plot_claims(db: str, names: list[str], output: Path, form: str | None) -> int:
    """Draw and write a figure of each claim; nothing is written until all are drawn."""
    from cdbench.api.figures.claim_figure import claim_figure
    from cdbench.claims.audit import find_claims
    from cdbench.plots import figure_files, save_figure
    from cdbench.store.database import open_for_reading

    claims = find_claims(names)
    database = open_for_reading(db, f"cdbench audit --claim {' '.join(names)}")
    figures = {f"claim-{claim.name}": claim_figure(database, claim) for claim in claims}
    files = figure_files(Path(expanded(output, OutputError)), list(figures), form)
    for figure, path in zip(figures.values(), files, strict=True):
        if save_figure(figure, path, form):
            echo(f"wrote {path}")
    return COMPLETED
