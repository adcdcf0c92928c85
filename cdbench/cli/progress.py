"""Progress of a command's runs: a bar on a terminal, elsewhere one plain line per run."""

import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from cdbench.cli.echo import echo
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.naming import varied_knobs
from cdbench.config.run_config import RunConfig
from cdbench.records.run import COMPLETED, INTERRUPTED, Run, short_error
from cdbench.reports.statistics import format_score
from cdbench.running.pace import Pace
from cdbench.running.reproduction import BIT_FOR_BIT
from cdbench.system.printable import printable

if TYPE_CHECKING:
    from cdbench.reports.reproduction import Reproduced
    from cdbench.store.training_queries import StoredTraining


SHOWN = 5
"""Runs that fail for one reason that are shown one by one on a terminal."""

OTHERS = 62
"""Columns of a bar's line beside the bar and what is done, with numbers of four digits."""


class RunBar:
    """A progress bar of runs with the time left; without a terminal, nothing is drawn.

    Parameters
    ----------
    what : str
        What is done with the runs.
    state : str
        Rich markup shown after the number of runs, which uses fields of the task.
    needs : mapping
        All runs, with what is measured in each.
    n_runs : int
        The number that the bar counts up to; it may be larger than the number of ``needs``.
    stderr : bool
        Whether to draw on standard error.
    jobs : int
        Number of runs at a time.
    together : bool
        Whether runs that can be are trained side by side.
    **fields
        Initial values of the task's fields.
    """

    def __init__(
        self,
        what: str,
        state: str,
        needs: Mapping[RunConfig, Diagnostics],
        n_runs: int,
        *,
        stderr: bool = False,
        jobs: int = 1,
        together: bool = False,
        **fields: Any,
    ) -> None:
        console = Console(stderr=stderr)
        self.pace = Pace(needs, jobs, together=together)
        self.bar = Progress(
            TextColumn(what),
            BarColumn(bar_width=min(20, console.width - len(what) - OTHERS)),
            MofNCompleteColumn(),
            TextColumn(f"{state} ·"),
            _TimeLeft(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self.bar.add_task("", total=n_runs, ends_at=None, **fields)
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        """Start the bar."""
        self._began = time.monotonic()
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the bar and leave it on the screen."""
        self.bar.stop()

    @property
    def is_drawn(self) -> bool:
        """Whether there is a terminal to draw on."""
        return not self.bar.disable

    def ended(self, run: Run) -> None:
        """Note how long a run took, to estimate the time left."""
        now = time.monotonic()
        self.pace.ended(run.config, run.duration_s, now - self._began)
        left = self.pace.seconds_left(now - self._began)
        self.bar.update(self._task, ends_at=None if left is None else now + left)

    def advance(self, n_runs: int = 1, **fields: Any) -> None:
        """Count runs, and show new values of the fields."""
        self.bar.update(self._task, advance=n_runs, **fields)


class _TimeLeft(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Return the time left, which also counts down between two runs."""
        ends_at = task.fields["ends_at"]
        if ends_at is None:
            return Text("-:-- left", style="progress.remaining")
        seconds = 0 if task.finished else max(0, round(ends_at - time.monotonic()))
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        told = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
        return Text(f"{told} left", style="progress.remaining")


class SweepProgress(RunBar):
    """Shows how many runs are done, running and failed, and the time left.

    Parameters
    ----------
    needs : mapping
        Runs to train; each is shown with the knobs in which the runs differ.
    jobs : int
        Number of runs at a time.
    together : bool
        Whether runs that can be are trained side by side.
    """

    def __init__(
        self, needs: Mapping[RunConfig, Diagnostics], jobs: int, *, together: bool = False
    ) -> None:
        self.n_runs, self.jobs = len(needs), jobs
        state = "done · {task.fields[running]} running · {task.fields[failed]} failed"
        super().__init__(
            *("training", state, needs, self.n_runs),
            jobs=jobs,
            together=together,
            running=min(jobs, self.n_runs),
            failed=0,
        )
        self._varied = varied_knobs(needs)
        self._reasons: Counter[str] = Counter()
        self.n_completed = self.n_failed = 0

    def add(self, run: Run) -> None:
        """Count a run that ended; if it failed, show its error."""
        if run.status == INTERRUPTED:
            return
        completed = run.status == COMPLETED
        self.n_completed += completed
        self.n_failed += not completed
        n_done = self.n_completed + self.n_failed
        self.ended(run)
        self.advance(running=min(self.jobs, self.n_runs - n_done), failed=self.n_failed)
        config = run.config
        knobs = config.describe(self._varied)
        named = f"{config.model} {knobs + ' ' if knobs else ''}seed {config.seed}"
        line = printable(f"{named}: {run.status}")
        if not completed:
            self._failed(named, f"{run.status}: {short_error(run.error)}")
        elif not self.is_drawn:
            of = "R² " if config.task == "regression" else ""
            score = of + format_score(run.epochs[-1:])
            echo(f"{n_done}/{self.n_runs} {line}, {score}, {run.duration_s:.2f} s")

    def _failed(self, named: str, why: str) -> None:
        """Say at once why a run failed; on a terminal in a line each, and of many alike a few."""
        named, why = printable(named), printable(why)
        if not self.is_drawn:
            self._show(f"{named}: {why}")
            return
        reason = re.sub(r"\d+", "", why)
        self._reasons[reason] += 1
        if self._reasons[reason] == 1:  # in full, once
            self._show(f"{named}: {why}", soft_wrap=False)
        elif self._reasons[reason] <= SHOWN:
            width = self.bar.console.width
            label = _cut(named, max(width // 2, width - len(why) - 2))
            self._show(_cut(f"{label}: {why}", width))
            if self._reasons[reason] == SHOWN:
                self._show("more that fail like these are only counted; all: cdbench runs list")

    def _show(self, line: str, *, soft_wrap: bool = True) -> None:
        self.bar.console.print(
            line, markup=False, emoji=False, highlight=False, soft_wrap=soft_wrap
        )


def _cut(text: str, most: int) -> str:
    """Return the text, with an ellipsis for its end if it is longer."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


class ReproductionProgress(RunBar):
    """Shows compared runs on standard error: a bar, or without a terminal one line per run.

    Parameters
    ----------
    trainings : sequence of StoredTraining
        The runs.
    jobs : int
        Number of runs at a time.
    """

    def __init__(self, trainings: Sequence["StoredTraining"], jobs: int) -> None:
        self._n_runs, self._n_done, self._n_unequal = len(trainings), 0, 0
        needs = {training.config: training.diagnostics for training in trainings}
        state = "compared · {task.fields[unequal]} not bit for bit"
        super().__init__(
            "training again", state, needs, self._n_runs, stderr=True, unequal=0, jobs=jobs
        )

    def add(self, result: "Reproduced") -> None:
        """Count a run that was compared."""
        self._n_done += 1
        verdict = result.comparison.verdict
        self._n_unequal += verdict != BIT_FOR_BIT
        self.advance(unequal=self._n_unequal)
        if not self.is_drawn:
            config = result.config
            run = f"run {result.run_id}, {config.model} seed {config.seed}"
            echo(f"{self._n_done}/{self._n_runs} {run}: {verdict}", err=True)
