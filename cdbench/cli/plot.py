"""``cdbench plot``: the figures of the paper, of the audit and of benchmarks, from the database."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import typer

from cdbench.cli import COMPLETED
from cdbench.cli.echo import echo
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption, whole_number
from cdbench.errors import ConfigurationError, OutputError
from cdbench.records.published import PUBLISHED_FIGURE_SEED
from cdbench.system.home_folders import expanded


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
            help="The audit's figures: kappa-seeds, theorem2, kappa-epochs, kappa-floors, "
            "accuracy-parameters, spectra-kinds.",
        ),
    ] = False,
    claim: Annotated[
        list[str] | None,
        typer.Option(
            "--claim",
            metavar="NAME ...",
            show_default=False,
            help="Claims, by name or number: the numbers of each with their intervals.",
        ),
    ] = None,
    crossover: Annotated[
        bool,
        typer.Option("--crossover", help="Time of a layer against its width; newest benchmark."),
    ] = False,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare",
            help="Figures of the newest comparison, or of the one that --name names: pareto, "
            "rate-curves.",
        ),
    ] = False,
    name: Annotated[
        list[str] | None,
        typer.Option(
            "--name",
            metavar="TEXT ...",
            show_default=False,
            help="Name of a comparison; of several, the figure standings over all of them. With "
            "--study, parts of it to draw.",
        ),
    ] = None,
    study: Annotated[
        str | None,
        typer.Option(
            "--study",
            metavar="NAME",
            show_default=False,
            help="A study, by its name: every family beside the narrower dense network.",
        ),
    ] = None,
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
            help="Folder of the figures, made if missing; of one figure, its file, or - for "
            "standard output.",
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

        cdbench plot --claim language odd-heads

        cdbench plot --crossover

        cdbench plot --compare --name digits

        cdbench plot --study released --name digits mnist
    """
    asked = {"fig1": fig1, "fig2": fig2, "spectra-kinds": claims}
    alone = {"--compare": compare, "--claim": bool(claim), "--study": study is not None}
    _check(any(asked.values()) or crossover, alone, name)
    if any(alone.values()):
        return _plot_alone(db, claim, study, name, output, format)
    from cdbench.api.figures.drawn_runs import drawn_runs
    from cdbench.api.figures.figure_samples import READERS
    from cdbench.plots import (
        FIGURES,
        KINDS_DRAWN,
        SAMPLE_FIGURES,
        draw_crossover,
        figure_files,
        save_figure,
    )
    from cdbench.store.benchmark_queries import stored_benchmark
    from cdbench.store.database import FIRST_COMMAND, open_for_reading

    names = [name for name, wanted in asked.items() if wanted]
    names += [*(SAMPLE_FIGURES if claims else ()), *(["crossover"] if crossover else ())]
    files = figure_files(Path(expanded(output, OutputError)), names, format)
    first = FIRST_COMMAND if fig1 or fig2 else "cdbench audit" if claims else "cdbench bench"
    database = open_for_reading(db, first)
    # Samples are read before runs, so that if both are missing, the error names the audit, which
    # should come first. All figures are drawn before the first is written.
    samples = {name: READERS[name](database) for name in SAMPLE_FIGURES if claims}
    figures = {
        name: FIGURES[name](*drawn_runs(database, seed, KINDS_DRAWN.get(name, ())))
        for name, wanted in asked.items()
        if wanted
    }
    figures |= {name: SAMPLE_FIGURES[name](*given) for name, given in samples.items()}
    if crossover:
        source, timings = stored_benchmark(database)
        figures["crossover"] = draw_crossover(timings, source)
    for own, path in zip(names, files, strict=True):
        if save_figure(figures[own], path, format):
            echo(f"wrote {path}")
    return COMPLETED


def _plot_alone(
    db: str,
    claim: list[str] | None,
    study: str | None,
    name: list[str] | None,
    output: Path,
    form: str | None,
) -> int:
    """Draw the figures that are drawn for themselves: of claims, of a study, of comparisons."""
    if claim:
        from cdbench.cli.plot_claim import plot_claims

        return plot_claims(db, claim, output, form)
    if study is not None:
        from cdbench.cli.plot_study import plot_study

        return plot_study(db, study, name, output, form)
    from cdbench.cli.plot_comparison import plot_comparison

    return plot_comparison(db, name, output, form)


def _check(others: bool, alone: Mapping[str, bool], name: list[str] | None) -> None:
    """Raise ConfigurationError unless figures are named that go together."""
    given = [option for option, is_given in alone.items() if is_given]
    if len(given) > 1 or (given and others):
        raise ConfigurationError(
            f"{given[0]} was given with other figures; expected cdbench plot {given[0]} alone"
        )
    if name and not (alone["--compare"] or alone["--study"]):
        raise ConfigurationError(
            "--name is of --compare and --study; expected plot --compare --name NAME"
        )
    if not others and not given:
        raise ConfigurationError(
            "no figure was named; expected --fig1, --fig2 or both, --claims, --claim, --crossover, "
            "--compare or --study"
        )
