"""The options of ``cdbench report``, and which report each of them is of."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import typer

from cdbench.cli.options import whole_numbers
from cdbench.errors import ConfigurationError

FormatOption = Annotated[
    Literal["table", "markdown", "latex", "csv", "json"],
    typer.Option("--format", help="Form of the report."),
]

ReportFormatOption = Annotated[
    Literal["table", "markdown", "latex", "csv", "json"] | None,
    typer.Option(
        "--format",
        show_default=False,
        help="Form of the report. [default: by the ending of --output, else table]",
    ),
]


Table1Option = Annotated[
    bool, typer.Option("--table1", help="The paper's Table 1, published beside measured.")
]

ClaimsOption = Annotated[
    bool, typer.Option("--claims", help="The paper's claims as the last audit judged them.")
]

CompareOption = Annotated[
    bool, typer.Option("--compare", help="The newest comparison, or the one that --name names.")
]

StudyOption = Annotated[
    str | None,
    typer.Option(
        "--study",
        metavar="NAME",
        show_default=False,
        help="What came of a study, by its name.",
    ),
]

SweepOption = Annotated[
    str | None,
    typer.Option(
        "--sweep",
        metavar="[SWEEP]",
        show_default=False,
        help="What a sweep ended with: the latest, or by its id or uuid.",
    ),
]

HtmlOption = Annotated[
    str | None,
    typer.Option(
        "--html",
        metavar="PATH",
        show_default=False,
        help="Everything in the database as one page, which needs no other file; --study and "
        "--name choose what it compares.",
    ),
]

BenchmarkOption = Annotated[
    bool, typer.Option("--benchmark", help="The newest benchmark of a layer's products.")
]

GroupByOption = Annotated[
    list[str] | None,
    typer.Option(
        "--group-by",
        metavar="COLUMN ...",
        show_default=False,
        help="Runs by columns of the view runs, such as dataset model.",
    ),
]

ListOption = Annotated[
    bool, typer.Option("--list", help="Every report, and how much of it there is.")
]

NameOption = Annotated[
    list[str] | None,
    typer.Option(
        "--name",
        metavar="TEXT ...",
        show_default=False,
        help="Of a comparison; of several, how families fare over all. Of a claim, its numbers.",
    ),
]

ShortOption = Annotated[
    bool, typer.Option("--short", help="Of the claims only verdicts and results in numbers.")
]

DetailsOption = Annotated[
    bool,
    typer.Option("--details", help="Of a sweep, a comparison or a study, the long tables too."),
]

ValueOption = Annotated[
    str | None,
    typer.Option(
        "--value",
        metavar="COLUMN",
        show_default=False,
        help="What is told of groups. [default: accuracy, or R²]",
    ),
]

BaselineOption = Annotated[
    str | None,
    typer.Option(
        "--baseline",
        metavar="VALUE",
        show_default=False,
        help="The group to compare with, such as dense, paired over seeds.",
    ),
]

SeedsOption = Annotated[
    list[int] | None,
    typer.Option(
        "--seeds",
        parser=whole_numbers,
        metavar="NUMBER ...",
        show_default=False,
        help="Seeds that Table 1 averages over. [default: 0 1 2]",
    ),
]

BOption = Annotated[
    list[int] | None,
    typer.Option(
        "--B",
        parser=whole_numbers,
        metavar="NUMBER ...",
        show_default=False,
        help="Block sizes that Table 1 has beside dense. [default: 4 8]",
    ),
]

OutputOption = Annotated[
    str | None,
    typer.Option(
        "--output",
        metavar="PATH",
        show_default=False,
        help="Write to this file, or stream, instead of the screen; - is standard output.",
    ),
]

CaptionOption = Annotated[
    str | None,
    typer.Option(
        "--caption",
        metavar="TEXT",
        show_default=False,
        help="Caption of the LaTeX table. [default: the report's title]",
    ),
]

LabelOption = Annotated[
    str | None,
    typer.Option(
        "--label",
        metavar="NAME",
        show_default=False,
        help="Label of the LaTeX table. [default: tab: and the report's name]",
    ),
]

OWNERS: dict[str, tuple[str, ...]] = {
    "short": ("claims",),
    "name": ("compare", "claims"),
    "details": ("sweep", "compare", "study"),
    "value": ("group_by",),
    "baseline": ("group_by",),
    "where": ("group_by",),
}
"""Which reports an option is of."""


def typed(name: str) -> str:
    """Return an option as it is typed."""
    return "--" + name.replace("_", "-")


def report_asked_for(kinds: Mapping[str, Any], others: Mapping[str, Any]) -> str:
    """Return the name of the one report that is asked for, or "" for the overview.

    Parameters
    ----------
    kinds : mapping
        What was given for each report.
    others : mapping
        What was given for the options that are of one report or another.

    Raises
    ------
    ConfigurationError
        If several are asked for, or an option is given that is of another.
    """
    named = [name for name, given in kinds.items() if given]
    if len(named) > 1:
        raise ConfigurationError(
            f"several reports were named, {' and '.join(map(typed, named))}; expected one of them"
        )
    found = named[0] if named else ""
    if found != "table1" and (others.get("seeds") or others.get("B")):
        raise ConfigurationError(
            "--seeds and --B are of --table1; a ledger and a comparison are of the seeds that "
            "they were made with"
        )
    for name, owners in OWNERS.items():
        if others.get(name) and found not in owners:
            raise ConfigurationError(
                f"{typed(name)} is of {' or '.join(map(typed, owners))}; expected report "
                f"{typed(owners[0])} {typed(name)}"
            )
    return found
