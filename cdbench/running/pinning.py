"""Pinning many configurations to their data, each file read once."""

from collections.abc import Callable
from dataclasses import replace

from cdbench.config.run_config import RunConfig
from cdbench.datasets import pin_dataset
from cdbench.running.widths import check_widths


def pinning(header: bool | None = None) -> Callable[[RunConfig], RunConfig]:
    """Return a function that pins a configuration to its data set's contents, and checks it.

    It reads each data set once for all configurations. Errors are those of ``pin_dataset`` and
    ``check_widths``.

    Parameters
    ----------
    header : bool, optional
        Whether the first line of a .csv file names its columns; None means to find out.
    """
    fingerprints: dict[str, str | None] = {}

    def pin(config: RunConfig) -> RunConfig:
        if config.dataset not in fingerprints:
            fingerprints[config.dataset] = pin_dataset(config, header).dataset_fingerprint
        pinned = replace(config, dataset_fingerprint=fingerprints[config.dataset])
        check_widths(pinned)
        return pinned

    return pin
