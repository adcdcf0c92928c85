"""``cdbench report``: print tables from the database."""

from pathlib import PurePath
from typing import Annotated, Literal

import typer

from cdbench.cli import COMPLETED
from cdbench.cli.echo import echo
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption, whole_numbers
from cdbench.cli.output import claims_report, print_report
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
    """
    if table1 == claims:
        raise ConfigurationError(
            f"{'two reports were' if claims else 'no report was'} named; expected "
            "cdbench report --table1 or cdbench report --claims"
        )
    if claims and (seeds or B):
        raise ConfigurationError(
            "--seeds and --B are of --table1; a ledger is of the seeds that its audit had"
        )
    if short and not claims:
        raise ConfigurationError("--short is of --claims; expected report --claims --short")
    target = STANDARD_OUTPUT if output is None else expanded(output, OutputError)
    ending = PurePath(target).suffix.lower()
    if format is None and ending not in ENDINGS:
        raise ConfigurationError(
            f"--output {output}: no form of a report ends in {ending}; expected "
            f"{', '.join(filter(None, ENDINGS))}, or --format beside it"
        )
    form = format or ENDINGS[ending]
    built = _ledger(db, short) if claims else _table1(db, seeds, B)
    if target == STANDARD_OUTPUT:
        print_report(built, form)
    elif write_output(target, render(built, form).encode()):
        echo(f"wrote {target}")
    return COMPLETED


def _ledger(db: str, short: bool) -> Report:
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
