"""Checking that runs match their configurations and digests and have all of their epochs."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import case, func, select

from cdbench.config.run_config import RunConfig
from cdbench.errors import CdbenchError
from cdbench.records.run import COMPLETED
from cdbench.store.insert import table_of
from cdbench.store.models import Environment, Epoch, Run
from cdbench.store.run_rows import CONFIG_COLUMNS, knob_columns
from cdbench.store.upkeep.findings import RETRAIN, Checked, Finding, counted

RUN, EPOCH, ENVIRONMENT = table_of(Run), table_of(Epoch), table_of(Environment)


def check_configurations(checked: Checked) -> Iterator[Finding]:
    """Find runs whose configuration cannot be read or does not match its digests and columns."""
    if RUN.name not in checked.tables or not checked.is_newest:
        yield from _older_configurations(checked)
        return
    knobs = [RUN.c[name] for name in CONFIG_COLUMNS]
    names = ("config_json", "config_digest", "group_digest")
    question = select(RUN.c.run_id, *(RUN.c[name] for name in names), *knobs)
    found = _Tally()
    for rows in checked.reader.chunks(question.order_by(RUN.c.run_id)):
        for run_id, text, digest, group_digest, *values in rows:
            try:
                config = RunConfig.from_mapping(json.loads(text))
                own = config.canonical_json()
            except (CdbenchError, ValueError, TypeError, AttributeError, RecursionError) as error:
                found.add("config_json cannot be read", run_id, str(error)[:80])
                continue
            if own != text:
                found.add("config_json is not written as cdbench writes it", run_id)
            if _sha256(text) != digest:
                found.add("config_digest is not that of config_json", run_id)
            if config.group_digest() != group_digest:
                found.add("group_digest is not that of config_json", run_id)
            whole = zip(CONFIG_COLUMNS, values, _columns(config), strict=True)
            for name, value, wanted in whole:
                if value != wanted:
                    found.add(
                        f"the column {name} differs from config_json",
                        run_id,
                        f"{value} for {wanted}",
                    )
    yield from found.findings("run", "runs")


def _older_configurations(checked: Checked) -> Iterator[Finding]:
    """Check configurations of an older schema, which the present RunConfig cannot read."""
    found = _Tally()
    question = select(RUN.c.run_id, RUN.c.config_json, RUN.c.config_digest)
    for rows in checked.reader.chunks(question.order_by(RUN.c.run_id)):
        for run_id, text, digest in rows:
            try:
                json.loads(text)
            except (ValueError, TypeError, RecursionError) as error:
                found.add("config_json cannot be read", run_id, str(error)[:80])
                continue
            if _sha256(text) != digest:
                found.add("config_digest is not that of config_json", run_id)
    yield from found.findings("run", "runs")


def check_environments(checked: Checked) -> Iterator[Finding]:
    """Find environments whose digest does not match their columns."""
    if ENVIRONMENT.name not in checked.tables:
        return
    found = _Tally()
    columns = [column.name for column in ENVIRONMENT.columns]
    for rows in checked.reader.chunks(select(ENVIRONMENT)):
        for row in rows:
            values = dict(zip(columns, row, strict=True))
            key, digest = values.pop("environment_id"), values.pop("digest")
            if _sha256(json.dumps(values, sort_keys=True)) != digest:
                found.add("the digest is not that of the columns", key)
    yield from found.findings("environment", "environments")


def check_epochs(checked: Checked) -> Iterator[Finding]:
    """Find completed runs that lack epochs, and runs of any status with a gap in their epochs."""
    if EPOCH.name not in checked.tables:
        return
    n = func.count(EPOCH.c.epoch)
    grouped = ("status", "epochs", "early_stopping", "diagnostics_json")
    first, last = func.min(EPOCH.c.epoch), func.max(EPOCH.c.epoch)
    keeps_last = RUN.c.diagnostics_json.contains('"history":false')
    gap = case((keeps_last, n > 1), else_=(first != 1) | (last != n))
    by_run = (
        select(RUN.c.run_id, RUN.c.epochs, n.label("n"))
        .join_from(RUN, EPOCH, EPOCH.c.run_id == RUN.c.run_id, isouter=True)
        .group_by(*RUN.primary_key, *(RUN.c[name] for name in grouped))
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
        found = _Tally()
        for rows in checked.reader.chunks(question):
            for run_id, epochs, count in rows:
                found.add(what, run_id, f"{count} of {epochs}")
        yield from found.findings("run", "runs")


class _Tally:
    """Counts each kind of fault, and keeps the first of each kind as an example."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._examples: dict[str, tuple[int, str]] = {}

    def add(self, what: str, key: int, detail: str = "") -> None:
        """Count one more fault."""
        self._counts[what] = self._counts.get(what, 0) + 1
        self._examples.setdefault(what, (key, detail))

    def findings(self, one: str, many: str) -> Iterator[Finding]:
        """Yield one finding for each kind of fault."""
        for what, count in self._counts.items():
            key, detail = self._examples[what]
            example = f"{one} {key}{f': {detail}' if detail else ''}"
            yield Finding(f"{counted(count, one, many)}: {what}", example, RETRAIN)


def _columns(config: RunConfig) -> Iterator[Any]:
    values = knob_columns(config)
    yield from (values[name] for name in CONFIG_COLUMNS)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
