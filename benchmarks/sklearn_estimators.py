"""CDClassifier against scikit-learn's MLPClassifier: accuracy, and time on the digits.

Both have MLPClassifier's default settings: a hidden layer of 100, Adam with steps of 0.001, batches
of 200, up to 200 epochs. Where it says so, CDClassifier has its own, whose steps are 0.002. Six
data sets, each split 80 to 20, stratified, by the seed that also draws the weights; features are
standardised. Accuracies are paired: both see the same split. Seconds are the processor's, in turns:
on a machine that others use too their ratios repeat to some percent.
"""

import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from time import process_time
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from cdbench.sklearn import CDClassifier
from measure import (
    Bar,
    Call,
    Row,
    Spread,
    alternate,
    arguments,
    console,
    machine,
    new_table,
    one_thread,
    print_rows,
    verdict,
)

SEEDS, ROUNDS, EPOCHS = 10, 7, 40
MLP, DENSE, DEFAULT = "MLPClassifier", "dense", CDClassifier().layer
OWN_DENSE, OWN = f"{DENSE}, own settings", f"{DEFAULT}, own settings"
MODELS = (MLP, DENSE, DEFAULT, OWN_DENSE, OWN)
FASTER = Bar(1.8)
"""MLPClassifier's time over that of dense and of the default layer."""

SETS: dict[str, Any] = {
    "digits": partial(datasets.load_digits, return_X_y=True),
    "wine": partial(datasets.load_wine, return_X_y=True),
    "breast_cancer": partial(datasets.load_breast_cancer, return_X_y=True),
    "iris": partial(datasets.load_iris, return_X_y=True),
    "make_classification": partial(
        datasets.make_classification,
        n_samples=1000,
        n_features=20,
        n_informative=10,
        n_classes=4,
        random_state=0,
    ),
    "make_moons": partial(datasets.make_moons, n_samples=1000, noise=0.25, random_state=0),
}

Split = tuple[Any, Any, Any, Any]


def model(name: str, seed: int, **knobs: Any) -> Any:
    """Return a classifier with MLPClassifier's default settings, or its own, but these."""
    if name == MLP:
        return MLPClassifier(random_state=seed, **knobs)
    layer, _, own = name.partition(",")
    if not own:
        knobs["learning_rate_init"] = MLPClassifier().learning_rate_init
    return CDClassifier(layer=layer, random_state=seed, **knobs)


def split(name: str, seed: int) -> Split:
    """Return standardised training and test samples, and their classes."""
    X, y = SETS[name]()
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.2, stratify=y, random_state=seed
    )
    scaler = StandardScaler().fit(X_train)
    return scaler.transform(X_train), scaler.transform(X_test), y_train, y_test


def accuracies(name: str, seeds: Sequence[int]) -> dict[str, list[float]]:
    """Return each model's test accuracy by seed."""
    found: dict[str, list[float]] = {name: [] for name in MODELS}
    for seed in seeds:
        X_train, X_test, y_train, y_test = split(name, seed)
        for one, taken in found.items():
            taken.append(model(one, seed).fit(X_train, y_train).score(X_test, y_test))
    return found


def within(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, bool]:
    """Return the mean difference, its standard error, and whether it is within the seeds' spread.

    That is, no further below zero than the standard deviation of their accuracies over seeds.
    """
    apart = np.subtract(ours, theirs)
    error = float(apart.std(ddof=1) / np.sqrt(len(apart)))
    mean = float(apart.mean())
    return mean, error, mean >= -float(np.std(theirs, ddof=1))


def print_accuracies(names: Sequence[str], seeds: Sequence[int]) -> None:
    """Compare the accuracies, and print the table."""
    headings = ("Data set", "Model", "Accuracy % (deviation over seeds)", "less MLP's (error)", "")
    table = new_table(f"Test accuracy, {len(seeds)} seeds", *headings)
    for name in names:
        found = accuracies(name, seeds)
        for one, taken in found.items():
            cells = [name, one, f"{100 * np.mean(taken):.2f} ({100 * np.std(taken, ddof=1):.2f})"]
            if one != MLP:
                mean, error, met = within(taken, found[MLP])
                cells += [f"{100 * mean:+.2f} ({100 * error:.2f})", verdict(met)]
            table.add_row(*cells)
    console.print(table)


def fits(data: Split, **knobs: Any) -> tuple[Mapping[str, Call], dict[str, int]]:
    """Return each model's training, and how many epochs it took, once it is called."""
    X, _, y, _ = data
    epochs: dict[str, int] = {}

    def fit(name: str) -> None:
        epochs[name] = model(name, 0, **knobs).fit(X, y).n_iter_

    return {name: partial(fit, name) for name in MODELS}, epochs


def print_times(title: str, rounds: int, **knobs: Any) -> None:
    """Let all train on the digits in turn, and print the table."""
    calls, epochs = fits(split("digits", 0), **knobs)
    taken = alternate(calls, rounds, 0.0, process_time)
    rows = [Row(MLP, Spread.of(taken[MLP]), note=str(epochs[MLP]))]
    for name in MODELS[1:]:
        ratio = Spread.of_ratios(taken[MLP], taken[name])
        label = f"CDClassifier {name}"
        rows.append(Row(label, Spread.of(taken[name]), ratio, "MLP's", FASTER, str(epochs[name])))
    print_rows(title, rows, note="epochs")


def main() -> None:
    """Measure and print."""
    asked = arguments(__doc__).parse_args()
    one_thread()
    warnings.simplefilter("ignore", ConvergenceWarning)  # at 200 epochs both often go on
    quick = bool(asked.quick)
    rounds, epochs = (1, 2) if quick else (ROUNDS, EPOCHS)
    print_times(
        f"Processor time of {epochs} epochs on the digits", rounds, max_iter=epochs, tol=0.0
    )
    if not quick:
        print_times("Processor time of a whole fit on the digits", rounds)
    print_accuracies(["iris"] if quick else list(SETS), range(2 if quick else SEEDS))
    console.print(machine("scikit-learn"))


if __name__ == "__main__":
    main()
