"""The stages of a comparison: trials until every rate is found, then the runs that are reported."""

from collections.abc import Callable, Sequence

from cdbench.comparison.clock import prediction_microseconds
from cdbench.comparison.plan import Plan
from cdbench.comparison.results import Competitor, lines
from cdbench.comparison.sizes import Candidate
from cdbench.comparison.trials import OF_TRIALS, Score, Tuned, reported, search
from cdbench.config.diagnostics import Diagnostics
from cdbench.config.run_config import RunConfig
from cdbench.datasets import load_dataset, split_of
from cdbench.errors import ConfigurationError
from cdbench.running.pace import in_good_order
from cdbench.store.audit_queries import covering_runs
from cdbench.store.comparison_queries import EndedRun, ended_runs, reported_runs, state_of
from cdbench.store.comparison_rows import begin_comparison, end_comparison
from cdbench.store.database import Database

TUNING, REPORTED = "tuning", "reported"

Train = Callable[[dict[RunConfig, Diagnostics], Callable[[], str], bool], bool]
"""Trains and stores these; given what counts those of the comparison that are stored, in words, and
whether they may be trained side by side. It returns False on an interrupt."""

Say = Callable[[str], None]
"""Tells what is to be trained next."""


class _Stages:
    """A comparison in progress.

    Parameters
    ----------
    plan : Plan
        The comparison.
    candidates : sequence of Candidate
        Its models, the dense network of full width first.
    database : Database
        Where its runs are, and are stored.
    train, say : callable
        What trains them, and what is told before.
    """

    def __init__(
        self,
        plan: Plan,
        candidates: Sequence[Candidate],
        database: Database,
        train: Train,
        say: Say,
    ) -> None:
        self.plan, self.candidates, self.database = plan, candidates, database
        self._train, self._say = train, say
        self.has_trained = False
        self.ended: dict[RunConfig, EndedRun] = {}
        self.asked: set[RunConfig] = set()

    def train(self, needs: dict[RunConfig, Diagnostics], *, together: bool = True) -> bool:
        """Train what is missing; return whether all of it ended, if only by divergence.

        It does not on an interrupt, or where a cluster was lost.
        """
        self.has_trained = True
        went_through = self._train(in_good_order(needs), self._count, together)
        ended = ended_runs(self.database, needs, failed_too=True)
        self.ended |= {one: ended[one] for one in ended if one.validation}
        return went_through and ended.keys() == needs.keys()

    def _count(self) -> str:
        # How many there will be is not known while rates are searched for.
        n_stored = len(ended_runs(self.database, self.asked))
        return f"{n_stored:,} runs of the comparison"

    def tune(self) -> list[Tuned] | None:
        """Find every model's rate; None if it did not come to that."""
        while True:
            found = [search(self.plan, one, self._scores()) for one in self.candidates]
            missing = {trial: OF_TRIALS for trials, _ in found for trial in trials}
            if not missing:
                return [tuned for _, tuned in found]
            self.asked |= missing.keys()
            known = ended_runs(self.database, missing)
            self.ended |= known
            if not known:
                self._say(f"tuning: {len(missing):,} trials")
                if not self.train(missing):
                    return None

    def _scores(self) -> dict[RunConfig, Score | None]:
        scores: dict[RunConfig, Score | None] = {}
        for config, run in self.ended.items():
            accuracy, loss = run.validation_accuracy, run.validation_loss
            scores[config] = None
            if run.is_completed and loss is not None:
                scores[config] = Score(self.plan.measure.merit_of_trial(accuracy, loss), loss)
        return scores

    def report(self, tuned: Sequence[Tuned]) -> list[dict[RunConfig, Diagnostics]] | None:
        """Train the reported runs; return each model's, or None if they did not all end."""
        wanted = [
            {} if own.rate is None else reported(self.plan, one, own.rate)
            for one, own in zip(self.candidates, tuned, strict=True)
        ]
        needs = {config: measured for own in wanted for config, measured in own.items()}
        self.asked |= needs.keys()
        stored = covering_runs(self.database, needs)
        diverged = ended_runs(self.database, needs.keys() - stored.keys())
        missing = {
            config: measured
            for config, measured in needs.items()
            if config not in stored
            and not (config in diverged and not diverged[config].is_completed)
        }
        if missing:
            self._say(f"reporting: {len(missing):,} runs")
            # One by one, as not every family can train side by side, and times are compared.
            if not self.train(missing, together=False):
                return None
        return wanted


def run_comparison(
    plan: Plan,
    candidates: Sequence[Candidate],
    name: str,
    database: Database,
    command: str,
    train: Train,
    say: Say,
) -> str | None:
    """Train what a comparison needs and is not stored, and store its lines.

    Every run is stored when it ends, so that one that was killed goes on where it stopped.

    Parameters
    ----------
    plan : Plan
        The comparison.
    candidates : sequence of Candidate
        Its models, the dense network of full width first.
    name : str
        By which it is found.
    database : Database
        Where its runs are, and are stored.
    command : str
        What was asked for, as the comparison's row tells it.
    train, say : callable
        What trains runs, and what is told before.

    Returns
    -------
    str or None
        What it is stored as; None if it did not come to its end.

    Raises
    ------
    ConfigurationError
        If no model trained at any rate.
    """
    comparison_id = begin_comparison(
        database, name, plan.measure.name, plan.canonical_json(), plan.digest(), command
    )
    stages = _Stages(plan, candidates, database, train, say)
    tuned = stages.tune()
    if tuned is not None and not any(own.rate for own in tuned):
        raise ConfigurationError(
            "no model trained at any rate; what happened to each run is above and in the view "
            "runs; expected --rates at which some do"
        )
    wanted = None if tuned is None else stages.report(tuned)
    if tuned is None or wanted is None:
        return None
    own_name, has_ended = state_of(database, comparison_id)
    if stages.has_trained or not has_ended:
        _end(stages, comparison_id, tuned, wanted)
    return own_name


def _end(
    stages: _Stages,
    comparison_id: int,
    tuned: Sequence[Tuned],
    wanted: Sequence[dict[RunConfig, Diagnostics]],
) -> None:
    """Write what came of a comparison whose runs have ended."""
    plan, database = stages.plan, stages.database
    needs = {one: need for own in wanted for one, need in own.items()}
    found = covering_runs(database, needs)
    runs = reported_runs(database, [run_id for run_id, _ in found.values()])
    split = split_of(plan.base)
    competitors = [
        Competitor(
            one,
            own,
            len(own.merits) * len(plan.tuning_seeds),
            {config.seed: runs[found[config][0]] for config in configs if config in found},
            prediction_microseconds(one.config, split),
        )
        for one, own, configs in zip(stages.candidates, tuned, wanted, strict=True)
    ]
    lost = ended_runs(database, needs.keys() - found.keys())
    noted = {run.run_id: TUNING for run in stages.ended.values()}
    noted |= {run.run_id: REPORTED for run in lost.values()}
    noted |= {run_id: REPORTED for run_id, _ in found.values()}
    found_lines = lines(competitors, _overlap(plan), plan.measure)
    end_comparison(database, comparison_id, noted.items(), found_lines)


def _overlap(plan: Plan) -> float | None:
    """Return n_test / n_train of the seeds' splits; None if the data set brings its test split."""
    if load_dataset(plan.base).y_test is not None:
        return None
    split = split_of(plan.base)
    return len(split.y_test) / len(split.y_train)
