"""``cdbench plot``: the figures of the paper, of the audit and of benchmarks, from the database."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cdbench.cli import COMPLETED
from cdbench.cli.echo import echo
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption, whole_number
from cdbench.errors import ConfigurationError, MissingResultsError, UnknownNameError

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
    claims: Annotated[
        bool,
        typer.Option(
            "--claims",
            help="The audit's figures: kappa-seeds, theorem2, kappa-epochs, accuracy-parameters, "
            "spectra-kinds.",
        ),
    ] = False,
    crossover: Annotated[
        bool,
        typer.Option("--crossover", help="Time of a layer against its width; newest benchmark."),
    ] = False,
    db: DatabaseOption = DEFAULT_DATABASE,
    seed: Annotated[
        int,
        typer.Option(
            "--seed", parser=whole_number, metavar="NUMBER", help="Seed whose runs are shown."
        ),
    ] = PUBLISHED_FIGURE_SEED,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            help="Folder of the figures, made if missing; of one figure, its file.",
        ),
    ] = Path("figures"),
    format: Annotated[  # noqa: A002 - the option's name
        Literal["png", "pdf", "svg"] | None,
        typer.Option("--format", show_default=False, help=r"Kind of file. \[default: png]"),
    ] = None,
) -> int:
    """Draw the paper's figures, the audit's and the benchmark's, from the database.

    For example:

        cdbench plot --fig1 --fig2

        cdbench plot --fig2 --seed 0 --output figure2.pdf

        cdbench plot --claims

        cdbench plot --crossover
    """
    asked = {"fig1": fig1, "fig2": fig2, "spectra-kinds": claims}
    if not any(asked.values()) and not crossover:
        raise ConfigurationError(
            "no figure was named; expected --fig1, --fig2 or both, --claims or --crossover"
        )
    from cdbench.cli.figure_samples import READERS
    from cdbench.plots import FIGURES, KINDS_DRAWN, SAMPLE_FIGURES, draw_crossover, save_figure
    from cdbench.store.benchmark_queries import stored_benchmark
    from cdbench.store.database import FIRST_COMMAND, open_for_reading

    n_figures = sum(asked.values()) + len(SAMPLE_FIGURES) * claims + crossover
    folder, stem, kind = _place(output, format, n_figures)
    first = FIRST_COMMAND if fig1 or fig2 else "cdbench audit" if claims else "cdbench bench"
    database = open_for_reading(db, first)
    # Samples are read before runs: where both lack, the audit is what to begin with. All figures
    # are drawn before the first is written.
    samples = {name: READERS[name](database) for name in SAMPLE_FIGURES if claims}
    figures = {
        name: FIGURES[name](*_runs(database, seed, KINDS_DRAWN.get(name, ())))
        for name, wanted in asked.items()
        if wanted
    }
    figures |= {name: SAMPLE_FIGURES[name](*given) for name, given in samples.items()}
    if crossover:
        source, timings = stored_benchmark(database)
        figures["crossover"] = draw_crossover(timings, source)
    for name, figure in figures.items():
        echo(f"wrote {save_figure(figure, folder, stem or name, kind)}")
    return COMPLETED


def _place(output: Path, format_name: str | None, n_figures: int) -> tuple[Path, str | None, str]:
    """Return folder, name of the file if it is named, and its kind, by the ending of the output."""
    from cdbench.plots.saving import FORMATS

    ending = output.suffix[1:].lower()
    if ending not in (*FORMATS, *OTHER_PICTURES) or output.is_dir():
        return output, None, format_name or "png"
    if ending not in FORMATS:
        raise UnknownNameError(f"kind of figure in --output {output}:", ending, FORMATS)
    if format_name not in (None, ending):
        raise ConfigurationError(
            f"--output {output} ends otherwise than --format {format_name}; expected one of the two"
        )
    if n_figures != 1:
        raise ConfigurationError(
            f"--output {output} is one file, for {n_figures} figures; expected a folder, as in "
            f"--output {output.stem}"
        )
    return output.parent, output.stem, ending


OTHER_PICTURES = ("jpg", "jpeg", "gif", "eps", "ps", "tif", "tiff", "webp", "bmp")
"""Endings of pictures that are not drawn; a folder is hardly called so."""


def _runs(database: "Database", seed: int, kinds: Sequence[str]) -> "tuple[list[PlottedRun], str]":
    """Return the runs of the paper's three models with this seed, and a line that names them.

    Of runs that kept their spectra of these kinds the newest; an audit's runs do not keep them.
    """
    from cdbench.plots.base import PlottedRun
    from cdbench.plots.kinds import NETWORK
    from cdbench.reports.table1 import table1_configs
    from cdbench.store.figure_queries import curvature_of, runs_with_spectra
    from cdbench.store.queries import epochs_of, newest_runs, spectra_of

    configs = [config for (config,) in table1_configs([seed]).values()]
    stored = newest_runs(database, configs)
    sweep = f"cdbench sweep --B 4 8 --seeds {seed}"
    if len(stored) < len(configs):
        raise MissingResultsError(
            f"{database.name}: the figures need runs of dense, B = 4 and B = 8 with seed {seed}; "
            f"to train them: {sweep} --resume"
        )
    run_ids = runs_with_spectra(database, configs, kinds)
    if len(run_ids) < len(configs):
        again = f"{sweep} --curvature lanczos" if NETWORK in kinds else sweep
        raise MissingResultsError(
            f"{database.name}: the runs with seed {seed} did not keep the numbers of their "
            f"spectra, or not of every kind; to train them again: {again}"
        )
    runs = [
        PlottedRun(
            run_id=run_ids[config],
            model=config.model,
            layer=config.layer,
            B=config.B,
            seed=seed,
            n_parameters=stored[config].n_parameters,
            widths=tuple(int(width) for width in stored[config].widths.split("→")),
            epochs=epochs_of(database, run_ids[config]),
            spectra=spectra_of(database, run_ids[config]),
            curvature=curvature_of(database, run_ids[config]),
        )
        for config in configs
    ]
    numbers = ", ".join(str(run.run_id) for run in runs)
    return runs, f"runs {numbers} of {database.label} · digits · seed {seed}"
