"""``cdbench plot``: the paper's figures from the database."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cdbench.cli import COMPLETED
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption, whole_number
from cdbench.config import RunConfig
from cdbench.errors import ConfigurationError, MissingResultsError

if TYPE_CHECKING:
    from cdbench.plots.base import PlottedRun
    from cdbench.store.database import Database

PUBLISHED_FIGURE_SEED = 2
"""The seed of the paper's figures, as in its released code."""


def plot(
    fig1: Annotated[
        bool, typer.Option("--fig1", help="Figure 1: training loss and test accuracy.")
    ] = False,
    fig2: Annotated[
        bool, typer.Option("--fig2", help="Figure 2: spectra of the last weight layer.")
    ] = False,
    db: DatabaseOption = DEFAULT_DATABASE,
    seed: Annotated[
        int,
        typer.Option(
            "--seed", parser=whole_number, metavar="INT", help="Seed whose runs are shown."
        ),
    ] = PUBLISHED_FIGURE_SEED,
    output: Annotated[
        Path, typer.Option("--output", help="Folder of the figures; made if missing.")
    ] = Path("figures"),
    format: Annotated[  # noqa: A002 - the option's name
        Literal["png", "pdf", "svg"], typer.Option("--format", help="Kind of file.")
    ] = "png",
) -> int:
    """Draw the paper's figures from the newest completed runs in the database.

    For example:

        cdbench plot --fig1 --fig2

        cdbench plot --fig2 --seed 0 --format pdf --output paper
    """
    names = [name for name, asked in (("fig1", fig1), ("fig2", fig2)) if asked]
    if not names:
        raise ConfigurationError("no figure was named; expected --fig1, --fig2 or both")
    from cdbench.plots import FIGURES, save_figure
    from cdbench.reports.table1 import table1_configs
    from cdbench.store.database import open_for_reading

    configs = [config for (config,) in table1_configs([seed]).values()]
    database = open_for_reading(db)
    runs = _runs(database, configs, seed)
    numbers = ", ".join(str(run.run_id) for run in runs)
    source = f"runs {numbers} of {database.path.name} · digits · seed {seed}"
    for name in names:
        path = save_figure(FIGURES[name](runs, source), output, name, format)
        typer.echo(f"wrote {path}")
    return COMPLETED


def _runs(database: "Database", configs: list[RunConfig], seed: int) -> "list[PlottedRun]":
    """Return the runs of the paper's three models with this seed."""
    from cdbench.plots.base import PlottedRun
    from cdbench.store.queries import epochs_of, newest_runs, spectra_of

    found = newest_runs(database, configs)
    if len(found) < len(configs):
        raise MissingResultsError(
            f"{database.path}: the figures need runs of dense, B = 4 and B = 8 with seed {seed}; "
            f"to train them: cdbench sweep --B 4 8 --seeds {seed} --resume"
        )
    return [
        PlottedRun(
            run_id=found[config].run_id,
            model=config.model,
            layer=config.layer,
            B=config.B,
            seed=seed,
            n_parameters=found[config].n_parameters,
            widths=tuple(int(width) for width in found[config].widths.split("→")),
            epochs=epochs_of(database, found[config].run_id),
            spectra=spectra_of(database, found[config].run_id),
        )
        for config in configs
    ]
