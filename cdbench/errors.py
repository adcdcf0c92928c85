"""The errors that cdbench raises for its users.

::

    CdbenchError
    ├── ConfigurationError     a run, a sweep or cdbench.toml asks for the impossible
    │   ├── UnknownNameError   a name that is not among the choices; gives the nearest one
    │   └── PluginError        a plug-in that is missing, another one, or breaks a law
    ├── DatasetError           a data set that cannot be read, or cannot be trained on
    ├── ModelError             a trained network that cannot be read, or not be applied
    ├── ShapeError             an array whose shape does not fit
    ├── ClusterError           a Dask cluster that is not available, or no longer
    ├── WorkerError            worker processes that cannot be started, or all die
    ├── DivergenceError        a training loss that stopped being finite
    ├── OutputError            a file or stream that cannot be written
    └── StoreError             a database that cannot be opened, read or written
        ├── QueryError            a user's own query that is none, or names what is not there
        ├── DatabaseGoneError     a server that stays away, or
        │   └── DatabaseReplacedError   another database in its place
        └── MissingResultsError   a report whose runs are not in the database

A message says in one line what was wrong, what was expected and, if there is one, the command to
type next. Only ``cdbench.cli`` turns these into exit codes.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice
from pathlib import Path

MOST_FILES = 10_000
"""Names of a folder among which ``meant_file`` looks."""

NAMES_ELSEWHERE = {
    "lr": "learning_rate",
    "rate": "learning_rate",
    "eta": "learning_rate",
    "b": "B",
    "block": "B",
    "blocks": "B",
    "block_size": "B",
    "block_sizes": "B",
    "blocksize": "B",
    "bs": "batch_size",
    "batch": "batch_size",
    "n_epochs": "epochs",
    "epoch": "epochs",
    "widths": "hidden",
    "hidden_size": "hidden",
    "layers": "hidden",
    "model": "layer",
    "family": "layer",
    "opt": "optimizer",
    "optim": "optimizer",
    "norm": "normalization",
    "data": "dataset",
    "label": "label_column",
    "target": "label_column",
    "drop": "dropout",
    "precision": "dtype",
    "random_seed": "seed",
    "database": "db",
    "out": "output",
    "workers": "jobs",
    "n_jobs": "jobs",
    "continue": "resume",
}
"""Names that other tools use for our options and knobs."""


class CdbenchError(Exception):
    """Root of everything that cdbench raises on purpose.

    Examples
    --------
    >>> import cdbench
    >>> try:
    ...     cdbench.RunConfig(layer="cdlinaer")
    ... except cdbench.CdbenchError as error:
    ...     print(type(error).__name__, str(error)[:47])
    UnknownNameError unknown layer 'cdlinaer'; did you mean cdlinear
    """


class ConfigurationError(CdbenchError):
    """A run, a sweep or a ``cdbench.toml`` that asks for the impossible."""


MANY_NAMES = 30
"""Names of which not all are told where one of them is near: nobody would find it among them."""


class UnknownNameError(ConfigurationError):
    """A name that is not a known one.

    Parameters
    ----------
    subject : str
        What the name was meant to be, such as ``"dataset"``.
    name : str
        The name that was given.
    choices : iterable of str
        The valid names.
    hint : str, optional
        What else would be accepted, as part of a sentence.
    """

    def __init__(self, subject: str, name: str, choices: Iterable[str], hint: str = "") -> None:
        known = sorted(choices)
        folded = {choice.casefold(): choice for choice in known}  # SGD is close to sgd
        word = name.casefold().replace("-", "_")
        elsewhere = NAMES_ELSEWHERE.get(word, "").casefold()
        near = [elsewhere] if elsewhere in folded else get_close_matches(word, folded, 1, 0.5)
        question = f"; did you mean {folded[near[0]]}?" if near else ""
        alternatives = ", ".join([*known, hint] if hint else known)
        told = "" if near and len(known) > MANY_NAMES else f" (known: {alternatives})"
        super().__init__(f"unknown {subject} {name!r}{question}{told}")


class PluginError(ConfigurationError):
    """A plug-in that is missing, is not the one that was recorded, or cannot be used."""


class DatasetError(CdbenchError):
    """A data set that cannot be read, or that cannot be trained on."""


class ModelError(CdbenchError):
    """A trained network that cannot be read, is damaged, or does not fit what it is applied to."""


class ShapeError(CdbenchError):
    """An array whose shape does not fit the layer or function it was given to."""


class ClusterError(CdbenchError):
    """A Dask cluster that does not answer, or whose workers cannot train for this process."""


class WorkerError(CdbenchError):
    """Worker processes that cannot be started, or that all die."""


class DivergenceError(CdbenchError):
    """A training whose loss stopped being finite.

    Parameters
    ----------
    epoch : int
        Epoch, from 1, in which it happened.
    step : int
        Update step within that epoch, from 1, whose loss was not finite. A test evaluation's loss
        counts as that of the epoch's last step.
    """

    def __init__(self, epoch: int, step: int) -> None:
        super().__init__(
            f"the loss stopped being finite in epoch {epoch}, step {step}; "
            "try a smaller --learning-rate"
        )
        self.epoch = epoch
        self.step = step

    def __reduce__(self) -> tuple[type["DivergenceError"], tuple[int, int]]:
        """Pickle as the two numbers, so that the error can be sent between processes."""
        return (type(self), (self.epoch, self.step))


class OutputError(CdbenchError):
    """A file or stream that a command was told to write, but cannot or must not."""


class StoreError(CdbenchError):
    """A database that cannot be opened, read or written."""


class QueryError(StoreError):
    """A query of the user's own that is none, or that names what is not there.

    Parameters
    ----------
    message : str
        What is wrong, in one line.
    where : str, optional
        The query's line, and one below it that points at the word; empty if no word is to blame.
    """

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(message)
        self.where = where


class DatabaseGoneError(StoreError):
    """A database that was lost while in use: its file was replaced, or its server stays away."""


class DatabaseReplacedError(DatabaseGoneError):
    """Another database that has replaced the one that was written to."""


class MissingResultsError(StoreError):
    """A report or figure whose runs are not in the database."""


class NotDefinedError(CdbenchError):
    """A kind of spectrum means nothing for a layer family."""

    def __init__(self, kind: str, family: str) -> None:
        super().__init__(f"{kind} is not defined for {family} layers")


def meant_file(path: Path) -> str:
    """Return ``; did you mean NAME?`` if a file of nearly this name is in its folder, else nothing.

    Or that a folder, or a device, has this name. It never raises: the error that it is a part of is
    about the file that is missing.
    """
    try:
        if path.exists():
            return f"; that is a {'folder' if path.is_dir() else 'device or pipe'}"
        names = [own.name for own in islice(path.parent.iterdir(), MOST_FILES)]
    except (OSError, ValueError):
        return ""
    alike = [own for own in names if Path(own).suffix == path.suffix]
    near = get_close_matches(path.name, alike, n=1, cutoff=0.85)
    return f"; did you mean {path.parent / near[0]}?" if near else ""
