"""What an exported file says of the model that it is of."""

from typing import Any

from cdbench.trained.model import TrainedModel


def properties(model: TrainedModel) -> dict[str, Any]:
    """Return it as plain values for JSON; ``config`` is the canonical text."""
    found: dict[str, Any] = {
        "digest": model.digest,
        "cdbench_version": model.cdbench_version,
        "config": model.config.canonical_json(),
        "classes": list(model.classes),
        "features": list(model.features),
    }
    if model.run_uuid is not None:
        found["run_uuid"] = model.run_uuid
    if model.inputs.encoding is not None:  # text comes as its place among these
        found["texts"] = [list(own) for own in model.inputs.encoding.texts]
    return found
