"""runs.db and the README: what the repository says is what it holds."""

import json
import re
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cdbench.api.ledger import claims_report
from cdbench.claims import CLAIMS, union
from cdbench.claims.audit import inputs_digest, replication_of, uuids_of
from cdbench.claims.verdict import judged
from cdbench.cli import run
from cdbench.cli.audit import AUDIT_SEEDS
from cdbench.cli.audit_study import studied
from cdbench.config.canonical import canonical, sha256
from cdbench.config.families import FAMILIES
from cdbench.config.grid import grid
from cdbench.records.judgement import FIRST, REPLICATION
from cdbench.records.published import PUBLISHED_SEEDS
from cdbench.reports.claims import shortened
from cdbench.reports.formats import render
from cdbench.reports.table1 import table1, table1_configs
from cdbench.statistics.estimates import Observations
from cdbench.statistics.holm import holm
from cdbench.store.audit_queries import covering_runs
from cdbench.store.database import open_for_reading
from cdbench.store.ledger_queries import measurements_of, observations_of, stored_claims
from cdbench.store.migrate import VERSION_TABLE, revisions
from cdbench.store.queries import completed_configs, newest_runs
from tests.comparison_page import AUDIT, LEDGER, README, ledgers
from tests.released import released_database

ROOT = Path(__file__).parents[1]
RELEASED = released_database()


@pytest.fixture
def released() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{RELEASED.as_uri()}?mode=ro", uri=True)) as connection:
        yield connection


def test_released_database_is_at_the_newest_migration(released: sqlite3.Connection) -> None:
    found = released.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchall()
    assert found == [(revisions()[-1],)]


def test_released_database_is_sound(released: sqlite3.Connection) -> None:
    assert released.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert released.execute("PRAGMA foreign_key_check").fetchall() == []


def test_every_released_run_is_the_one_of_its_digest(released: sqlite3.Connection) -> None:
    found = released.execute(
        "SELECT run.config_digest, configuration.group_digest, run.seed, configuration.config_json "
        "FROM run JOIN configuration USING (configuration_id)"
    ).fetchall()
    assert len(found) == released.execute("SELECT count(*) FROM run").fetchone()[0]
    for config_digest, group_digest, seed, config_json in found:
        whole = canonical(json.loads(config_json) | {"seed": seed})
        assert (sha256(whole), sha256(config_json)) == (config_digest, group_digest)
    named = "SELECT configuration_id FROM run"
    unused = f"SELECT * FROM configuration WHERE configuration_id NOT IN ({named})"
    assert released.execute(unused).fetchall() == []


def test_released_database_holds_the_papers_sweep_and_the_audits_runs(
    released: sqlite3.Connection,
) -> None:
    statuses = "SELECT DISTINCT status FROM run WHERE run_id NOT IN (SELECT run_id FROM "
    of_audits = released.execute(f"{statuses}comparison_run)").fetchall()
    assert of_audits == [("completed",)]  # a comparison's trials may diverge
    database = open_for_reading(str(RELEASED))
    configs = grid({"B": [1, 3, 4, 5, 7, 8]}, PUBLISHED_SEEDS, baseline=True)
    assert completed_configs(database, configs) == set(configs)
    needs = union(claim.needs(AUDIT_SEEDS) for claim in CLAIMS.values())
    assert covering_runs(database, needs).keys() == needs.keys()
    repeated = [claim for claim in CLAIMS.values() if not claim.on_request]
    again = union(claim.needs(replication_of(AUDIT_SEEDS)) for claim in repeated)
    assert covering_runs(database, again).keys() == again.keys()


def test_every_claim_is_judged_on_both_blocks_with_estimand_and_intervals() -> None:
    report = claims_report(list(CLAIMS), open_for_reading(str(RELEASED)))
    assert len(report.records) >= 34
    for record in report.records:
        assert record["verdict"] != "not measured"
        on_request = CLAIMS[record["claim"]].on_request
        assert (record["replicated"] is None) == on_request, record["claim"]
        assert record["n"] >= 1
        if record["interval"] == "95 % bootstrap":
            assert record["estimand"] is not None
            assert record["low"] <= record["high"]


def test_verdicts_by_first_rules_stand_beside_the_new_ones(
    released: sqlite3.Connection,
) -> None:
    found = dict(released.execute("SELECT claim, verdict FROM first_audit").fetchall())
    query = "SELECT DISTINCT claim FROM claim_result WHERE rule_version = 1"
    by_first_rule = {name for (name,) in released.execute(query)}
    changed = {name for name in by_first_rule if CLAIMS[name].version > 1}
    assert found.keys() == changed
    first = list(CLAIMS)[:16]  # the others are of the second audit
    assert {name for name in first if CLAIMS[name].version > 1} <= changed
    assert all(CLAIMS[name].changed for name in changed)


def test_released_runs_were_trained_from_a_clean_commit(released: sqlite3.Connection) -> None:
    found = released.execute("SELECT DISTINCT git_dirty, git_commit IS NULL FROM environment")
    assert found.fetchall() == [(0, 0)]


@pytest.mark.parametrize("name", CLAIMS)
def test_released_judgement_is_the_one_that_an_audit_would_find(name: str) -> None:
    database, claim = open_for_reading(str(RELEASED)), CLAIMS[name]
    stored = stored_claims(database)[name]
    if claim.study:
        runs = studied(claim, database)
        seeds = sorted({run.seed for run in runs})
        assert stored.inputs_digest == inputs_digest(claim, seeds, {run.uuid for run in runs})
    else:
        uuids = uuids_of(claim, AUDIT_SEEDS, covering_runs(database, claim.needs(AUDIT_SEEDS)))
        assert uuids is not None
        assert stored.inputs_digest == inputs_digest(claim, AUDIT_SEEDS, uuids)
    assert stored.rule == claim.rule


@pytest.mark.parametrize("name", CLAIMS)
def test_every_verdict_can_be_derived_from_the_released_database(
    name: str, released: sqlite3.Connection
) -> None:
    database = open_for_reading(str(RELEASED))
    measurements = measurements_of(database, name)
    for measurement in measurements:
        ((value,),) = released.execute(measurement.sql).fetchall()
        assert value == pytest.approx(measurement.estimate, rel=1e-9, abs=1e-12)
    # Their intervals come out of the observations again, and the verdict out of the measurements.
    observations = Observations(name, observations_of(database, name))
    judgement = judged(CLAIMS[name], measurements)
    assert judgement == stored_claims(database)[name].judgement
    again = {
        (m.quantity, m.subject, m.baseline, m.statistic): m
        for m in CLAIMS[name].measure(observations)
    }
    for measurement in measurements:
        key = (
            measurement.quantity,
            measurement.subject,
            measurement.baseline,
            measurement.statistic,
        )
        ends = [measurement.low, measurement.high]
        assert [again[key].low, again[key].high] == pytest.approx(ends)


RUN_OBSERVATIONS = {
    "accuracy": ("test accuracy, share", "test_accuracy"),
    "dropout-rate": ("test accuracy, share", "test_accuracy"),
    "odd-block-sizes": ("test accuracy, share", "test_accuracy"),
    "comparable-kappa": ("weight κ", "weight_kappa"),
}


@pytest.mark.parametrize("name", RUN_OBSERVATIONS)
def test_observations_are_those_of_their_runs(name: str, released: sqlite3.Connection) -> None:
    quantity, column = RUN_OBSERVATIONS[name]
    found = released.execute(
        f"SELECT o.value, runs.{column} FROM observations AS o JOIN runs USING (run_id) "
        "WHERE claim = ? AND quantity = ? AND o.place = runs.seed",
        (name, quantity),
    ).fetchall()
    assert len(found) >= 90
    assert [value for value, _ in found] == pytest.approx([of_run for _, of_run in found])


@pytest.mark.parametrize("page", [README, AUDIT], ids=lambda page: page.name)
def test_the_ledger_is_what_the_report_prints_from_the_released_database(page: Path) -> None:
    table = ledgers(RELEASED)[page]
    assert table.count("\n") == 2 + len(CLAIMS)
    assert LEDGER.findall(page.read_text(encoding="utf-8")) == [table]
    assert "not measured" not in table


def test_no_condition_of_the_ledger_stands_in_its_short_form_and_every_number_does() -> None:
    whole = claims_report(list(CLAIMS), open_for_reading(str(RELEASED)))
    short = shortened(whole)
    for record, (_, _, verdict, measured) in zip(whole.records, short.rows, strict=True):
        assert (verdict, measured) == (record["verdict"], record["measured"])
    assert any(record["condition"] for record in whole.records)


def test_the_readme_counts_the_claims_and_the_families() -> None:
    told = " ".join(README.read_text(encoding="utf-8").split())
    on_request = [claim for claim in CLAIMS.values() if claim.on_request]
    of_study = [claim for claim in on_request if claim.study]
    assert [len(CLAIMS), len(on_request) - len(of_study), len(of_study)] == [43, 5, 4]
    assert "Forty-three claims are judged: 34 of the paper," in told
    assert "five on what it defers; four on the comparison below" in told
    assert len(FAMILIES) == 12
    assert "Twelve layer families" in told


def test_the_audits_page_counts_the_tests_and_what_holms_correction_leaves() -> None:
    ledger = open_for_reading(str(RELEASED))
    tested: list[int] = []
    lost: list[list[int]] = []
    for block in (FIRST, REPLICATION):
        found = {own.position: own.p_value for own in stored_claims(ledger, block).values()}
        p = {str(place): one for place, one in found.items() if one is not None}
        tested.append(len(p))
        lost.append([int(own) for own, new in holm(p).items() if p[own] <= 0.05 < new])
    told = " ".join(AUDIT.read_text(encoding="utf-8").split())
    assert [sorted(own) for own in lost] == [[18, 27, 29], [27]]
    assert f"For {tested[0]} claims, {tested[1]} of them in the second block, the number" in told
    assert "those of claims 18 (step size), 27 (harder tasks) and 29 (batch diagnostic)" in told


def test_the_audits_page_counts_the_runs_of_each_processor(released: sqlite3.Connection) -> None:
    counted = dict(
        released.execute(
            "SELECT blas LIKE '%SkylakeX', count(*) "
            "FROM run JOIN environment USING (environment_id) "
            "GROUP BY 1"
        )
    )
    told = AUDIT.read_text(encoding="utf-8")
    assert f"Of the first kind {counted[1]:,} are left" in told
    assert f"The\nother {counted[0]:,} runs are of the second kind" in told


@pytest.mark.long
def test_released_database_draws_every_figure(tmp_path: Path) -> None:
    words = ["plot", "--fig1", "--fig2", "--claims", "--crossover", "--db", str(RELEASED)]
    assert run([*words, "--output", str(tmp_path)]) == 0
    page = (ROOT / "docs" / "plots.md").read_text(encoding="utf-8")
    found = re.search(r"^cdbench (plot curves seeds .*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert found is not None
    of_runs = shlex.split(found[1].replace("\\\n  ", ""))
    assert of_runs[-1] in (ROOT / "Makefile").read_text(encoding="utf-8")
    assert run([*of_runs, "--db", str(RELEASED), "--output", str(tmp_path)]) == 0
    compared = ["plot", "--compare", "--name", "digits", "--db", str(RELEASED)]
    assert run([*compared, "--output", str(tmp_path)]) == 0
    on_request = [claim.name for claim in CLAIMS.values() if claim.on_request]
    words = ["plot", "--claim", *on_request, "--db", str(RELEASED), "--output", str(tmp_path)]
    assert run(words) == 0
    words = ["plot", "--study", "released", "--db", str(RELEASED), "--output"]
    assert run([*words, str(tmp_path)]) == 0
    assert run([*words, str(tmp_path / "study.png"), "--name", "digits", "cifar-10-gray"]) == 0
    drawn = {path.name for path in tmp_path.iterdir()}
    assert drawn == {path.name for path in (ROOT / "docs" / "figures").iterdir()}


def test_readmes_table_1_is_what_the_report_prints_from_the_released_database() -> None:
    blocks = re.findall(
        r"^```(\w*)\n(.*?)^```$", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    (number,) = [i for i, (_, text) in enumerate(blocks) if text.startswith("Table 1 ·")]
    (_, commands), (language, printed) = blocks[number - 1 : number + 1]
    assert language == "text"
    assert "cdbench report --table1" in [
        line.removeprefix("$ ").strip() for line in commands.splitlines()
    ]
    rows = table1_configs()
    configs = [config for group in rows.values() for config in group]
    runs = newest_runs(open_for_reading(str(RELEASED)), configs)
    assert printed == render(table1(rows, runs), "table")
