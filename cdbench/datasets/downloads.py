"""Images downloaded from their sources, by pooch (extra ``data``), into the user's cache folder.

What is there is checked against the digests each time, so neither a broken download nor a changed
file is read. A file that is complete is not fetched again, and one that broke off is gone on with.
"""

import errno
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cdbench.datasets.cifar_file import TEST, TRAIN
from cdbench.errors import ConfigurationError, DatasetError
from cdbench.system.cache_folder import VARIABLE, cache_folder
from cdbench.system.work_folders import work_folder

SITES = {
    "mnist": "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "fashion-mnist": "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "cifar-10": "https://www.cs.toronto.edu/~kriz/",
}
"""Where each set is: the mirror that MNIST's own page names, and the authors' pages."""

FILES = {
    "mnist": {
        "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    },
    "fashion-mnist": {
        "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
    "cifar-10": {"cifar-10-binary.tar.gz": "md5:c32a1d4ab5d03f1284b67883e8d87530"},
}  # fmt: skip
"""Each set's files with their SHA-256, or the MD5 that the source itself gives."""

SAME = {"cifar-10-gray": "cifar-10"}
"""Sets that are made of another one's files."""

UNPACKED = "files"
"""Folder of an archive's files, beside it."""

BYTES_AT_ONCE = 2**16
"""What a broken connection loses at most of what came."""

STALLED_S = 30.0
"""Seconds without a byte after which a server is given up."""


def downloaded(kind: str) -> Path:
    """Return the folder of a set's files in the cache folder, complete and checked.

    Parameters
    ----------
    kind : str
        ``mnist``, ``fashion-mnist``, ``cifar-10`` or ``cifar-10-gray``.

    Raises
    ------
    ConfigurationError
        If pooch is not installed.
    DatasetError
        If a file is not there and cannot be had, or is not the one that was published, or the cache
        folder cannot take it.
    """
    source = SAME.get(kind, kind)
    try:
        folder = cache_folder() / "downloads" / source
        if (folder / UNPACKED).is_dir():  # the archive may have been deleted since
            return folder / UNPACKED
        for name, digest in FILES[source].items():
            _fetch(kind, SITES[source] + name, digest, folder / name)
        return _unpacked(kind, folder) if source == "cifar-10" else folder
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = "it is full" if full else error.strerror or str(error)
        raise DatasetError(
            f"{kind}: the cache folder cannot keep its files ({reason}); for another folder: "
            f"export {VARIABLE}=FOLDER"
        ) from None


def _fetch(kind: str, url: str, digest: str, path: Path) -> None:
    """Get a file, unless it is there and sound."""
    try:
        import pooch
        import requests
    except ImportError:
        raise ConfigurationError(
            f"{kind}: downloading needs pooch, which is not installed; type: pip install "
            f"'cdbench[data]', or, for files that you have: {kind}:FOLDER"
        ) from None
    pooch.get_logger().setLevel("WARNING")

    def download(url: str, target: str, _: object) -> None:
        part = path.with_name(f"{path.name}.part")
        _complete(url, part)
        part.replace(target)  # pooch compares it with the digest, and removes it if it is another

    try:
        pooch.retrieve(url, digest, path.name, path.parent, downloader=download)
    except requests.RequestException as error:
        raise _lost(kind, url, _reason(error)) from None
    except ValueError:  # what pooch raises for another digest
        raise _lost(kind, url, "the server gave other contents than were published") from None


def _complete(url: str, part: Path) -> None:
    """Download what is missing of a file: all of it, where the server cannot begin in the middle.

    requests.RequestException is raised if it cannot; what came before is kept.
    """
    import requests

    n_before = part.stat().st_size if part.exists() else 0
    asked = {"Range": f"bytes={n_before}-"} if n_before else {}
    with requests.get(url, headers=asked, stream=True, timeout=STALLED_S) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            part.unlink()  # it is of another file: the next attempt begins anew
        response.raise_for_status()
        goes_on = response.status_code == requests.codes.partial_content
        total = int(response.headers.get("Content-Length", 0))
        with part.open("ab" if goes_on else "wb") as file, _bar(part.stem, total) as count:
            for chunk in response.iter_content(BYTES_AT_ONCE):
                file.write(chunk)
                count(len(chunk))


@contextmanager
def _bar(name: str, total: int) -> Iterator[Callable[[int], object]]:
    """Draw how far a download is, if there is a terminal to draw on, and tqdm to draw."""
    try:
        from tqdm import tqdm
    except ImportError:
        yield lambda n: None
        return
    hidden = None  # on anything but a terminal
    with tqdm(total=total or None, desc=name, unit="B", unit_scale=True, disable=hidden) as bar:
        yield bar.update


def _lost(kind: str, url: str, reason: str) -> DatasetError:
    return DatasetError(
        f"{kind}: {url} cannot be downloaded ({reason}); try again later, or, for files that you "
        f"have: {kind}:FOLDER"
    )


def _reason(error: Any) -> str:
    """Say in a few words why a request failed."""
    import requests

    if isinstance(error, requests.HTTPError):
        answer: Any = error.response
        return f"the server answered {answer.status_code} {answer.reason}"
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return f"nothing came for {STALLED_S:g} seconds"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke"
    return "the server cannot be reached"


def _unpacked(kind: str, folder: Path) -> Path:
    """Return the folder of the archive's six files, which is there whole or not at all."""
    whole = folder / UNPACKED
    archive = folder / next(iter(FILES["cifar-10"]))
    with work_folder(folder) as work:
        new = work / "files"
        new.mkdir()
        try:
            with tarfile.open(archive) as tar:
                for member in tar:
                    name = Path(member.name).name
                    if name in (*TRAIN, *TEST) and (file := tar.extractfile(member)) is not None:
                        with (new / name).open("wb") as copy:
                            shutil.copyfileobj(file, copy)
        except tarfile.TarError as error:
            raise DatasetError(f"{kind}: {archive} cannot be unpacked ({error})") from None
        try:
            new.rename(whole)
        except OSError:
            if not whole.is_dir():  # no other process was quicker
                raise
    return whole
