"""Which runs of a sweep are given to a process together, to train side by side."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from cdbench.config import families
from cdbench.config.run_config import RunConfig
from cdbench.running.worker import Task

MOST = 8
"""Runs in a stack. More gain nothing, and their arrays leave the cache."""

WIDEST = 128
"""Of hidden layers. In wider ones the work is the matrices', and a stack shares only the calls."""


def grouped(tasks: Sequence[Task], jobs: int) -> Iterator[Task]:
    """Yield the tasks, those that differ only in seed and learning rate beside the first of them.

    With several processes the groups are so small that each process gets two at least.

    Parameters
    ----------
    tasks : sequence of Task
        One run each, with one number of threads.
    jobs : int
        Number of processes.
    """
    most = MOST if jobs <= 1 else min(MOST, len(tasks) // (2 * jobs))
    groups: list[list[Task]] = []
    growing: dict[RunConfig, list[Task]] = {}
    for task in tasks:
        shape = _shape(task)
        own = growing.get(shape) if shape else None
        if own is None or len(own) >= most:
            own = []
            groups.append(own)
            if shape:
                growing[shape] = own
        own.append(task)
    for first, *others in groups:
        yield first._replace(beside=tuple(others))


def _shape(task: Task) -> RunConfig | None:
    """Return what is equal for runs that can train side by side; None where none can.

    The engine has the last word: ``stack.stacks``. A run whose measurements take longer than its
    training is better by itself, and so is one on a large data set, which no stack takes: it would
    be trained after the others and stored with the last.
    """
    from cdbench.datasets import stays_as_read

    config = task.config
    plain = (
        config.architecture == "mlp"
        and config.layer in (families.BASELINE, *families.WITH_B)
        and config.task == "classification"
        and config.normalization == "none"
        and not (config.dropout or config.fisher_weight or config.clip or config.plugin)
        and max(config.hidden, default=0) <= WIDEST
        and task.diagnostics.curvature == "none"
        and not task.diagnostics.batches
        and not stays_as_read(config)
    )
    if not plain:
        return None
    # A rate with a schedule is rounded in float32 where several are in one array.
    constant = config.schedule == "constant" and config.warmup == 0
    return replace(config, seed=0, learning_rate=1.0 if constant else config.learning_rate)
