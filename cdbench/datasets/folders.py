"""Files of a data set that is a folder."""

from pathlib import Path

from cdbench.errors import DatasetError


def found_file(folder: Path, name: str, suffixes: tuple[str, ...] = ("", ".gz")) -> Path:
    """Return the folder's file of this name with the first of these suffixes that it has.

    Raises
    ------
    DatasetError
        If the folder, or the file in it, is missing.
    """
    try:
        if not folder.is_dir():
            raise DatasetError(f"{folder}: no such folder; expected one with {name}")
        for suffix in suffixes:
            path = folder / f"{name}{suffix}"
            if path.is_file():
                return path
    except OSError as error:  # the name is too long, or the folder not permitted
        raise DatasetError(f"{folder}: cannot be looked into ({error.strerror})") from None
    names = " or ".join(f"{name}{suffix}" for suffix in suffixes)
    raise DatasetError(f"{folder}: has no file {names}, expected all files of the data set")
