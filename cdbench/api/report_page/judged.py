"""The claims with their verdicts, as a section."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cdbench.api.ledger import claims_report
from cdbench.api.report_page.figures import drawings
from cdbench.api.report_page.gathered import Gathered
from cdbench.claims import Claim, every_claim
from cdbench.records.judgement import NOT_MEASURED, REPLICATION, Measurement
from cdbench.reports.html.claims import (
    ClaimInFull,
    counted_verdicts,
    in_full,
    ledger_table,
)
from cdbench.reports.html.markup import Markup, join
from cdbench.reports.html.page import Section
from cdbench.reports.html.table import Source
from cdbench.reports.measurements import with_intervals
from cdbench.store.ledger_queries import StoredClaim, decisive_measurements, stored_claims
from cdbench.store.page_queries import LEDGER

if TYPE_CHECKING:
    from cdbench.store.database import Database

FIGURES = ("kappa-floors", "kappa-seeds", "kappa-epochs", "theorem2", "accuracy-parameters")

ABOUT = (
    "Each claim was tested by a rule written down before its numbers were seen. A title leads to "
    "the claim in full: the paper's statement, the test, the rule, the reason, and the SQL of the "
    "number that decides first."
)


def claims_section(database: "Database") -> Gathered:
    """Return the ledger, each claim in full, and the audit's figures."""
    stored = stored_claims(database)
    if not stored:
        return Gathered(missing="The claims: none was judged; to judge them: cdbench audit.")
    claims = list(_claims(database, stored))
    ledger = claims_report(list(every_claim()), database)
    source = Source(LEDGER, "cdbench report --claims")
    bar = counted_verdicts(claims)
    parts = [
        Markup(f"<p>{ABOUT}</p>"),
        bar,
        ledger_table(ledger, claims, source).html(),
        in_full(claims),
    ]
    drawn = drawings(database, FIGURES)
    if drawn:
        parts += [Markup("<h3>Figures of the audit</h3>"), *drawn]
    finding = join(Markup(f"Of {len(claims)} claims of the paper, {len(stored)} are judged."), bar)
    return Gathered(Section("claims", "The claims", parts), finding)


def _claims(database: "Database", stored: dict[str, StoredClaim]) -> Iterator[ClaimInFull]:
    again, decisive = stored_claims(database, REPLICATION), decisive_measurements(database)
    for position, (name, claim) in enumerate(every_claim().items(), 1):
        found = stored.get(name)
        judgement = found.judgement if found else None
        measurement = decisive.get(name) if found else None
        yield ClaimInFull(
            name,
            claim.title,
            position,
            judgement.verdict if judgement else NOT_MEASURED,
            judgement.condition if judgement else None,
            list(_facts(claim, found, again.get(name), measurement)),
            measurement.sql if measurement else "",
        )


def _facts(
    claim: Claim | Any,
    found: StoredClaim | None,
    again: StoredClaim | None,
    decisive: Measurement | None,
) -> Iterator[tuple[str, str]]:
    """Yield what is said of a claim, in the words of ``cdbench audit --explain``."""
    yield "Claim", claim.statement
    yield "Where", claim.where
    yield "Published", claim.published
    yield "Test", claim.method
    yield "Rule", found.rule if found else claim.rule
    if found is None:
        yield "To judge it", f"cdbench audit --claim {claim.name}"
        return
    yield "Measured", found.judgement.measured
    yield "Reason", found.judgement.reason
    yield "Seeds", found.seeds
    if again is not None:
        told = again.judgement
        verdict = told.verdict + (f": {told.condition}" if told.condition else "")
        yield "Again", f"seeds {again.seeds}: {verdict}. {told.reason}"
    yield "Overturn", claim.overturn
    if decisive is not None and decisive.low is not None:
        against = f" against {decisive.baseline}" if decisive.baseline else ""
        yield (
            "First number",
            f"{decisive.statistic} of {decisive.quantity}, {decisive.subject}{against}: "
            f"{with_intervals(decisive)}",
        )
    yield "In a terminal", f"cdbench audit --claim {claim.name} --explain --sql"
