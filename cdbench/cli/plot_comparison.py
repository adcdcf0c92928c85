"""``cdbench plot --compare``: the figures of a comparison, from the database."""

from pathlib import Path

from cdbench.cli import COMPLETED
from cdbench.cli.echo import echo
from cdbench.errors import OutputError
from cdbench.records.comparison import ComparedModel
from cdbench.system.home_folders import expanded


def plot_comparison(db: str, name: str | None, output: Path, form: str | None) -> int:
    """Draw and write every figure of a comparison; all are drawn before the first is written."""
    from cdbench.plots import COMPARISON_FIGURES, Competitor, figure_files, save_figure
    from cdbench.store.comparison_queries import rate_curves, stored_comparison
    from cdbench.store.database import open_for_reading

    database = open_for_reading(db, "cdbench compare")
    found = stored_comparison(database, name)
    curves = rate_curves(database, found.comparison_id)
    competitors = [
        Competitor(
            line.layer,
            _basis(line),
            line.budget,
            line.n_parameters,
            line.multiply_adds,
            line.accuracy,
            line.low,
            line.high,
            curves.get((line.model, line.hidden), ()),
            line.learning_rate,
        )
        for line in found.lines
        if line.accuracy is not None and line.low is not None and line.high is not None
    ]
    files = figure_files(Path(expanded(output, OutputError)), list(COMPARISON_FIGURES), form)
    source = (
        f"comparison {found.name} of {database.label} · {found.n_reported:,} runs reported, "
        f"{found.n_tuning:,} to choose the rates"
    )
    titles = {
        "pareto": f"Test accuracy against size · {found.name}",
        "rate-curves": f"How wide is the range of learning rates that works? · {found.name}",
    }
    figures = {
        own: draw(competitors, titles[own], source) for own, draw in COMPARISON_FIGURES.items()
    }
    for figure, path in zip(figures.values(), files, strict=True):
        if save_figure(figure, path, form):
            echo(f"wrote {path}")
    return COMPLETED


def _basis(line: ComparedModel) -> str:
    """Return what tells a model from others of its family at the same budget: words, not sizes."""
    parts = [part for part in (line.structure or "").split() if not part.split("=")[1].isdigit()]
    return " ".join(parts)
