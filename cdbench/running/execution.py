"""execute(config) -> Run: a whole training as a pure function without a database."""

import sys
import time
import traceback
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import numpy as np

from cdbench.config.diagnostics import Diagnostics
from cdbench.config.plugin_records import check as check_plugins
from cdbench.config.run_config import RunConfig
from cdbench.datasets import load_dataset
from cdbench.diagnostics.monitor import Monitor, OnStage
from cdbench.engine.building import build_network
from cdbench.engine.evaluation import class_accuracies
from cdbench.engine.stack import Member, Stack, stacks
from cdbench.engine.step_sizes import measured_gains
from cdbench.engine.training import train
from cdbench.errors import CdbenchError, DivergenceError
from cdbench.records.run import COMPLETED, DIVERGED, FAILED, INTERRUPTED, EpochMetrics, Run
from cdbench.running.environment import current_environment
from cdbench.running.footprint import check_memory
from cdbench.running.kept import trained_weights
from cdbench.system.blas import blas_limited

DEFAULT_DIAGNOSTICS = Diagnostics()

OnEpoch = Callable[[EpochMetrics], None]
Need = tuple[RunConfig, Diagnostics]
Steps = Generator[bool]


def execute(
    config: RunConfig,
    on_epoch: OnEpoch = lambda metrics: None,
    diagnostics: Diagnostics = DEFAULT_DIAGNOSTICS,
    blas_threads: int = 1,
    on_stage: OnStage = lambda what: None,
) -> Run:
    """Train one configuration and return all its results; never raise for a bad run.

    PluginError is raised if it recorded plug-ins that are not here.

    Parameters
    ----------
    config : RunConfig
        What to train.
    on_epoch : callable, optional
        Called with the metrics of each epoch when it ends.
    diagnostics : Diagnostics, optional
        What to measure besides the epochs.
    blas_threads : int
        Threads of each matrix product. One by default on every machine: 64 × 64 products are
        slower with more threads, and the last digits depend on their number.

    on_stage : callable
        Called with what is measured besides the epochs when it begins, and with "" when it ends.

    Returns
    -------
    Run
        ``completed``; or ``diverged``, ``interrupted`` (Ctrl-C) or ``failed``, with the epochs
        until then.
    """
    (run,) = execute_together([(config, diagnostics)], blas_threads, on_epoch, on_stage)
    return run


def execute_together(
    needs: Sequence[Need],
    blas_threads: int = 1,
    on_epoch: OnEpoch = lambda metrics: None,
    on_stage: OnStage = lambda what: None,
) -> list[Run]:
    """Train configurations that differ in seed and learning rate, side by side where they can be.

    Every number of a run is that of ``execute``, but for its times: these are all runs' by how many
    runs they are. An interrupt ends those that have begun; others are not in the list.

    Parameters
    ----------
    needs : sequence of (RunConfig, Diagnostics)
        What to train, and what to measure of it.
    blas_threads, on_epoch, on_stage
        As for ``execute``.
    """
    for config, _ in needs:
        check_plugins(config.plugin, config.layer, config.dataset)
    with blas_limited(blas_threads) as lacking:
        environment = current_environment()
        started_at = datetime.now(UTC)
        wall, cpu = time.perf_counter(), time.process_time()
        if lacking is None:
            outcomes = _train(needs, on_epoch, on_stage)
        else:
            outcomes = [{"status": FAILED, "error": lacking, "epochs": ()} for _ in needs]
        cost: dict[str, Any] = {
            "duration_s": (time.perf_counter() - wall) / len(outcomes),
            "cpu_s": (time.process_time() - cpu) / len(outcomes),
            "peak_memory_bytes": _peak_memory_bytes(),
        }
        return [
            Run(
                uuid=str(uuid4()),
                config=config,
                diagnostics=diagnostics,
                environment=environment,
                started_at=started_at,
                **cost,
                **outcome,
            )
            for (config, diagnostics), outcome in zip(needs, outcomes, strict=False)
        ]


def _train(needs: Sequence[Need], on_epoch: OnEpoch, on_stage: OnStage) -> list[dict[str, Any]]:
    """Train, and return the fields of Run that depend on the outcome, of the runs that began."""
    stack = Stack() if len(needs) > 1 else None
    outcomes: list[dict[str, Any]] = []
    under_way: list[Steps] = []

    def goes_on(steps: Steps) -> bool:
        try:
            if any(own["status"] == INTERRUPTED for own in outcomes):
                steps.throw(KeyboardInterrupt)
            return next(steps)
        except StopIteration:
            return False

    for need in needs:
        outcome: dict[str, Any] = {"status": COMPLETED}
        outcomes.append(outcome)
        steps = _steps(outcome, need, stack, on_epoch, on_stage)
        if goes_on(steps):
            under_way.append(steps)
        if outcome["status"] == INTERRUPTED:
            break
    while under_way:
        under_way = [steps for steps in under_way if goes_on(steps)]
    return outcomes


def _steps(
    outcome: dict[str, Any],
    need: Need,
    stack: Stack | None,
    on_epoch: OnEpoch,
    on_stage: OnStage,
) -> Steps:
    """Train, and write the fields of Run that depend on the outcome.

    It lets others go on before each epoch if they train in the same stack, and else never.
    """
    epochs: list[EpochMetrics] = []
    try:
        yield from _fill(outcome, epochs, need, stack, on_epoch, on_stage)
    except DivergenceError as error:
        outcome |= {
            "status": DIVERGED,
            "error": str(error),
            "diverged_epoch": error.epoch,
            "diverged_step": error.step,
        }
    except KeyboardInterrupt:
        outcome |= {"status": INTERRUPTED, "error": "interrupted by the user"}
    except CdbenchError as error:
        outcome |= {"status": FAILED, "error": str(error)}
    except MemoryError as error:
        said = f" ({error})" if str(error) else ""
        outcome |= {"status": FAILED, "error": f"there was not enough memory to train it{said}"}
    except Exception:  # noqa: BLE001 - a bug must not stop a sweep; its traceback is kept with the run
        outcome |= {"status": FAILED, "error": traceback.format_exc()}
    outcome["epochs"] = tuple(epochs if need[1].history else epochs[-1:])


def _fill(
    outcome: dict[str, Any],
    epochs: list[EpochMetrics],
    need: Need,
    stack: Stack | None,
    on_epoch: OnEpoch,
    on_stage: OnStage,
) -> Steps:
    """Train, and write every result as soon as it is known; raise what ends the training."""
    config, diagnostics = need
    dataset = load_dataset(config)
    assert config.input is not None
    split = dataset.split(config.seed, config.dtype, config.input, config.validation)
    # No batch exceeds the training split, so memory, product and arrays need no more either.
    feasible = replace(config, batch_size=min(config.batch_size, len(split.y_train)))
    check_memory(feasible, dataset.n_features, dataset.n_outputs, dataset.image)
    network = build_network(feasible, dataset.n_features, dataset.n_outputs, dataset.image)
    outcome |= {
        # What it is pinned to was compared when it was read.
        "dataset_fingerprint": config.dataset_fingerprint or dataset.fingerprint,
        "widths": network.widths,
        "n_parameters": network.n_parameters,
        "product_used": network.product,
    }
    parameters = network.initial_parameters(np.random.default_rng(config.seed), config.dtype)
    monitor = Monitor(network, parameters, split, feasible, diagnostics, on_stage)
    monitor.after_epoch(0)
    outcome["gains"] = gains = measured_gains(network, parameters, split, feasible)
    on_batch = monitor.before_step if diagnostics.batches else None
    if stack and on_batch is None and stacks(network, split, feasible):
        every = stack.join(Member(network, parameters, split, feasible, gains))
        yield True
    else:
        stack = None
        every = train(network, parameters, split, feasible, on_batch, gains)
    for metrics in every:
        epochs.append(metrics)
        on_epoch(metrics)
        monitor.after_epoch(metrics.epoch)
        if stack:
            yield True
    if metrics.epoch < config.epochs:
        monitor.after_early_stop(metrics.epoch)
    outcome |= {
        "spectra": tuple(monitor.spectra),
        "curvature": tuple(monitor.curvature),
    }
    if diagnostics.history and dataset.classes and dataset.task != "language":
        outcome["classes"] = class_accuracies(network, parameters, split, dataset.classes)
    if diagnostics.weights:
        outcome["weights"] = trained_weights(network, parameters, split, dataset)


def _peak_memory_bytes() -> int | None:
    """Return this process's peak resident memory so far, or None if the system cannot tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
