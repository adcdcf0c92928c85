"""What ``cdbench model project`` does with a network: project, train further, tell, write."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cdbench.cli import COMPLETED
from cdbench.cli.echo import complain, echo
from cdbench.cli.output import print_report
from cdbench.errors import ConfigurationError, DivergenceError, NotDefinedError

if TYPE_CHECKING:
    from cdbench.config.matching import Entrant
    from cdbench.projection.models import ProjectedModel
    from cdbench.trained.model import TrainedModel


class Asked(NamedTuple):
    """What a network is projected to.

    Attributes
    ----------
    entrants : sequence of Entrant
        The families.
    budget : float
        Share of the weights.
    head : str or None
        The last layer, if another than the network's.
    moments : str or None
        The data set whose training samples weigh what is lost.
    """

    entrants: "Sequence[Entrant]"
    budget: float
    head: str | None
    moments: str | None


def project_network(
    model: "TrainedModel",
    source: str,
    asked: Asked,
    training: Mapping[str, Any],
    target: str | None,
) -> int:
    """Project a network to each family, and print what is lost; write the one that loses least.

    Parameters
    ----------
    model : TrainedModel
    source : str
        The file that it is from.
    asked : Asked
        What to project to.
    training : mapping
        The ``name`` of a data set, or None, ``epochs`` and ``rate``, for training further.
    target : str or None
        Where to write.
    """
    from cdbench.projection.fine_tuning import samples_for
    from cdbench.reports.projection import one_by_one, whole
    from cdbench.trained.formats import OWN, format_of, writer

    samples = None if training["name"] is None else samples_for(model, **training)
    found = _least_lost_first(model, asked)
    projections, weighted = [one.projection for one in found], asked.moments is not None
    if samples is None:
        print_report(whole(source, asked.budget, projections, weighted=weighted))
        written = [one.model for one in found]
    else:
        heading, scores, written = _fine_tuned(model, found, samples)
        print_report(whole(source, asked.budget, projections, scores, heading, weighted=weighted))
    echo()
    print_report(one_by_one(projections))
    if target is not None:
        form, best = format_of(target), written[0]
        said = writer(form, own=form in OWN)(best, target)
        if said is not None:
            told = f"{best.config.model}, {best.parameters.size:,} parameters"
            echo(f"wrote {target}: {told}" + (f"; {said}" if said else ""))
    return COMPLETED


def _least_lost_first(model: "TrainedModel", asked: Asked) -> "list[ProjectedModel]":
    """Return the model in each family that has a size near the budget."""
    from cdbench.projection.fine_tuning import samples_for
    from cdbench.projection.models import ProjectedModel, Unmatched, project_model
    from cdbench.projection.network_matrices import moments_of

    budget, weights = asked.budget, None
    if asked.moments is not None:
        samples = samples_for(model, asked.moments, called="moments")
        weights = moments_of(model, samples.split.X_train[: len(samples.split.y_train)])
    outcomes: list[ProjectedModel | Unmatched] = []
    undefined: list[NotDefinedError] = []
    for one in asked.entrants:
        try:
            outcomes.append(project_model(model, one, budget, asked.head, weights))
        except NotDefinedError as error:
            undefined.append(error)
    if not outcomes:
        raise undefined[0]
    for reason in undefined:
        complain(f"left out: {reason}")
    found = [one for one in outcomes if not isinstance(one, Unmatched)]
    words = "; ".join(str(one) for one in outcomes if isinstance(one, Unmatched))
    if not found:
        raise ConfigurationError(
            f"budget = {budget:g}: no family has a size near this share of the weights; {words}; "
            "expected a --budget near one of these, or --layer with a size, such as low-rank:1"
        )
    if words:
        complain(f"not at {budget:g}: {words}")
    return sorted(found, key=lambda own: own.projection.relative_error)


def _fine_tuned(
    model: "TrainedModel", found: "Sequence[ProjectedModel]", samples: Any
) -> "tuple[str, dict[str, tuple[float, float | None]], list[TrainedModel]]":
    """Return what scores are, those of each family before and after training, and the models."""
    from cdbench.projection.fine_tuning import fine_tuned, scored

    name = "accuracy, %" if scored(model, samples).r2 is None else "R²"

    def told(own: "TrainedModel") -> float:
        score = scored(own, samples)
        return 100 * score.accuracy if score.accuracy is not None else float(score.r2 or 0.0)

    scores: dict[str, tuple[float, float | None]] = {}
    models = []
    for one in found:
        family = str(one.projection.entrant)
        complain(f"{one.model.config.model}: training on, {samples.config.epochs} epochs")
        try:
            models.append(fine_tuned(one.model, samples))
            scores[family] = (told(one.model), told(models[-1]))
        except DivergenceError as error:
            complain(f"{one.model.config.model}: {error}")
            models.append(one.model)
            scores[family] = (told(one.model), None)
    return f"{name} (before: {told(model):.2f})", scores, models
