"""The classes of a user's own file, printed before it is trained on."""

from collections.abc import Iterable

from cdbench.cli.echo import echo
from cdbench.config.run_config import RunConfig
from cdbench.system.printable import printable


def print_shares(configs: Iterable[RunConfig]) -> None:
    """Print a line for each data set of the pinned configurations that is a user's file."""
    from cdbench.datasets import load_dataset
    from cdbench.datasets.shares import shares
    from cdbench.datasets.sources import is_file

    for config in {config.dataset: config for config in configs}.values():
        if config.dataset_fingerprint is not None and is_file(config.dataset):
            echo(printable(shares(load_dataset(config))))
