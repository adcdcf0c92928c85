"""One claim in full: its statement, test, result, and how the numbers are derived."""

import os
import shlex
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cdbench.cli.output import output_width, print_text, rendered
from cdbench.records.judgement import CONDITIONAL, NOT_MEASURED, REPLICATION, Measurement
from cdbench.reports.formats import PLAIN_WIDTH
from cdbench.reports.measurements import measurements_table
from cdbench.statistics.estimands import WIDER
from cdbench.statistics.estimates import INTERVALS
from cdbench.store.ledger_queries import StoredClaim, first_audit, measurements_of, stored_claims
from cdbench.system.printable import printable

if TYPE_CHECKING:
    from cdbench.claims import Claim
    from cdbench.store.database import Database


def print_claims(claims: Sequence["Claim"], database: "Database", *, sql: bool) -> None:
    """Print claims with their newest judgements and numbers; on a terminal, through a pager.

    Parameters
    ----------
    claims : sequence of Claim
        The claims to print.
    database : Database
        The database with the judgements.
    sql : bool
        Whether the SQL behind the numbers is printed too.
    """
    text = "\n".join(line for claim in claims for line in _claim(claim, database, sql))
    if on_terminal():
        import pydoc

        os.environ.setdefault("LESS", "FRX")  # quits if all fits on the screen; shows bold as bold
        pydoc.pager(f"{text}\n")
    else:
        print_text(f"{text}\n")


def on_terminal() -> bool:
    """Return whether both input and output are a terminal, so that a pager can be used."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _claim(claim: "Claim", database: "Database", sql: bool) -> Iterator[str]:
    found = stored_claims(database).get(claim.name)
    yield f"{claim.name}: {claim.title}\n"
    yield _paragraph("Claim", claim.statement)
    yield _paragraph("Where", claim.where)
    yield _paragraph("Test", claim.method)
    yield _paragraph("Rule", found.rule if found else claim.rule)
    if found is None:
        yield _paragraph("Verdict", NOT_MEASURED)
        return
    judgement = found.judgement
    verdict = judgement.verdict.upper()
    if judgement.verdict == CONDITIONAL:
        verdict += f": {judgement.condition}"
    yield _paragraph("Measured", judgement.measured)
    yield _paragraph("Verdict", f"{verdict}. {judgement.reason}")
    measurements = measurements_of(database, claim.name)
    if found.rule_version == claim.version and any(m.wide_low is not None for m in measurements):
        yield _paragraph("About", f"{claim.about}, by whose intervals it is judged")
    yield from _beside(claim, database, found)
    yield _paragraph("Overturn", claim.overturn)
    yield ""
    yield rendered(measurements_table(measurements)).rstrip("\n") + "\n"
    if sql:
        yield from _sql(claim.name, measurements, database.name, found.seeds)
    else:
        yield "For the SQL that derives each of these numbers, add --sql.\n"


def _beside(claim: "Claim", database: "Database", found: StoredClaim) -> Iterator[str]:
    """Yield what stands beside the verdict: its test, its replication, what the rule changed."""
    if found.p_value is not None:
        yield _paragraph(
            "Tested", f"p = {found.p_value:.2g} of the number that decides, before any correction"
        )
    again = stored_claims(database, REPLICATION).get(claim.name)
    if again is not None:
        told = again.judgement
        verdict = told.verdict + (f": {told.condition}" if told.condition else "")
        yield _paragraph("Again", f"seeds {again.seeds}: {verdict}. {told.reason}")
    if claim.changed:
        yield _paragraph("Changed", claim.changed)
    first = first_audit(database).get(claim.name)
    if first is not None:
        yield _paragraph("At first", first)


def _paragraph(heading: str, words: str) -> str:
    return textwrap.fill(
        printable(words), min(output_width(), PLAIN_WIDTH), initial_indent=f"{heading:10}",
        subsequent_indent=" " * 10, break_on_hyphens=False,
    )  # fmt: skip


def _sql(
    claim: str, measurements: tuple[Measurement, ...], database: str, seeds: str
) -> Iterator[str]:
    yield (f"By hand, with sqlite3 {shlex.quote(database)} (seeds {seeds}):\n")
    yield (f"-- bootstrap intervals: {INTERVALS}")
    yield (f"-- intervals for new data: {WIDER}")
    yield ("-- the numbers above, with the query that gives each estimate")
    yield (
        "SELECT quantity, subject, baseline, statistic, estimate, low, high, n, sql\n"
        f"FROM measurements WHERE claim = '{claim}' ORDER BY position;\n"
    )
    yield ("-- what they rest on, one row a number, with the run that it comes from")
    yield (
        "SELECT o.quantity, o.subject, o.place, o.value, o.run_id, runs.model, runs.seed,\n"
        "    runs.test_accuracy, runs.training_loss, runs.published_kappa, runs.weight_kappa\n"
        "FROM observations AS o LEFT JOIN runs USING (run_id)\n"
        f"WHERE o.claim = '{claim}';\n"
    )
    for number, found in enumerate(measurements, 1):
        against = f" against {found.baseline}" if found.baseline else ""
        comment = f"{number}: {found.statistic} of {found.quantity}, {found.subject}{against}"
        yield (f"-- {printable(comment)}")  # one line, or the rest would not be a comment
        yield (f"{found.sql};\n")
