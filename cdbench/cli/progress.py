"""How far a sweep is: a bar on a terminal, elsewhere a plain line a run."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cdbench.cli.echo import echo
from cdbench.cli.output import one_line
from cdbench.config import RunConfig, varied_knobs
from cdbench.printable import printable
from cdbench.run import COMPLETED, INTERRUPTED, Run


class SweepProgress:
    """Shows runs done, running and failed, and the time that remains.

    Parameters
    ----------
    configs : sequence of RunConfig
        Runs to train; the knobs in which they differ are named with each.
    jobs : int
        Runs at a time.
    """

    def __init__(self, configs: Sequence[RunConfig], jobs: int) -> None:
        n_runs = len(configs)
        self.n_runs, self.jobs = n_runs, jobs
        self._varied = varied_knobs(configs)
        self.n_completed = self.n_failed = 0
        console = Console()
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("done · {task.fields[running]} running · {task.fields[failed]} failed ·"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=n_runs, running=min(jobs, n_runs), failed=0)

    def __enter__(self) -> Self:
        """Start the bar."""
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the bar; it stays where it was."""
        self._bar.stop()

    def add(self, run: Run) -> None:
        """Count a run that ended; one that failed is named with its error."""
        if run.status == INTERRUPTED:
            return
        completed = run.status == COMPLETED
        self.n_completed += completed
        self.n_failed += not completed
        n_done = self.n_completed + self.n_failed
        running = min(self.jobs, self.n_runs - n_done)
        self._bar.update(self._task, advance=1, running=running, failed=self.n_failed)
        config = run.config
        knobs = config.describe(self._varied)
        line = printable(
            f"{config.model} {knobs + ' ' if knobs else ''}seed {config.seed}: {run.status}"
        )
        if not completed:
            why = printable(one_line(run.error))
            self._bar.console.print(f"{line}: {why}", markup=False, emoji=False, soft_wrap=True)
        elif self._bar.disable:
            accuracy = 100 * run.epochs[-1].test_accuracy
            echo(f"{n_done}/{self.n_runs} {line}, {accuracy:.2f} %, {run.duration_s:.2f} s")
