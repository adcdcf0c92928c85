"""The head of the page: how much the database holds, what was found, and what is not there."""

from collections.abc import Sequence

from cdbench.reports.html.markup import Markup, html, join
from cdbench.reports.html.page import Section
from cdbench.store.page_queries import Totals


def facts(held: Totals) -> Markup:
    """Return how much a database holds, in a few numbers."""
    told = {
        "runs": f"{held.n_runs:,}",
        **{status: f"{n:,}" for status, n in held.statuses.items() if n != held.n_runs},
        "models": f"{held.n_models:,}",
        "data sets": f"{held.n_datasets:,}",
    }
    if held.first is not None and held.last is not None:
        first, last = (f"{when:%Y-%m-%d}" for when in (held.first, held.last))
        told["trained, UTC"] = first if first == last else f"{first} – {last}"
    pairs = "".join(f"<div><dt>{html(k)}</dt><dd>{html(v)}</dd></div>" for k, v in told.items())
    return Markup(f'<dl class="facts">{pairs}</dl>\n')


def findings(found: Sequence[tuple[str, str, str]]) -> Markup:
    """Return what each section found, after a link to it.

    Parameters
    ----------
    found : sequence of (str, str, str)
        Name and heading of the section, and what it found.
    """
    if not found:
        return Markup("")
    items = (
        Markup(f'<li><a href="#{name}">{html(heading)}</a> {html(words)}</li>')
        for name, heading, words in found
    )
    return join(Markup('<ul class="findings">'), *items, Markup("</ul>"))


def missing_section(missing: Sequence[str]) -> Section:
    """Return what the database does not have, each with the command that makes it."""
    items = (Markup(f"<li>{html(one)}</li>") for one in missing)
    return Section(
        "missing", "Not in this database", [join(Markup("<ul>"), *items, Markup("</ul>"))]
    )
