"""Training many configurations, or a grid of them."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from cdbench.api.quiet_training import train_only, train_quietly
from cdbench.api.refused import check_options
from cdbench.api.storing import Needs
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.grid import grid
from cdbench.config.knob_values import LISTS, ONE_VALUE
from cdbench.config.run_config import KNOBS, RunConfig
from cdbench.errors import ConfigurationError, UnknownNameError
from cdbench.records.published import PUBLISHED_SEEDS
from cdbench.records.run import Run
from cdbench.running.pinning import pinning
from cdbench.store.audit_queries import covering_runs
from cdbench.store.database import Database, open_for_writing
from cdbench.store.queries import completed_configs


def sweep(
    configs: RunConfig | Iterable[RunConfig] | None = None,
    *,
    db: str | os.PathLike[str] | None = None,
    jobs: int | None = 1,
    seeds: int | Iterable[int] | None = None,
    baseline: bool | None = None,
    resume: bool = False,
    diagnostics: Diagnostics | None = None,
    blas_threads: int = 1,
    header: bool | None = None,
    on_run: Callable[[Run], None] | None = None,
    **knobs: Any,
) -> list[Run]:
    """Train many configurations, or the grid of all given values, as ``cdbench sweep`` does.

    Parameters
    ----------
    configs : RunConfig or iterable of RunConfig, optional
        What to train. Without it, the grid of the knobs and seeds is trained.
    db : path or URL, optional
        Database to store each run in as it ends; it is made if it is missing. By default nothing
        is stored.
    jobs : int or None
        Runs at a time, each in a process of its own; None for as many as there are cores. The
        numbers do not depend on it. With more than one, a script needs the usual
        ``if __name__ == "__main__":`` around its work.
    seeds : int or iterable of int, optional
        Seeds with which each combination is trained; by default 0, 1 and 2, as in the paper.
    baseline : bool, optional
        Whether the dense network of every combination is trained as well; by default it is.
    resume : bool
        Whether only what has no completed run in ``db`` is trained.
    diagnostics : Diagnostics, optional
        What is measured of each run besides the epochs.
    blas_threads : int
        Threads of each matrix product. The last digits of all numbers depend on it.
    header : bool, optional
        Whether the first line of .csv files names their columns; None means to find out.
    on_run : callable, optional
        Called with each Run when it has ended. Nothing is printed by itself.
    **knobs
        Values of RunConfig's fields, one or an iterable of several, as in ``B=[1, 4]``; the grid
        is their product.

    Returns
    -------
    list of Run
        The runs that were trained now, in the order of the configurations, dense ones of a grid
        first. A run that diverged or failed is among them: see its ``status``.

    Raises
    ------
    ConfigurationError
        If a value is invalid or given twice, or configurations and a grid are both given.
    UnknownNameError
        If there is no such knob or data set.
    DatasetError
        If a data set cannot be read or trained on.
    StoreError
        If the database cannot be written; runs that were stored before are kept.
    WorkerError
        If worker processes cannot be started.
    KeyboardInterrupt
        On Ctrl-C; what was trained until then is stored in ``db``.

    Examples
    --------
    >>> import cdbench
    >>> runs = cdbench.sweep(dataset="iris", B=[2, 4], seeds=range(2), epochs=2)
    >>> [(run.config.model, run.config.seed) for run in runs][:3]
    [('dense', 0), ('dense', 1), ('cdlinear B=2', 0)]
    >>> mine = [cdbench.RunConfig(dataset="iris", layer="low-rank:2", epochs=2)]
    >>> [run.n_parameters for run in cdbench.sweep(mine)]
    [657]
    """
    check_options(diagnostics=diagnostics, blas_threads=blas_threads, jobs=jobs)
    pin = pinning(header)
    if configs is None:
        wanted = _grid(knobs, seeds, baseline is not False, pin)
    else:
        _check_no_grid([*knobs, *_given(seeds=seeds, baseline=baseline)])
        wanted = _pinned(configs, pin)
    needs = dict.fromkeys(wanted, diagnostics or Diagnostics())
    if db is None:
        if resume:
            raise ConfigurationError("resume was given without db; expected the database's path")
        ended = train_only(needs, jobs, blas_threads, on_run)
    else:
        database = open_for_writing(os.fspath(db))
        if resume:
            stored = _stored(database, needs)
            needs = {config: own for config, own in needs.items() if config not in stored}
        go_on = "cdbench.sweep(..., resume=True)"
        ended = train_quietly(needs, database, "cdbench.sweep", go_on, jobs, blas_threads, on_run)
    by_config = {run.config: run for run in ended}
    return [by_config[config] for config in needs if config in by_config]


def _given(**options: Any) -> list[str]:
    return [name for name, value in options.items() if value is not None]


def _check_no_grid(names: Sequence[str]) -> None:
    if names:
        raise ConfigurationError(
            f"{names[0]} was given beside configurations; expected configurations, or the values "
            "of a grid"
        )


def _pinned(
    configs: RunConfig | Iterable[RunConfig], pin: Callable[[RunConfig], RunConfig]
) -> list[RunConfig]:
    given = list(configs) if isinstance(configs, Iterable) else [configs]
    for one in given:
        if not isinstance(one, RunConfig):
            raise ConfigurationError(f"configs: got {one!r}; expected RunConfig's")
    pinned = [pin(one) for one in given]
    if len(set(pinned)) < len(pinned):
        raise ConfigurationError("configs: one is given twice; expected each once")
    return pinned


def _grid(
    knobs: Mapping[str, Any],
    seeds: int | Iterable[int] | None,
    baseline: bool,
    pin: Callable[[RunConfig], RunConfig],
) -> list[RunConfig]:
    known = {*KNOBS} - {"seed"} | {"seeds"}
    for name in knobs:
        if name not in known:
            raise UnknownNameError("knob", name, known)
    values = {name: _values(name, value) for name, value in knobs.items()}
    chosen = PUBLISHED_SEEDS if seeds is None else _values("seeds", seeds)
    return grid(values, chosen, baseline=baseline, pin=pin)


def _values(name: str, value: Any) -> list[Any]:
    """Return a knob's values; ``hidden=[64, 64]`` is one network, ``[[64], [32]]`` are two."""
    if isinstance(value, str) or not isinstance(value, Iterable) or name in ONE_VALUE:
        return [value]
    values = list(value)
    if name in LISTS and not any(isinstance(one, Sequence) for one in values):
        return [tuple(values)]
    if not values:
        raise ConfigurationError(f"{name} = []: expected at least one value")
    return [tuple(one) if isinstance(one, list) else one for one in values]


def _stored(database: Database, needs: Needs) -> set[RunConfig]:
    """Return the configurations with a completed run that has the diagnostics asked for."""
    if set(needs.values()) == {Diagnostics()}:
        return completed_configs(database, needs)
    return set(covering_runs(database, needs))
