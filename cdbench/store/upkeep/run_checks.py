"""Checking that runs match their configurations and digests and have all of their epochs."""

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, String, case, func, literal_column, select

from cdbench.config.canonical import canonical, sha256
from cdbench.config.run_config import RunConfig
from cdbench.errors import CdbenchError
from cdbench.records.run import COMPLETED, Environment
from cdbench.store import models
from cdbench.store.insert import table_of
from cdbench.store.models import Configuration, Diagnostics, Epoch, Run
from cdbench.store.run_rows import CONFIG_COLUMNS, knob_columns
from cdbench.store.upkeep.findings import Checked, Finding, Tally

RUN, EPOCH, ENVIRONMENT = table_of(Run), table_of(Epoch), table_of(models.Environment)
CONFIGURATION, DIAGNOSTICS = table_of(Configuration), table_of(Diagnostics)


def check_configurations(checked: Checked) -> Iterator[Finding]:
    """Find runs whose configuration cannot be read or does not match its digests and columns."""
    if not checked.is_newest:
        yield from _older_configurations(checked)
        return
    if not {RUN.name, CONFIGURATION.name} <= checked.tables:
        return
    names = (RUN.c.config_digest, CONFIGURATION.c.config_json, CONFIGURATION.c.group_digest)
    knobs = [RUN.c[name] for name in CONFIG_COLUMNS]
    found = Tally()
    for rows in checked.reader.chunks(_with_configurations(*names, *knobs)):
        for run_id, *stored in rows:
            for what, detail in _faults(*stored):
                found.add(what, run_id, detail)
    yield from found.findings("run", "runs")


def _faults(digest: str, text: Any, group_digest: str, *values: Any) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a run's configuration, each with a detail."""
    seed = {"seed": values[CONFIG_COLUMNS.index("seed")]}
    try:
        config = RunConfig.from_mapping(json.loads(text) | seed)
        own = config.group_json()
    except (CdbenchError, ValueError, TypeError, AttributeError, RecursionError) as error:
        yield "config_json cannot be read", str(error)[:80]
        return
    if own != text:
        yield "config_json is not written as cdbench writes it", ""
    if config.digest() != digest:
        yield "config_digest is not that of the configuration", ""
    if config.group_digest() != group_digest:
        yield "group_digest is not that of config_json", ""
    for name, value, wanted in zip(CONFIG_COLUMNS, values, _columns(config), strict=True):
        if value != wanted:
            yield f"the column {name} differs from config_json", f"{value} for {wanted}"


def _with_configurations(*columns: Any) -> Select[Any]:
    """Return a query for runs' keys and these columns, of ``run`` and ``configuration``."""
    joined = RUN.c.configuration_id == CONFIGURATION.c.configuration_id
    question = select(RUN.c.run_id, *columns).join_from(RUN, CONFIGURATION, joined)
    return question.order_by(RUN.c.run_id)


def _older_configurations(checked: Checked) -> Iterator[Finding]:
    """Check configurations of an older schema, which the present RunConfig may not read."""
    if CONFIGURATION.name in checked.tables:
        stored = (CONFIGURATION.c.config_json, RUN.c.seed, RUN.c.config_digest)
        question = _with_configurations(*stored)
    else:  # before schema 0013, a run had all of it, with the seed
        names = ("config_json", "NULL", "config_digest")
        own: list[Any] = [literal_column(name) for name in names]
        question = select(RUN.c.run_id, *own).order_by(RUN.c.run_id)
    found = Tally()
    for rows in checked.reader.chunks(question):
        for run_id, text, seed, digest in rows:
            try:
                values = json.loads(text)
                whole = text if seed is None else canonical(values | {"seed": seed})
            except (ValueError, TypeError, RecursionError) as error:
                found.add("config_json cannot be read", run_id, str(error)[:80])
                continue
            if sha256(whole) != digest:
                found.add("config_digest is not that of the configuration", run_id)
    yield from found.findings("run", "runs")


def check_environments(checked: Checked) -> Iterator[Finding]:
    """Find environments whose digest does not match their columns."""
    if ENVIRONMENT.name not in checked.tables:
        return
    found = Tally()
    names = ENVIRONMENT.columns.keys()
    for rows in checked.reader.chunks(select(ENVIRONMENT)):
        for row in rows:
            values = dict(zip(names, row, strict=True))
            key, digest = values.pop("environment_id"), values.pop("digest")
            if Environment(**values).digest != digest:
                found.add("the digest is not that of the columns", key)
    yield from found.findings("environment", "environments")


def check_epochs(checked: Checked) -> Iterator[Finding]:
    """Find completed runs that lack epochs, and runs of any status with a gap in their epochs."""
    if EPOCH.name not in checked.tables:
        return
    n = func.count(EPOCH.c.epoch)
    grouped = ("status", "epochs", "early_stopping")
    measured, runs = _measured(checked)
    first, last = func.min(EPOCH.c.epoch), func.max(EPOCH.c.epoch)
    keeps_last = measured.contains('"history":false')
    gap = case((keeps_last, n > 1), else_=(first != 1) | (last != n))
    by_run = (
        select(RUN.c.run_id, RUN.c.epochs, n.label("n"))
        .select_from(runs.outerjoin(EPOCH, EPOCH.c.run_id == RUN.c.run_id))
        .group_by(*RUN.primary_key, *(RUN.c[name] for name in grouped), measured)
        .order_by(RUN.c.run_id)
    )
    ended_early = RUN.c.early_stopping.is_not(None) & (last > RUN.c.early_stopping)
    whole = (last == RUN.c.epochs) | (ended_early & (last < RUN.c.epochs))
    lacks = (n == 0) | ~whole | case((keeps_last, n != 1), else_=n != last)
    short = by_run.having((RUN.c.status == COMPLETED) & lacks)
    for question, what in (
        (short, "completed without all epochs"),
        (by_run.having(gap), "a gap in the epochs"),
    ):
        found = Tally()
        for rows in checked.reader.chunks(question):
            for run_id, epochs, count in rows:
                found.add(what, run_id, f"{count} of {epochs}")
        yield from found.findings("run", "runs")


def _measured(checked: Checked) -> tuple[Any, Any]:
    """Return the column of what was measured of runs, and what it is selected from."""
    if DIAGNOSTICS.name not in checked.tables:  # before schema 0016 it was the run's own
        return literal_column("run.diagnostics_json", String), RUN
    same = DIAGNOSTICS.c.diagnostics_id == RUN.c.diagnostics_id
    return DIAGNOSTICS.c.diagnostics_json, RUN.outerjoin(DIAGNOSTICS, same)


def _columns(config: RunConfig) -> Iterator[Any]:
    values = knob_columns(config)
    yield from (values[name] for name in CONFIG_COLUMNS)
