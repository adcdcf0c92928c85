"""``cdbench audit``: test the paper's claims, judge and store them, and print the ledger."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cdbench.cli import COMPLETED, INTERRUPTED
from cdbench.cli.echo import echo
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption, JobsOption, whole_numbers
from cdbench.cli.output import print_ledger
from cdbench.cli.training import train_and_store
from cdbench.cli.typed import command_line
from cdbench.errors import ConfigurationError
from cdbench.running.pace import in_good_order

if TYPE_CHECKING:
    from cdbench.claims import Claim, Needs
    from cdbench.store.database import Database

AUDIT_SEEDS = tuple(range(30))


def audit(
    db: DatabaseOption = DEFAULT_DATABASE,
    jobs: JobsOption = None,
    seeds: Annotated[
        list[int] | None,
        typer.Option(
            "--seeds",
            parser=whole_numbers,
            metavar="NUMBER ...",
            show_default=False,
            help="Seeds of the runs, at least 10. [default: 0..29]",
        ),
    ] = None,
    claim: Annotated[
        list[str] | None,
        typer.Option(
            "--claim",
            metavar="NAME ...",
            help="Claims to audit, by name or number, instead of all.",
        ),
    ] = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain", help="Print each claim in full: test, numbers, verdict, through a pager."
        ),
    ] = False,
    sql: Annotated[
        bool,
        typer.Option("--sql", help="With --explain, print the SQL that derives each number too."),
    ] = False,
    replicate: Annotated[
        bool,
        typer.Option(
            "--replicate",
            help="Judge another block of seeds by the same rules, as many as --seeds has and those "
            "after them; the ledger then says which verdicts replicated.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be trained and judged; do nothing.")
    ] = False,
) -> int:
    """Judge the paper's claims: train what is missing, measure, and print the ledger.

    What the database has is used: an interrupted audit goes on where it stopped.

    For example:

        cdbench audit

        cdbench audit --replicate

        cdbench audit --claim comparable-kappa --explain --sql

        cdbench audit --seeds 0..99 --jobs 8 --db audit.db
    """
    from cdbench.claims.audit import check_seeds, find_claims, replication_of
    from cdbench.records.judgement import FIRST, REPLICATION

    if sql and not explain:
        raise ConfigurationError("--sql is of --explain; expected cdbench audit --explain --sql")
    claims = find_claims(claim or [])
    chosen = seeds or list(AUDIT_SEEDS)
    check_seeds(chosen)
    block = FIRST
    if replicate:
        block, chosen = REPLICATION, list(replication_of(chosen))
    if dry_run:
        return _dry_run(claims, chosen, db)
    from cdbench.cli.released import open_to_add, say_if_new

    database = open_to_add(db)
    if not claim:
        claims = _asked_for(claims, chosen, database)
    code = _train_missing(claims, chosen, jobs, database)
    if code == INTERRUPTED:
        return code
    try:
        _judge(claims, chosen, database, block)
    except KeyboardInterrupt:
        echo(f"interrupted: judgements so far are stored; to go on: {command_line()}", err=True)
        return INTERRUPTED
    if explain:
        from cdbench.cli.explain import print_claims

        print_claims(claims, database, sql=sql)
        return code
    say_if_new(database)
    print_ledger([wanted.name for wanted in claims], database)
    return code


def _asked_for(
    claims: Sequence["Claim"], seeds: Sequence[int], database: "Database"
) -> list["Claim"]:
    """Return all claims but those on request whose runs are not all stored, and tell these."""
    from cdbench.cli.audit_study import studied
    from cdbench.store.audit_queries import covering_runs

    def is_stored(claim: "Claim") -> bool:
        if claim.study:
            return bool(studied(claim, database))
        needs = claim.needs(seeds)
        return len(covering_runs(database, needs)) == len(needs)

    left = [claim for claim in claims if claim.on_request and not is_stored(claim)]
    if left:
        names = " ".join(claim.name for claim in left)
        echo(
            f"on request only, for hours of training or data of your own: cdbench audit --claim "
            f"{names}",
            err=True,
        )
    return [claim for claim in claims if claim not in left]


def _needs(claims: Sequence["Claim"], seeds: Sequence[int]) -> "Needs":
    from cdbench.claims import union
    from cdbench.config import plugins

    def needs_of(claim: "Claim") -> "Needs":
        with plugins.blamed("claim", claim.name, "cannot say which runs it needs"):
            return union([claim.needs(seeds)])

    return union(map(needs_of, claims))


def _dry_run(claims: Sequence["Claim"], seeds: Sequence[int], db: str) -> int:
    from cdbench.store.audit_queries import covering_runs
    from cdbench.store.database import open_if_any
    from cdbench.store.location import find_location

    database = open_if_any(db)

    def count_stored(needs: "Needs") -> int:
        return len(covering_runs(database, needs)) if database else 0

    for claim in claims:
        own = claim.needs(seeds)
        echo(f"{claim.name:22} {len(own):5} runs, {count_stored(own)} of them stored")
    needs = _needs(claims, seeds)
    echo(
        f"{len(needs)} runs in all, {count_stored(needs)} of them stored in "
        f"{find_location(db).name} with all that is measured of them"
    )
    return COMPLETED


def _check_data(claims: Sequence["Claim"], seeds: Sequence[int], missing: "Needs") -> None:
    """Raise DatasetError, before any training, if data of missing runs cannot be had."""
    from cdbench.datasets import load_dataset

    wanted = {config.dataset: config for config in _needs(claims, seeds) if config in missing}
    for config in wanted.values():
        load_dataset(config)


def _train_missing(
    claims: Sequence["Claim"], seeds: Sequence[int], jobs: int | None, database: "Database"
) -> int:
    from cdbench.cli.released import where_released
    from cdbench.store.audit_queries import covering_runs

    needs = _needs(claims, seeds)
    stored = covering_runs(database, needs)
    missing = {config: needs[config] for config in needs if config not in stored}
    if not missing:
        return COMPLETED
    _check_data([claim for claim in claims if claim.on_request], seeds, missing)
    elsewhere = f"; {where_released()}" if not stored else ""
    echo(f"{len(needs)} runs are needed, {len(stored)} of them stored{elsewhere}", err=True)
    return train_and_store(in_good_order(missing), jobs, database, command_line())


def _judge(
    claims: Sequence["Claim"], seeds: Sequence[int], database: "Database", block: str
) -> None:
    """Judge and store every claim whose runs are complete and whose inputs have changed."""
    from cdbench.claims import Bench
    from cdbench.claims.audit import inputs_digest, judge, uuids_of
    from cdbench.cli.audit_study import judge_study
    from cdbench.store.audit_queries import audited_runs, covering_runs
    from cdbench.store.ledger_queries import stored_claims
    from cdbench.store.record import record_claim

    known = stored_claims(database, block)
    for claim in claims:
        if claim.study:
            judge_study(claim, database, block, known)
            continue
        needs = claim.needs(seeds)
        runs = covering_runs(database, needs)
        uuids = uuids_of(claim, seeds, runs)
        if uuids is None:
            n_missing = len(needs) - len(runs)
            echo(f"{claim.name}: not measured, {n_missing} runs did not complete", err=True)
            continue
        digest = inputs_digest(claim, seeds, uuids, block)
        if claim.name in known and known[claim.name].inputs_digest == digest:
            continue
        echo(f"judging {claim.name} ...", err=True)
        bench = Bench(tuple(seeds), audited_runs(database, [run_id for run_id, _ in runs.values()]))
        record_claim(database, judge(claim, bench, digest, block))
