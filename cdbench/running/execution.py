"""execute(config) -> Run: a whole training as a pure function without a database."""

import sys
import time
import traceback
from collections.abc import Callable
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
from cdbench.engine.step_sizes import measured_gains
from cdbench.engine.training import train
from cdbench.errors import CdbenchError, DivergenceError
from cdbench.records.run import COMPLETED, DIVERGED, FAILED, INTERRUPTED, EpochMetrics, Run
from cdbench.running.environment import current_environment
from cdbench.running.footprint import check_memory
from cdbench.system.blas import blas_limited

DEFAULT_DIAGNOSTICS = Diagnostics()

OnEpoch = Callable[[EpochMetrics], None]


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
    check_plugins(config.plugin, config.layer, config.dataset)
    with blas_limited(blas_threads) as lacking:
        environment = current_environment()
        started_at = datetime.now(UTC)
        wall, cpu = time.perf_counter(), time.process_time()
        if lacking is None:
            outcome = _train(config, on_epoch, diagnostics, on_stage)
        else:
            outcome = {"status": FAILED, "error": lacking, "epochs": ()}
        return Run(
            uuid=str(uuid4()),
            config=config,
            diagnostics=diagnostics,
            environment=environment,
            started_at=started_at,
            duration_s=time.perf_counter() - wall,
            cpu_s=time.process_time() - cpu,
            peak_memory_bytes=_peak_memory_bytes(),
            **outcome,
        )


def _train(
    config: RunConfig, on_epoch: OnEpoch, diagnostics: Diagnostics, on_stage: OnStage
) -> dict[str, Any]:
    """Train, and return the fields of Run that depend on the outcome."""
    epochs: list[EpochMetrics] = []
    outcome: dict[str, Any] = {"status": COMPLETED}
    try:
        _fill(outcome, epochs, config, on_epoch, diagnostics, on_stage)
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
    return outcome | {"epochs": tuple(epochs if diagnostics.history else epochs[-1:])}


def _fill(
    outcome: dict[str, Any],
    epochs: list[EpochMetrics],
    config: RunConfig,
    on_epoch: OnEpoch,
    diagnostics: Diagnostics,
    on_stage: OnStage,
) -> None:
    """Train, and write every result as soon as it is known; raise what ends the training."""
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
    for metrics in train(network, parameters, split, feasible, on_batch, gains):
        epochs.append(metrics)
        on_epoch(metrics)
        monitor.after_epoch(metrics.epoch)
    if metrics.epoch < config.epochs:
        monitor.after_early_stop(metrics.epoch)
    outcome |= {
        "spectra": tuple(monitor.spectra),
        "curvature": tuple(monitor.curvature),
    }
    if diagnostics.history and dataset.classes and dataset.task != "language":
        outcome["classes"] = class_accuracies(network, parameters, split, dataset.classes)


def _peak_memory_bytes() -> int | None:
    """Return this process's peak resident memory so far, or None if the system cannot tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
