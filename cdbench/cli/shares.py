"""What a user's own file holds, printed before it is trained on."""

from collections.abc import Iterable

from cdbench.cli.echo import complain, echo
from cdbench.config.run_config import RunConfig
from cdbench.system.printable import printable


def print_shares(configs: Iterable[RunConfig]) -> None:
    """Print a line for each data set of the pinned configurations that is a user's file.

    What is doubtful about it goes to standard error.
    """
    from cdbench.datasets import load_dataset
    from cdbench.datasets.shares import doubtful, shares
    from cdbench.datasets.sources import is_file

    for config in {config.dataset: config for config in configs}.values():
        if config.dataset_fingerprint is not None and is_file(config.dataset):
            data = load_dataset(config)
            echo(printable(shares(data)))
            for line in doubtful(data):
                complain(line)
