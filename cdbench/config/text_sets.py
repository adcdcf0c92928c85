"""Names of data sets that are a text: ``text:FILE``."""

KIND = "text"


def is_text(dataset: str) -> bool:
    """Return whether a data set's name is of this kind."""
    return dataset.partition(":")[0] == KIND


def file_of(dataset: str) -> str:
    """Return the path in the name of such a data set."""
    return dataset.partition(":")[2]
