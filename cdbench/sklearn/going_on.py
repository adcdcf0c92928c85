"""What may change where training goes on from the last call, and what then begins anew."""

from cdbench.config.run_config import RunConfig

NETWORK = {
    "hidden": "hidden_layer_sizes",
    "layer": "layer",
    "structure": "layer",
    "B": "layer",
    "head": "head",
    "activation": "activation",
    "normalization": "normalization",
    "dropout": "dropout",
}
"""Knobs that the network is built from, and the parameters that they come from."""

STEPS = ("optimizer", "learning_rate", "momentum", "weight_decay", "schedule")
"""Knobs that the optimiser is built from."""


def check_same_network(before: RunConfig, now: RunConfig) -> None:
    """Raise ValueError if the parameters mean another network than the one that is to go on."""
    for knob, parameter in NETWORK.items():
        if getattr(before, knob) != getattr(now, knob):
            raise ValueError(
                f"{parameter} was changed since the last call, whose network warm_start and "
                "partial_fit go on with; expected it as it was, or a fit with warm_start=False"
            )


def same_steps(before: RunConfig, now: RunConfig) -> bool:
    """Return whether the optimiser of the last call can do the steps of this one."""
    return all(getattr(before, knob) == getattr(now, knob) for knob in STEPS)
