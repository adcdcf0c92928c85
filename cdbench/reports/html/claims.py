"""The ledger of claims on a page: its table, and each claim in full, folded away."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cdbench.reports.claims import with_conditions
from cdbench.reports.formats import Report
from cdbench.reports.html.markup import Markup, code, html, identifier, join
from cdbench.reports.html.table import Source, Table
from cdbench.reports.html.verdicts import counted, label, with_condition

SHOWN = ("", "Claim", "Verdict", "Published", "Measured", "Replicated")
"""Columns of the ledger's table on a page, the verdict where a telephone shows it as well."""

TEXTS = (1, 2, 3, 4, 5)

OF_FIRST = "The SQL of the first number:"


@dataclass(frozen=True)
class ClaimInFull:
    """All that a page says of a claim.

    Attributes
    ----------
    name, title : str
        Its name on the command line, and a few words.
    position : int
        Its number in the ledger.
    verdict, condition : str, str or None
        As last judged, or that it is not.
    facts : sequence of (str, str)
        What is said of it, under which heading, in order.
    sql : str
        The query of the number that decides first; empty if there is none.
    """

    name: str
    title: str
    position: int
    verdict: str
    condition: str | None
    facts: Sequence[tuple[str, str]]
    sql: str = ""

    @property
    def anchor(self) -> str:
        """Its identifier in the page."""
        return f"claim-{identifier(self.name)}"

    def html(self) -> Markup:
        """Return it, folded to its title and verdict."""
        facts = "".join(
            f"<dt>{html(heading)}</dt><dd>{html(words)}</dd>"
            for heading, words in self.facts
            if words
        )
        sql = code(self.sql)
        query = f'<p class="note">{OF_FIRST}</p><pre><code>{sql}</code></pre>' if sql else ""
        return Markup(
            f'<details class="claim"><summary>{self.position}. {html(self.title)} '
            f'{label(self.verdict)}</summary>\n<div id="{self.anchor}"><dl>{facts}</dl>{query}'
            "</div></details>"
        )


def ledger_table(ledger: Report, claims: Sequence[ClaimInFull], source: Source) -> Table:
    """Return the ledger as a table whose titles lead to the claims in full.

    Parameters
    ----------
    ledger : Report
        Of ``cdbench.reports.claims.ledger``.
    claims : sequence of ClaimInFull
        The same claims, in the same order.
    source : Source
        Where the ledger comes from.
    """
    kept = [list(ledger.columns).index(name) for name in SHOWN]
    rows: list[list[str]] = []
    for row, short, claim in zip(ledger.rows, with_conditions(ledger).rows, claims, strict=True):
        cells = [row[i] for i in kept]
        cells[1] = Markup(f'<a href="#{claim.anchor}">{html(claim.title)}</a>')
        cells[2] = with_condition(claim.verdict, claim.condition)
        cells[5] = short[-1]  # the other condition is in the claim in full
        rows.append(cells)
    notes = [note.partition(" Names: ")[0] for note in ledger.notes]  # the table has them all
    columns = ("#", *SHOWN[1:])
    shown = replace(ledger, columns=columns, rows=rows, notes=notes, text_columns=len(SHOWN))
    return Table("t-claims", shown, source, texts=TEXTS)


def counted_verdicts(claims: Sequence[ClaimInFull]) -> Markup:
    """Return how many claims have which verdict."""
    return counted(Counter(claim.verdict for claim in claims))


def in_full(claims: Sequence[ClaimInFull]) -> Markup:
    """Return every claim, one under the other."""
    return join(
        Markup('<div class="full"><h3>Each claim in full</h3>'),
        *(claim.html() for claim in claims),
        Markup("</div>"),
    )
