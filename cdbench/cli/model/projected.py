"""What ``cdbench model project`` does with a network: project, train further, tell, write."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cdbench.cli import COMPLETED
from cdbench.cli.echo import complain, echo
from cdbench.cli.output import print_report
from cdbench.errors import ConfigurationError, DivergenceError

if TYPE_CHECKING:
    from cdbench.projection.entrants import Entrant
    from cdbench.projection.models import ProjectedModel
    from cdbench.trained.model import TrainedModel


def project_network(
    model: "TrainedModel",
    source: str,
    asked: "tuple[Sequence[Entrant], float, str | None]",
    training: Mapping[str, Any],
    target: str | None,
) -> int:
    """Project a network to each family, and print what is lost; write the one that loses least.

    Parameters
    ----------
    model : TrainedModel
    source : str
        The file that it is from.
    asked : (sequence of Entrant, float, str or None)
        The families, the share of the weights, and the last layer.
    training : mapping
        The ``name`` of a data set, or None, ``epochs`` and ``rate``, for training further.
    target : str or None
        Where to write.
    """
    from cdbench.projection.fine_tuning import samples_for
    from cdbench.reports.projection import one_by_one, whole
    from cdbench.trained.npz import save

    samples = None if training["name"] is None else samples_for(model, **training)
    found, budget = _least_lost_first(model, *asked), asked[1]
    projections = [one.projection for one in found]
    if samples is None:
        print_report(whole(source, budget, projections))
        written = [one.model for one in found]
    else:
        heading, scores, written = _fine_tuned(model, found, samples)
        print_report(whole(source, budget, projections, scores, heading))
    echo()
    print_report(one_by_one(projections))
    if target is not None and save(written[0], target):
        told = written[0].config.model
        echo(f"wrote {target}: {told}, {written[0].parameters.size:,} parameters")
    return COMPLETED


def _least_lost_first(
    model: "TrainedModel", entrants: "Sequence[Entrant]", budget: float, head: str | None
) -> "list[ProjectedModel]":
    """Return the model in each family that has a size near the budget."""
    from cdbench.projection.models import Unmatched, project_model

    outcomes = [project_model(model, one, budget, head) for one in entrants]
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
) -> "tuple[str, dict[str, tuple[float, float]], list[TrainedModel]]":
    """Return what scores are, those of each family before and after training, and the models."""
    from cdbench.projection.fine_tuning import fine_tuned, scored

    name = "accuracy, %" if scored(model, samples).r2 is None else "R²"

    def told(own: "TrainedModel") -> float:
        score = scored(own, samples)
        return 100 * score.accuracy if score.accuracy is not None else float(score.r2 or 0.0)

    scores, models = {}, []
    for one in found:
        family = str(one.projection.entrant)
        complain(f"{one.model.config.model}: training on, {samples.config.epochs} epochs")
        try:
            tuned = fine_tuned(one.model, samples)
        except DivergenceError as error:
            complain(f"{one.model.config.model}: {error}")
            tuned = one.model
        scores[family] = (told(one.model), told(tuned))
        models.append(tuned)
    return f"{name} (before: {told(model):.2f})", scores, models
