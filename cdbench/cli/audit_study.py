"""Judging the claims that rest on a study, whose runs ``cdbench compare --study`` makes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cdbench.cli.echo import echo
from cdbench.records.judgement import FIRST

if TYPE_CHECKING:
    from cdbench.claims import Claim
    from cdbench.records.comparison import StudiedRun
    from cdbench.store.database import Database
    from cdbench.store.ledger_queries import StoredClaim


def studied(claim: "Claim", database: "Database") -> "list[StudiedRun]":
    """Return the runs of the parts that a claim rests on; none unless all parts have ended."""
    from cdbench.store.study_queries import studied_runs

    runs = [run for run in studied_runs(database, claim.plan_digest) if run.part in claim.parts]
    return runs if {run.part for run in runs} == {*claim.parts} else []


def judge_study(
    claim: "Claim", database: "Database", block: str, known: "Mapping[str, StoredClaim]"
) -> None:
    """Judge and store such a claim if its study has what it needs, and that has changed.

    A study has one block of seeds, its own; there is no second one to judge.
    """
    from cdbench.claims import Bench
    from cdbench.claims.audit import inputs_digest, judge
    from cdbench.store.record import record_claim

    if block != FIRST:
        return
    runs = studied(claim, database)
    if not runs:
        echo(
            f"{claim.name}: not measured, its study is not there, or by another plan: "
            f"cdbench compare --study {claim.study} --only {' '.join(claim.parts)}",
            err=True,
        )
        return
    seeds = tuple(sorted({run.seed for run in runs}))
    digest = inputs_digest(claim, seeds, {run.uuid for run in runs})
    if claim.name in known and known[claim.name].inputs_digest == digest:
        return
    echo(f"judging {claim.name} ...", err=True)
    record_claim(database, judge(claim, Bench(seeds, {}, runs), digest))
