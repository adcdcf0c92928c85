"""From the options of ``cdbench compare`` to the plan of a comparison, and who competes in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cdbench.comparison.plan import Plan, entrant, every_entrant
from cdbench.comparison.sizes import Candidate, Field, fields_of, whole
from cdbench.config.checks import HEADS
from cdbench.config.families import BASELINE
from cdbench.config.run_config import RunConfig
from cdbench.config.study import COMPARE_NAMES
from cdbench.datasets import load_dataset, pin_dataset, split_of

DEFAULT_BUDGETS = (0.25,)


@dataclass(frozen=True)
class Planned:
    """A plan, and who competes.

    Attributes
    ----------
    plan : Plan
        The comparison.
    fields : sequence of Field
        Those of each budget.
    """

    plan: Plan
    fields: Sequence[Field]

    @property
    def candidates(self) -> list[Candidate]:
        """All models, the dense network of full width first."""
        return [whole(self.plan), *(one for field in self.fields for one in field.candidates)]


def planned(options: Mapping[str, Any], header: bool | None = None) -> Planned:
    """Return the comparison of these options, with its data set read.

    Parameters
    ----------
    options : mapping
        COMPARED_KNOBS and COMPARE_NAMES (``cdbench/config/study.py``) by name; those that are
        missing or None have their defaults.
    header : bool, optional
        Whether the first line of a .csv file names its columns; None means to find out.

    Raises
    ------
    CdbenchError
        If an option is invalid, the data cannot be read, no family meets a budget, or there are
        too few samples for validation.
    """
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in options.items()
        if value is not None and value != []
    }
    own: dict[str, Any] = {name: given.pop(name) for name in COMPARE_NAMES if name in given}
    if "rates" in own:
        own["rates"] = tuple(sorted(own["rates"]))
    head = given.pop("head", HEADS[0])
    base = pin_dataset(RunConfig(**given, layer=BASELINE), header)
    dataset = load_dataset(base)
    layers = own.pop("layer", None)
    plan = Plan(
        base,
        dataset.n_features,
        dataset.n_outputs,
        tuple(map(entrant, layers)) if layers else every_entrant(),
        own.pop("budget", DEFAULT_BUDGETS),
        head=head,
        **own,
    )
    # Too few samples for validation are told before anything is trained.
    split_of(replace(base, validation=plan.validation, seed=plan.tuning_seeds[0]))
    return Planned(plan, fields_of(plan))
