"""``cdbench report``: print tables from the database."""

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from cdbench.cli import COMPLETED
from cdbench.cli.echo import echo
from cdbench.cli.filters import WhereOption
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption
from cdbench.cli.output import print_reports
from cdbench.cli.report_html import write_page
from cdbench.cli.report_options import (
    BaselineOption,
    BenchmarkOption,
    BOption,
    CaptionOption,
    ClaimsOption,
    CompareOption,
    DetailsOption,
    FormatOption,
    GroupByOption,
    HtmlOption,
    LabelOption,
    ListOption,
    NameOption,
    OutputOption,
    ReportFormatOption,
    SeedsOption,
    ShortOption,
    StudyOption,
    SweepOption,
    Table1Option,
    ValueOption,
    report_asked_for,
)
from cdbench.errors import ConfigurationError, OutputError
from cdbench.system.home_folders import expanded
from cdbench.system.output_files import STANDARD_OUTPUT, write_output

if TYPE_CHECKING:
    from cdbench.reports.formats import Report

__all__ = ["FormatOption", "report"]

ENDINGS = {".md": "markdown", ".markdown": "markdown", ".tex": "latex", ".csv": "csv"}
ENDINGS |= {".json": "json", ".txt": "table", "": "table"}
"""Formats of a report, by the ending of its file's name."""


def report(
    table1: Table1Option = False,
    claims: ClaimsOption = False,
    compare: CompareOption = False,
    study: StudyOption = None,
    sweep: SweepOption = None,
    group_by: GroupByOption = None,
    benchmark: BenchmarkOption = False,
    list_: ListOption = False,
    name: NameOption = None,
    short: ShortOption = False,
    details: DetailsOption = False,
    value: ValueOption = None,
    baseline: BaselineOption = None,
    where: WhereOption = None,
    seeds: SeedsOption = None,
    B: BOption = None,
    db: DatabaseOption = DEFAULT_DATABASE,
    format: ReportFormatOption = None,  # noqa: A002 - the option's name
    html: HtmlOption = None,
    output: OutputOption = None,
    caption: CaptionOption = None,
    label: LabelOption = None,
) -> int:
    """Print a table made from the database: what it holds, or the report that is asked for.

    Where several runs have one configuration and seed, the newest that completed counts.

    For example:

        cdbench report

        cdbench report --table1 --B 1 3 4 5 7 8

        cdbench report --claims --short

        cdbench report --compare --name digits

        cdbench report --sweep --details

        cdbench report --group-by model --baseline dense --where dataset=digits

        cdbench report --table1 --output table1.tex --label tab:recipe

        cdbench report --html report.html
    """
    kinds: dict[str, Any] = {"table1": table1, "claims": claims, "compare": compare, "study": study}
    kinds |= {"sweep": sweep, "group_by": group_by, "benchmark": benchmark, "list": list_}
    given: dict[str, Any] = {"name": name, "short": short, "details": details, "value": value}
    given |= {"baseline": baseline, "where": where, "seeds": seeds, "B": B}
    if html is not None:
        given |= {"format": format, "output": output, "caption": caption, "label": label}
        return write_page(db, html, kinds, given)
    found = report_asked_for(kinds, given)
    target = STANDARD_OUTPUT if output is None else expanded(output, OutputError)
    form = format or _form_of(target, output)
    if (caption or label) and form != "latex":
        raise ConfigurationError(
            f"--caption and --label are of --format latex, not {form}; expected it beside them"
        )
    if label and not re.fullmatch(r"[A-Za-z0-9:._/-]+", label):
        raise ConfigurationError(
            f"--label {label}: expected letters, digits and : . _ / -, such as tab:recipe"
        )
    from cdbench.api.reports_by_name import captioned, tables_asked_for

    given |= {"by": group_by, "which": study or sweep}
    is_data = form in ("csv", "json")
    tables = tables_asked_for(found, db, given | {"details": details or is_data})
    if is_data:  # the first has all that they show
        tables = tables[:1]
    if form == "csv":  # which has no place for sentences
        for sentence in tables[0].lead:
            echo(sentence, err=True)
    if caption or label:
        tables = captioned(tables, caption, label)
    _write(tables, form, target)
    return COMPLETED


def _form_of(target: str, output: str | None) -> str:
    """Return the form that the ending of a file means."""
    ending = PurePath(target).suffix.lower()
    if ending not in ENDINGS:
        raise ConfigurationError(
            f"--output {output}: no form of a report ends in {ending}; expected "
            f"{', '.join(filter(None, ENDINGS))}, or --format beside it"
        )
    return ENDINGS[ending]


def _write(tables: Sequence["Report"], form: str, target: str) -> None:
    """Print the tables, or write them into a file."""
    if target == STANDARD_OUTPUT:
        print_reports(tables, form)
        return
    from cdbench.reports.formats import render_together

    if write_output(target, render_together(tables, form).encode()):
        echo(f"wrote {target}")
