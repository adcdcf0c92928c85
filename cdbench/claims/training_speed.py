"""Claim 15: whether the layer that is called better conditioned trains faster."""

from collections.abc import Mapping, Sequence

import numpy as np

from cdbench.claims.base import EPOCHS_ONLY, Bench, Claim, Measurements, Needs
from cdbench.claims.evidence.rate_grid import (
    B4,
    B8,
    DENSE,
    RAW,
    WEIGHT_SPACE,
    Epochs,
    Setting,
    first_epoch,
    grid,
    own_best,
)
from cdbench.records.judgement import (
    CONDITIONAL,
    HOLDS,
    NOT_SUPPORTED,
    Judgement,
    Measurement,
    Observation,
)
from cdbench.statistics.estimates import Observations, mean, median
from cdbench.statistics.wording import above, below, in_digits

TARGETS = (0.95, 0.97)
"""Test accuracies, shares."""
PAPERS_RATE = 0.1
OWN_BEST, EQUAL_RATE, EQUAL_STEP = "own best rate", "equal rate 0.1", "equal step on W"
COMPARISONS = (OWN_BEST, EQUAL_RATE, EQUAL_STEP)
CASES = tuple((model, target) for model in (B4, B8) for target in TARGETS)

Signs = Mapping[str, Sequence[Measurement]]
"""Mean signs of the four CASES, by comparison."""


def percent(share: float) -> str:
    """Return a share as it is printed: ``95 %``."""
    return f"{100 * share:.0f} %"


def epochs_to(target: float) -> str:
    """Return the quantity: first epoch with the target accuracy, one past the last if never."""
    return f"epochs to {percent(target)} test accuracy, 26 if not in 25"


def sign_to(target: float, comparison: str) -> str:
    """Return the quantity: 1 where the model takes more epochs than dense, -1 fewer, 0 as many."""
    return f"sign of epochs more than dense to {percent(target)}, {comparison}"


def step_to(target: float) -> str:
    """Return the quantity: step on W of the own best rate."""
    return f"step on W of the own best rate to {percent(target)}"


class TrainingSpeed(Claim):
    """Epochs to a test accuracy, at equal rates and at each model's own best."""

    name = "training-speed"
    title = "Better conditioned, faster trained"
    statement = (
        "κ controls the convergence rate of gradient descent, and CDLinear's is hundreds of times "
        "smaller; at κ = 1 one step of any first-order method suffices. (The paper adds that it "
        "does not establish that the advantage translates to faster training on harder benchmarks, "
        "and that dense has a slight early advantage here.)"
    )
    where = "Sec. I; Sec. V after Theorem 2; Sec. VI.2 (iii)"
    published = "κ controls the convergence rate"
    method = (
        "The first epoch with 95 % and with 97 % test accuracy, of dense, B=4 and B=8, paired by "
        "seed with dense's. A run that never gets there counts as slower than any that does, and "
        "as slow as any other that does not (26 epochs); so the sign of the difference is taken. "
        "Compared at each model's own best learning rate of the grid (dense 0.05 to 0.8; CDLinear "
        "0.0125 to 0.2 raw and 0.05 to 0.8 in weight space, in factors of 2), at the paper's equal "
        "rate 0.1, and at the rate that moves W equally far (0.1 in weight space). The own best of "
        "a seed is that of the fewest epochs, in the mean, over the half of the seeds it is not "
        "in, so that no rate is chosen on the runs that it is judged by. Test accuracy tells of "
        "capacity too: B=8 has a seventh of dense's parameters."
    )
    rule = (
        "A model is faster than dense in a comparison if the mean sign has its 95 % interval "
        "below 0, slower if above 0. Each comparison has four cases: B=4 and B=8, to 95 % and to "
        "97 %. holds if all four are faster at the own best rates; not supported if there none is "
        "faster, and B=8, the best conditioned by the paper's κ, is slower to both targets; else "
        "holds under a condition if in some comparison at least one case is faster and none "
        "slower, the condition naming comparison and cases; else not supported."
    )
    overturn = (
        "A better choice of rates for CDLinear than the grid has; or a task whose speed is limited "
        "by conditioning and not by capacity, such as inputs of very unequal scales."
    )
    version = 2
    changed = (
        "The first version said contradicted. The paper infers speed from κ but says itself that "
        "it does not establish it; where no model is faster, the inference is not supported, and "
        "nothing that was claimed is contradicted."
    )
    null = 0.0

    def needs(self, seeds: Sequence[int]) -> Needs:
        """Return the three models with every rate of the grid and every seed."""
        return {config: EPOCHS_ONLY for own in grid(seeds).values() for config in own}

    def observe(self, bench: Bench) -> list[Observation]:
        """Return epochs to both targets of all runs, the own best ones, and the signs."""
        runs = {
            setting: {config.seed: bench.run(config) for config in configs}
            for setting, configs in grid(bench.seeds).items()
        }
        ids = {s: {seed: run.run_id for seed, run in own.items()} for s, own in runs.items()}
        observations = []
        for target in TARGETS:
            epochs = {
                setting: {seed: first_epoch(run, target) for seed, run in own.items()}
                for setting, own in runs.items()
            }
            observations += [
                Observation(epochs_to(target), str(setting), seed, value, ids[setting][seed])
                for setting, own in epochs.items()
                for seed, value in own.items()
            ]
            observations += _compare(epochs, target, bench.seeds, ids)
        return observations

    def measure(self, observations: Observations) -> list[Measurement]:
        """Return the mean signs, the own best first, then median epochs and steps."""
        models = (DENSE, B4, B8)
        shown = [f"{model}, {OWN_BEST}" for model in models]
        shown += [str(Setting(model, RAW, PAPERS_RATE)) for model in models]
        shown += [str(Setting(model, WEIGHT_SPACE, PAPERS_RATE)) for model in (B4, B8)]
        return [
            *(
                mean(observations, sign_to(target, comparison), model)
                for comparison in COMPARISONS
                for model, target in CASES
            ),
            *(median(observations, epochs_to(target), s) for target in TARGETS for s in shown),
            *(median(observations, step_to(target), m) for target in TARGETS for m in models),
        ]

    def judge(self, found: Measurements) -> Judgement:
        """Return the verdict, by the rule."""
        signs = {
            comparison: [found.find(sign_to(target, comparison), model) for model, target in CASES]
            for comparison in COMPARISONS
        }
        verdict, condition = _verdict(signs)
        last = TARGETS[-1]
        B4_sign, B8_sign = (found.find(sign_to(last, OWN_BEST), model) for model in (B4, B8))
        medians = ", ".join(
            f"{short} {in_digits(found.find(epochs_to(last), f'{model}, {OWN_BEST}'))}"
            for short, model in (("dense", DENSE), ("B=4", B4), ("B=8", B8))
        )
        reason = (
            f"At its own best rate a model takes in the median (quartiles) {medians} epochs to "
            f"{percent(last)}; the mean sign of B=4's difference to dense is {in_digits(B4_sign)}, "
            f"of B=8's {in_digits(B8_sign)} (1: always slower, −1: always faster)."
        )
        return Judgement(verdict, f"to {percent(last)}: {medians}", reason, condition)


def _compare(
    epochs: Epochs, target: float, seeds: Sequence[int], ids: Mapping[Setting, Mapping[int, int]]
) -> list[Observation]:
    """Return the own best rates' epochs and steps, and all comparisons' signs, of these runs."""
    best = own_best(epochs, seeds)
    observations = []
    for model, chosen in best.items():
        for seed, setting in chosen.items():
            own = (f"{model}, {OWN_BEST}", seed, epochs[setting][seed])
            observations.append(Observation(epochs_to(target), *own))
            observations.append(Observation(step_to(target), model, seed, setting.step))
    dense = dict.fromkeys(seeds, Setting(DENSE, RAW, PAPERS_RATE))
    for model in (B4, B8):
        pairs = {
            OWN_BEST: (best[model], best[DENSE]),
            EQUAL_RATE: (dict.fromkeys(seeds, Setting(model, RAW, PAPERS_RATE)), dense),
            EQUAL_STEP: (dict.fromkeys(seeds, Setting(model, WEIGHT_SPACE, PAPERS_RATE)), dense),
        }
        for comparison, (ours, theirs) in pairs.items():
            for seed in seeds:
                more = epochs[ours[seed]][seed] - epochs[theirs[seed]][seed]
                sign = float(np.sign(more))
                observations.append(
                    Observation(
                        sign_to(target, comparison), model, seed, sign, ids[ours[seed]][seed]
                    )
                )
    return observations


def _verdict(signs: Signs) -> tuple[str, str | None]:
    faster = {name: [below(sign, 0.0) for sign in own] for name, own in signs.items()}
    slower = {name: [above(sign, 0.0) for sign in own] for name, own in signs.items()}
    if all(faster[OWN_BEST]):
        return HOLDS, None
    of_B8 = [is_slower for (model, _), is_slower in zip(CASES, slower[OWN_BEST], strict=True)
             if model == B8]  # fmt: skip
    if not any(faster[OWN_BEST]) and all(of_B8):
        return NOT_SUPPORTED, None
    conditions = [
        f"{name} ({', '.join(_named(faster[name]))})"
        for name in COMPARISONS
        if any(faster[name]) and not any(slower[name])
    ]
    if conditions:
        return CONDITIONAL, "; ".join(conditions)
    return NOT_SUPPORTED, None


def _named(chosen: Sequence[bool]) -> list[str]:
    return [
        f"{model} to {percent(target)}"
        for (model, target), is_chosen in zip(CASES, chosen, strict=True)
        if is_chosen
    ]
