"""One claim in full: what is claimed, how it was tested, what came out, and how to derive it."""

import shlex
import textwrap
from typing import TYPE_CHECKING

from cdbench.claims.statistics import INTERVALS
from cdbench.cli.echo import echo
from cdbench.cli.output import print_report, terminal_width
from cdbench.judgement import CONDITIONAL, NOT_MEASURED, Measurement
from cdbench.printable import printable
from cdbench.reports.claims import measurements_table
from cdbench.reports.formats import PLAIN_WIDTH
from cdbench.store.audit_queries import measurements_of, stored_claims

if TYPE_CHECKING:
    from cdbench.claims import Claim
    from cdbench.store.database import Database


def print_claim(claim: "Claim", database: "Database") -> None:
    """Print a claim with its newest judgement, its numbers and the SQL behind them."""
    found = stored_claims(database).get(claim.name)
    echo(f"{claim.name}: {claim.title}\n")
    _paragraph("Claim", claim.statement)
    _paragraph("Where", claim.where)
    _paragraph("Test", claim.method)
    _paragraph("Rule", found.rule if found else claim.rule)
    if found is None:
        _paragraph("Verdict", NOT_MEASURED)
        return
    judgement = found.judgement
    verdict = judgement.verdict.upper()
    if judgement.verdict == CONDITIONAL:
        verdict += f": {judgement.condition}"
    _paragraph("Measured", judgement.measured)
    _paragraph("Verdict", f"{verdict}. {judgement.reason}")
    _paragraph("Overturn", claim.overturn)
    echo()
    measurements = measurements_of(database, claim.name)
    print_report(measurements_table(measurements))
    _print_sql(claim.name, measurements, database.name, found.seeds)


def _paragraph(heading: str, words: str) -> None:
    width = min(terminal_width() or PLAIN_WIDTH, PLAIN_WIDTH)
    echo(
        textwrap.fill(
            words, width, initial_indent=f"{heading:10}", subsequent_indent=" " * 10,
            break_on_hyphens=False,
        )
    )  # fmt: skip


def _print_sql(
    claim: str, measurements: tuple[Measurement, ...], database: str, seeds: str
) -> None:
    echo(f"By hand, with sqlite3 {shlex.quote(database)} (seeds {seeds}):\n")
    echo(f"-- bootstrap intervals: {INTERVALS}")
    echo("-- the numbers above, with the query that gives each estimate")
    echo(
        "SELECT quantity, subject, baseline, statistic, estimate, low, high, n, sql\n"
        f"FROM measurements WHERE claim = '{claim}' ORDER BY position;\n"
    )
    echo("-- what they rest on, one row a number, with the run that it comes from")
    echo(
        "SELECT o.quantity, o.subject, o.place, o.value, o.run_id, runs.model, runs.seed,\n"
        "    runs.test_accuracy, runs.training_loss, runs.published_kappa, runs.weight_kappa\n"
        "FROM observations AS o LEFT JOIN runs USING (run_id)\n"
        f"WHERE o.claim = '{claim}';\n"
    )
    for number, found in enumerate(measurements, 1):
        against = f" against {found.baseline}" if found.baseline else ""
        comment = f"{number}: {found.statistic} of {found.quantity}, {found.subject}{against}"
        echo(f"-- {printable(comment)}")  # of one line, or what follows would be no comment
        echo(f"{found.sql};\n")
