"""``cdbench plot``: every figure, by name or by option, from the database."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import typer

from cdbench.cli import COMPLETED
from cdbench.cli.figure_output import FigureOutput
from cdbench.cli.filters import WhereOption
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption, whole_number
from cdbench.errors import ConfigurationError
from cdbench.records.published import PUBLISHED_FIGURE_SEED


def plot(
    figures: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FIGURE",
            show_default=False,
            help="A figure, as --list names it, and of what it is to be: runs, a claim, a "
            "comparison, a study. Or several figures.",
        ),
    ] = None,
    lists: Annotated[
        bool, typer.Option("--list", help="List every figure: what it shows, and what it needs.")
    ] = False,
    where: WhereOption = None,
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
            "--seed",
            parser=whole_number,
            metavar="NUMBER",
            help="Seed of the runs that fig1, fig2 and spectra-kinds show.",
        ),
    ] = PUBLISHED_FIGURE_SEED,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            show_default=False,
            help="Folder of the figures, made if missing; of one figure, its file, or - for "
            "standard output. [default: figures]",
        ),
    ] = None,
    format: Annotated[  # noqa: A002 - the option's name
        Literal["png", "pdf", "svg"] | None,
        typer.Option("--format", show_default=False, help="Kind of file. [default: png]"),
    ] = None,
    theme: Annotated[
        Literal["paper", "screen", "dark"],
        typer.Option(
            "--theme",
            help="Black on white; for light slides and pages, without a background; or light on "
            "dark.",
        ),
    ] = "paper",
    open: Annotated[  # noqa: A002
        bool, typer.Option("--open", help="Open the files with the system's viewer.")
    ] = False,
    show: Annotated[
        bool,
        typer.Option(
            "--show",
            help="Show figures in this terminal, if it shows pictures (kitty, Ghostty, WezTerm, "
            "Konsole, iTerm2), and write only what --output names.",
        ),
    ] = False,
) -> int:
    """Draw figures from the database: of any runs, of the paper, of audits and comparisons.

    For example:

        cdbench plot --list

        cdbench plot curves --where "changes = ''"

        cdbench plot seeds --where "dataset = iris" --theme dark --output s.svg

        cdbench plot --fig1 --fig2

        cdbench plot --fig2 --seed 0 --output figure2.pdf

        cdbench plot --claims

        cdbench plot --claim language odd-heads

        cdbench plot --crossover

        cdbench plot --compare --name digits

        cdbench plot --study released --name digits mnist
    """
    if lists:
        return _list()
    asked = {"fig1": fig1, "fig2": fig2, "spectra-kinds": claims}
    alone = {"--compare": compare, "--claim": bool(claim), "--study": study is not None}
    _check(figures, any(asked.values()) or crossover, alone, name)
    put = FigureOutput(output, format, theme, show, open)
    if figures:
        from cdbench.cli.plot_named import plot_named

        return plot_named(db, figures, where, seed, put)
    if where is not None:
        raise ConfigurationError(
            "--where chooses runs for a figure of runs; expected one, as in cdbench plot curves "
            "--where 'dataset = iris'"
        )
    if any(alone.values()):
        return _plot_alone(db, claim, study, name, put)
    from cdbench.cli.plot_paper import plot_paper

    names = [name for name, wanted in asked.items() if wanted]
    return plot_paper(db, names, claims, crossover, seed, put)


def _list() -> int:
    from cdbench.api.figures.listed import figure_list
    from cdbench.cli.output import print_report

    print_report(figure_list())
    return COMPLETED


def _plot_alone(
    db: str,
    claim: list[str] | None,
    study: str | None,
    name: list[str] | None,
    put: FigureOutput,
) -> int:
    """Draw the figures that are drawn for themselves: of claims, of a study, of comparisons."""
    if claim:
        from cdbench.cli.plot_claim import plot_claims

        return plot_claims(db, claim, put)
    if study is not None:
        from cdbench.cli.plot_study import plot_study

        return plot_study(db, study, name, put)
    from cdbench.cli.plot_comparison import plot_comparison

    return plot_comparison(db, name, put)


def _check(
    figures: list[str] | None, others: bool, alone: Mapping[str, bool], name: list[str] | None
) -> None:
    """Raise ConfigurationError unless figures are named that go together."""
    given = [option for option, is_given in alone.items() if is_given]
    if len(given) > 1 or (given and others):
        raise ConfigurationError(
            f"{given[0]} was given with other figures; expected cdbench plot {given[0]} alone"
        )
    if figures and (given or others):
        raise ConfigurationError(
            f"{figures[0]} was given with options that name figures too; expected names alone, as "
            "in cdbench plot fig1 fig2"
        )
    if name and not (alone["--compare"] or alone["--study"]):
        raise ConfigurationError(
            "--name is of --compare and --study; expected plot --compare --name NAME"
        )
    if not figures and not others and not given:
        raise ConfigurationError(
            "no figure was named; expected --fig1, --fig2 or both, --claims, --claim, --crossover, "
            "--compare or --study, or the name of any figure; to see them all: cdbench plot --list"
        )
