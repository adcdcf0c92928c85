"""``cdbench report``: print tables from the database."""

from pathlib import PurePath
from typing import Annotated, Literal

import typer

from cdbench.cli import COMPLETED
from cdbench.cli.echo import echo
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption, whole_numbers
from cdbench.cli.output import print_report
from cdbench.config.run_config import RunConfig
from cdbench.errors import ConfigurationError, OutputError
from cdbench.records.published import PUBLISHED_SEEDS
from cdbench.reports.formats import Report, render
from cdbench.system.home_folders import expanded
from cdbench.system.output_files import STANDARD_OUTPUT, write_output

FormatOption = Annotated[
    Literal["table", "markdown", "latex", "csv", "json"],
    typer.Option("--format", help="Form of the report."),
]


ENDINGS = {".md": "markdown", ".markdown": "markdown", ".tex": "latex", ".csv": "csv"}
ENDINGS |= {".json": "json", ".txt": "table", "": "table"}
"""Formats of a report, by the ending of its file's name."""


def report(
    table1: Annotated[
        bool, typer.Option("--table1", help="The paper's Table 1, published beside measured.")
    ] = False,
    claims: Annotated[
        bool, typer.Option("--claims", help="The paper's claims as the last audit judged them.")
    ] = False,
    compare: Annotated[
        bool, typer.Option("--compare", help="The newest comparison, or the one that --name names.")
    ] = False,
    study: Annotated[
        str | None,
        typer.Option(
            "--study", metavar="NAME", show_default=False, help="What came of a study, by its name."
        ),
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(
            "--name",
            metavar="TEXT ...",
            show_default=False,
            help="Name of a comparison; of several, how the families fare over all of them.",
        ),
    ] = None,
    short: Annotated[
        bool, typer.Option("--short", help="Of the claims only the verdicts, a line each.")
    ] = False,
    db: DatabaseOption = DEFAULT_DATABASE,
    seeds: Annotated[
        list[int] | None,
        typer.Option(
            "--seeds",
            parser=whole_numbers,
            metavar="NUMBER ...",
            help=r"Seeds to average over. \[default: 0 1 2]",
        ),
    ] = None,
    B: Annotated[
        list[int] | None,
        typer.Option(
            "--B",
            parser=whole_numbers,
            metavar="NUMBER ...",
            help=r"Block sizes to show beside dense. \[default: 4 8]",
        ),
    ] = None,
    format: Annotated[  # noqa: A002 - the option's name
        Literal["table", "markdown", "latex", "csv", "json"] | None,
        typer.Option(
            "--format",
            show_default=False,
            help=r"Form of the report. \[default: by the ending of --output, else table]",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            metavar="PATH",
            help="Write to this file, or stream, instead of the screen; - is standard output.",
        ),
    ] = None,
) -> int:
    """Print a table made from the newest completed runs in the database.

    For example:

        cdbench report --table1

        cdbench report --table1 --B 1 3 4 5 7 8

        cdbench report --table1 --output table1.tex

        cdbench report --claims --short

        cdbench report --claims --format markdown

        cdbench report --compare --name digits

        cdbench report --compare --name digits wine breast_cancer

        cdbench report --study released
    """
    _check(table1, claims, compare, study, name, short, seeds, B)
    target = STANDARD_OUTPUT if output is None else expanded(output, OutputError)
    ending = PurePath(target).suffix.lower()
    if format is None and ending not in ENDINGS:
        raise ConfigurationError(
            f"--output {output}: no form of a report ends in {ending}; expected "
            f"{', '.join(filter(None, ENDINGS))}, or --format beside it"
        )
    form = format or ENDINGS[ending]
    if compare:
        built = _comparison(db, name, form)
    elif study is not None:
        built = _study(db, study, form)
    else:
        built = [_ledger(db, short) if claims else _table1(db, seeds, B)]
    if form == "csv":  # which has no place for sentences
        for sentence in built[0].lead:
            echo(sentence, err=True)
    if target == STANDARD_OUTPUT:
        for place, one in enumerate(built):
            if place:
                echo()
            print_report(one, form)
    elif write_output(target, "\n".join(render(one, form) for one in built).encode()):
        echo(f"wrote {target}")
    return COMPLETED


def _check(
    table1: bool,
    claims: bool,
    compare: bool,
    study: str | None,
    name: list[str] | None,
    short: bool,
    seeds: list[int] | None,
    B: list[int] | None,
) -> None:
    """Raise ConfigurationError unless one report is named, with its own options only."""
    n_named = table1 + claims + compare + (study is not None)
    if n_named != 1:
        raise ConfigurationError(
            f"{'several reports were' if n_named else 'no report was'} named; expected one of "
            "cdbench report --table1, --claims, --compare and --study NAME"
        )
    if not table1 and (seeds or B):
        raise ConfigurationError(
            "--seeds and --B are of --table1; a ledger and a comparison are of the seeds that "
            "they were made with"
        )
    if short and not claims:
        raise ConfigurationError("--short is of --claims; expected report --claims --short")
    if name and not compare:
        raise ConfigurationError("--name is of --compare; expected report --compare --name NAME")


def _comparison(db: str, names: list[str] | None, form: str) -> list[Report]:
    """Return a comparison's tables; as data, the first has all that they show."""
    from cdbench.reports.comparison import tables_of
    from cdbench.store.comparison_queries import stored_comparison
    from cdbench.store.database import open_for_reading

    database = open_for_reading(db, "cdbench compare")
    if names and len(names) > 1:
        from cdbench.api.over_comparisons import over_comparisons
        from cdbench.reports.over_tasks import ranked

        measure, over = over_comparisons(database, names)
        return [ranked(own, budget, measure) for budget, own in over.items()]
    tables = tables_of(stored_comparison(database, names[0] if names else None))
    return tables[:1] if form in ("csv", "json") else tables


def _study(db: str, name: str, form: str) -> list[Report]:
    """Return a study's tables; as data, the first has all that they show."""
    from cdbench.reports.study import study_reports
    from cdbench.store.database import open_for_reading
    from cdbench.store.study_queries import stored_study

    tables = study_reports(stored_study(open_for_reading(db, "cdbench compare --study NAME"), name))
    return tables[:1] if form in ("csv", "json") else tables


def _ledger(db: str, short: bool) -> Report:
    from cdbench.api.ledger import claims_report
    from cdbench.claims import every_claim
    from cdbench.reports.claims import shortened
    from cdbench.store.database import open_for_reading

    report = claims_report(list(every_claim()), open_for_reading(db, "cdbench audit"))
    return shortened(report) if short else report


def _table1(db: str, seeds: list[int] | None, B: list[int] | None) -> Report:
    seeds = seeds or list(PUBLISHED_SEEDS)
    for name, values in (("seeds", seeds), ("B", B or [])):
        if len(set(values)) < len(values):
            raise ConfigurationError(f"{name}: {values} repeats a value; expected each once")
    from cdbench.reports.table1 import table1 as build
    from cdbench.reports.table1 import table1_configs
    from cdbench.store.database import open_for_reading
    from cdbench.store.queries import newest_runs

    rows = table1_configs(seeds, B or None)
    every: list[RunConfig] = [config for configs in rows.values() for config in configs]
    return build(rows, newest_runs(open_for_reading(db), every))
