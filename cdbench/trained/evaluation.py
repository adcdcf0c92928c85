"""How well a trained model does on the test split of its own run."""

import numpy as np

from cdbench.engine.evaluation import logits_of
from cdbench.engine.split import Split
from cdbench.engine.tasks import Score, task_of
from cdbench.records.weights import InputTransform
from cdbench.trained.model import TrainedModel

PARTS = ("divisor", "shift", "scale", "matrix")


def score_on(model: TrainedModel, split: Split) -> Score:
    """Return loss and accuracy, or R², of the test split, as a run's epochs have them."""
    task, views = task_of(model.config.task), model.views()
    total, n_right = 0.0, 0
    for here, logits in logits_of(model.network, views, split.X_test, model.context):
        loss, right = task.tally(task.bind(logits), split.y_test[here].ravel())
        total, n_right = total + float(loss), n_right + int(right)
    return task.score(total, n_right, split.y_test, split.unit)


def is_same_transform(one: InputTransform, other: InputTransform) -> bool:
    """Return whether two input transforms are of the same numbers, bit for bit."""
    pairs = [(getattr(one.affine, name), getattr(other.affine, name)) for name in PARTS]
    pairs.append((one.order, other.order))
    if (one.encoding is None) != (other.encoding is None):
        return False
    if one.encoding is not None and other.encoding is not None:
        if one.encoding.texts != other.encoding.texts:
            return False
        pairs += [(one.encoding.fills, other.encoding.fills)]
        pairs += [(one.encoding.unseen, other.encoding.unseen)]
    return all((a is None) == (b is None) and (a is None or np.array_equal(a, b)) for a, b in pairs)
