"""Data sets, one source per file. ``DATASETS`` holds those known by name; plug-ins bring others."""

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from cdbench.config import plugins
from cdbench.config.made_sets import is_made, parse
from cdbench.config.run_config import RunConfig
from cdbench.config.text_sets import is_text
from cdbench.datasets import limits
from cdbench.datasets.base import Dataset
from cdbench.datasets.bundled import breast_cancer, digits, iris, wine
from cdbench.datasets.copies import is_kept, keep, kept
from cdbench.datasets.csv_file import has_header
from cdbench.datasets.digits_made import digits_few, digits_noise, digits_pairs, digits_sums
from cdbench.datasets.made_to_measure import made_to_measure
from cdbench.datasets.sources import EXPECTED, NAMED_COLUMNS, is_file, read
from cdbench.engine.split import Split
from cdbench.errors import ConfigurationError, DatasetError, UnknownNameError
from cdbench.system.home_folders import expanded

_LOG = logging.getLogger(__name__)

DATASETS: dict[str, Callable[[], Dataset]] = {
    "digits": digits,
    "wine": wine,
    "breast_cancer": breast_cancer,
    "iris": iris,
    "digits-noise": digits_noise,
    "digits-few": digits_few,
    "digits-pairs": digits_pairs,
    "digits-sums": digits_sums,
}

__all__ = [
    "DATASETS",
    "Dataset",
    "guessing_levels",
    "load_dataset",
    "pin_dataset",
    "split_of",
    "stays_as_read",
]


def load_dataset(config: RunConfig) -> Dataset:
    """Return the data set that a configuration names.

    DatasetError is raised if a file cannot be read, its contents are not those to which the
    configuration was pinned, or its target is not for the configuration's task.
    """
    data = _loaded(config)
    if data.task != config.task:
        has, needs = "classes", "a numeric target"
        if data.task == "regression":
            has, needs = needs, has
        raise DatasetError(
            f"{config.dataset}: has {has}, but --task {config.task} needs {needs}; expected --task "
            f"{data.task}, or another data set, such as a .csv file"
        )
    return data if config.permute is None else replace(data, permute=config.permute)


def split_of(config: RunConfig) -> Split:
    """Return the samples that a run of this configuration is trained and tested on."""
    assert config.input is not None
    return load_dataset(config).split(config.seed, config.dtype, config.input, config.validation)


def stays_as_read(config: RunConfig) -> bool:
    """Return whether a data set is known to be large before it is read: ``Dataset.is_large``.

    That is by its name, or by the copy that is made of large ones when a configuration is pinned.
    """
    if is_made(config.dataset):
        numbers = parse(config.dataset).values
        return 8 * numbers["samples"] * numbers["features"] > limits.LARGE
    return config.dataset_fingerprint is not None and is_kept(config.dataset_fingerprint)


def _loaded(config: RunConfig) -> Dataset:
    if config.dataset in DATASETS:
        return DATASETS[config.dataset]()
    if is_made(config.dataset):
        return made_to_measure(config.dataset, config.task)
    found = plugins.find("dataset", config.dataset)
    if found is not None:
        return _made(found, config.dataset_fingerprint)
    if config.dataset_fingerprint is None:
        return read(config)
    return _read_pinned(_only_what_is_read(config))


def pin_dataset(config: RunConfig, header: bool | None = None) -> RunConfig:
    """Check the data set and return the configuration with the fingerprint of its file.

    A run's numbers depend on the file's contents, not on its path, so the contents belong to the
    configuration. The bundled sets, and those made to measure, are identified by their names.

    Parameters
    ----------
    config : RunConfig
        The configuration.
    header : bool, optional
        Whether the first line of a .csv file names its columns; None means to find out, and to
        tell the user if it does not. It affects the fingerprint, as it decides whether that line
        is a sample.

    Raises
    ------
    UnknownNameError
        If it is neither a known name nor the path of a file or folder that can be read.
    DatasetError
        If the file cannot be read or trained on.
    ConfigurationError
        If a label column is named for a data set that is not a .csv file.
    """
    if config.label_column is not None and not config.dataset.endswith(NAMED_COLUMNS):
        raise ConfigurationError(
            f"label_column = {config.label_column!r} was given with dataset {config.dataset}; "
            "expected a .csv or .parquet file, the only sources whose labels are found by name"
        )
    for name in ("test", "encode"):
        value = getattr(config, name)
        if value is not None and not is_file(config.dataset):
            raise ConfigurationError(
                f"{name} = {value!r} was given with dataset {config.dataset}; expected {EXPECTED}"
            )
    if config.dataset in DATASETS:
        if config.task == "regression":
            load_dataset(config)  # which refuses: all of these are classes
        return config
    if is_made(config.dataset):
        load_dataset(config)
        return config
    if plugins.find("dataset", config.dataset) is not None:
        unpinned = replace(config, dataset_fingerprint=None)
        return replace(config, dataset_fingerprint=load_dataset(unpinned).fingerprint)
    dataset = read(config, header)
    fingerprint = dataset.fingerprint
    if dataset.is_large:
        keep(dataset)
    del dataset
    if header is None and not is_text(config.dataset):
        _warn_without_header(config)
    return replace(config, dataset_fingerprint=fingerprint)


def _warn_without_header(config: RunConfig) -> None:
    path = Path(expanded(config.dataset, DatasetError))
    if path.suffix == ".csv" and not has_header(path, config.label_column):
        _LOG.warning(
            "%s has no header: its first line is all numbers and counts as a sample; if it names "
            "the columns: --header yes",
            config.dataset,
        )


def guessing_levels(configs: Iterable[RunConfig]) -> dict[str, float]:
    """Return the ``guessing_level`` of each data set that can still be read, by name.

    An accuracy, or of a regression R².
    """
    levels = {}
    for config in {config.dataset: config for config in configs}.values():
        with suppress(DatasetError, UnknownNameError):
            levels[config.dataset] = load_dataset(config).guessing_level
    return levels


@lru_cache(maxsize=4)
def _made(found: plugins.Found, fingerprint: str | None = None) -> Dataset:
    """Return a plug-in's data set, made once in a process; raise DatasetError if it is none."""
    try:
        dataset = found.value()
    except DatasetError:
        raise
    except (Exception, SystemExit) as error:
        words = " ".join(f"{type(error).__name__}: {error}".split())
        raise DatasetError(f"{found}: cannot be made ({words})") from error
    if not isinstance(dataset, Dataset):
        raise DatasetError(f"{found}: gave {type(dataset).__name__}, expected a Dataset")
    if fingerprint not in (None, dataset.fingerprint):
        raise DatasetError(
            f"{found}: gives other samples than when the configuration was made (fingerprint "
            f"{dataset.fingerprint[:12]}, expected {fingerprint[:12]})"
        )
    return dataset


def _only_what_is_read(config: RunConfig) -> RunConfig:
    """Return a configuration that is equal for all runs on one data set."""
    names = ["dataset", "label_column", "task", "test", "encode", "dataset_fingerprint"]
    if is_text(config.dataset):
        names += ["architecture", "context"]
    return RunConfig(**{name: getattr(config, name) for name in names})


@lru_cache(maxsize=4)
def _read_pinned(config: RunConfig) -> Dataset:
    """Read a pinned file once for all runs of a process, its first line as it was read then.

    A large set is mapped from its copy, if there is one: nothing is read or compared again.
    """
    name, fingerprint = config.dataset, config.dataset_fingerprint
    assert fingerprint is not None
    copy = kept(name, fingerprint)
    if copy is not None:
        return copy
    for header in (None, True, False) if name.endswith(".csv") else (None,):
        with suppress(DatasetError, UnknownNameError):
            dataset = read(config, header)
            if dataset.fingerprint == fingerprint:
                return dataset
    dataset = read(config)  # raises what is wrong with it, if anything
    raise DatasetError(
        f"{name}: its contents changed since the configuration was made (fingerprint "
        f"{dataset.fingerprint[:12]}, expected {fingerprint[:12]})"
    )
