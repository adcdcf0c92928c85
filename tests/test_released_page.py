"""docs/report.html is the page of the released results, and each of its queries gives its table."""

import re
from pathlib import Path
from typing import Any

import pytest

from cdbench.api.report_page.whole import report_page
from cdbench.store.database import open_for_reading
from cdbench.store.free_queries import answer
from tests.pages import Page, faults, rows_of, undrawn
from tests.released import released_database

__all__ = ["undrawn"]

MOST_BYTES = 2_000_000
DRAWN = re.compile(r"<figure>.*?</figure>\n?", re.DOTALL)
FIGURE_COLOURS = re.compile(r"--figure-[0-9a-f]{6}:#[0-9a-f]{6};")
DOCS = Path(__file__).parents[1] / "docs" / "report.html"


def without_figures(text: str) -> str:
    return FIGURE_COLOURS.sub("", DRAWN.sub("", text))


def test_the_released_page_is_in_docs_small_and_of_the_released_results(undrawn: None) -> None:
    kept = DOCS.read_text(encoding="utf-8")
    assert len(kept.encode()) < MOST_BYTES
    assert faults(kept) == []
    now = report_page(open_for_reading(str(released_database())), comparisons=["digits"])
    assert without_figures(now) == without_figures(kept)
    assert len(DRAWN.findall(now)) <= len(DRAWN.findall(kept))


@pytest.mark.long
def test_the_released_page_has_the_figures_of_the_released_results() -> None:
    kept, now = (
        re.sub(r' (?:d|x|y|transform)="[^"]*"', "", text)
        for text in (
            DOCS.read_text(encoding="utf-8"),
            report_page(open_for_reading(str(released_database())), comparisons=["digits"]),
        )
    )
    assert now == kept


def test_every_query_on_the_released_page_gives_what_its_table_shows() -> None:
    found = Page(DOCS.read_text(encoding="utf-8"))
    database = open_for_reading(str(released_database()))
    answers = {sql: answer(database, sql) for sql in found.queries()}
    assert all(rows for _, rows in answers.values())

    def answered(table: str) -> list[dict[str, Any]]:
        (block,) = (
            own
            for own in found.root.all("div")
            if own.attributes.get("class") == "block"
            and table in [inner.attributes.get("id") for inner in own.all("table")]
        )
        names, rows = answers[block.all("pre")[0].words().split(";\n\n")[0]]
        return [dict(zip(names, row, strict=True)) for row in rows]

    ledger = answered("t-claims")
    shown = rows_of(found, "t-claims")
    assert [int(row[0]) for row in shown] == [row["position"] for row in ledger]
    assert [row[4] for row in shown] == [row["measured"] for row in ledger]
    for row, own in zip(shown, ledger, strict=True):
        assert row[2].endswith(own["condition"] or own["verdict"])
    lines = answered("t-comparison-digits")
    assert [row[1] for row in rows_of(found, "t-comparison-digits")] == [
        f"{row['n_parameters']:,}" for row in lines
    ]
    models = answered("t-models")
    assert [row[:4] for row in rows_of(found, "t-models")] == [
        [row["model"], row["dataset"], row["changes"], str(row["n_seeds"])] for row in models
    ]
    assert [int(row[0]) for row in rows_of(found, "t-runs")] == [
        row["run_id"] for row in answered("t-runs")
    ]
    assert len(rows_of(found, "t-table1")) == 2 * len(answered("t-table1"))
    assert [row[-1] for row in rows_of(found, "t-environments")] == [
        f"{row['n_runs']:,}" for row in answered("t-environments")
    ]
    differences = {(r["part"], r["budget"]) for r in answered("t-study")}
    assert len(differences) == len(rows_of(found, "t-study"))
