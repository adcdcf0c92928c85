"""Downloads from a server that works, breaks, lies or stalls; no network, no pooch, no room."""

import errno
import gzip
import hashlib
import io
import struct
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from cdbench.config.run_config import RunConfig
from cdbench.datasets import downloads, load_dataset, pin_dataset
from cdbench.datasets.cifar_file import RECORD, TEST, TRAIN
from cdbench.errors import CdbenchError, ConfigurationError, DatasetError

pytest.importorskip("pooch")


def idx(array):
    shape = struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(bytes((0, 0, 8, array.ndim)) + shape + array.tobytes(), mtime=0)


def mnist():
    rng = np.random.default_rng(0)
    files = {}
    for side, n in (("train", 40), ("t10k", 10)):
        files[f"{side}-images-idx3-ubyte.gz"] = idx(rng.integers(0, 256, (n, 4, 4), dtype=np.uint8))
        files[f"{side}-labels-idx1-ubyte.gz"] = idx((np.arange(n) % 10).astype(np.uint8))
    return files


def cifar():
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for number, name in enumerate((*TRAIN, *TEST)):
            records = np.random.default_rng(number).integers(0, 256, (10, RECORD), dtype=np.uint8)
            records[:, 0] = np.arange(10)
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = records.nbytes
            tar.addfile(member, io.BytesIO(records.tobytes()))
        for name in ("../outside.bin", "cifar-10-batches-bin/readme.html"):
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    return {"cifar-10-binary.tar.gz": stream.getvalue()}


class Server:
    """Serves files on this machine, as badly as it is told."""

    def __init__(self, files):
        self.files, self.how = files, "well"
        self.asked: list[str] = []
        self.ranges: list[str | None] = []
        self.resumes = True
        self.stop = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.lstrip("/")
                outer.asked.append(name)
                content = outer.files[name]
                if outer.how == "missing":
                    self.send_error(404)
                    return
                outer.ranges.append(self.headers["Range"])
                start = int((self.headers["Range"] or "bytes=0-")[6:-1]) if outer.resumes else 0
                if start > len(content):
                    self.send_error(416)
                    return
                self.send_response(206 if start else 200)
                content = content[start:]
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if outer.how == "lies":
                    content = bytes(len(content))
                if outer.how in ("breaks", "stalls"):
                    self.wfile.write(content[: len(content) // 2])
                    self.wfile.flush()
                    if outer.how == "stalls":
                        outer.stop.wait(20)
                    return
                self.wfile.write(content)

            def log_message(self, *words):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self):
        self.stop.set()
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("CDBENCH_CACHE", str(tmp_path / "cache"))
    one = Server(mnist() | cifar())
    monkeypatch.setattr(downloads, "SITES", dict.fromkeys(downloads.SITES, one.url))
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in one.files.items()}
    files = {kind: {name: digests[name] for name in own} for kind, own in downloads.FILES.items()}
    monkeypatch.setattr(downloads, "FILES", files)
    yield one
    one.close()


def refusal(name, error: type[CdbenchError] = DatasetError):
    with pytest.raises(error) as caught:
        pin_dataset(RunConfig(dataset=name))
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_set_is_downloaded_once_and_read_as_from_its_folder(server, tmp_path):
    config = pin_dataset(RunConfig(dataset="mnist", epochs=1))
    assert sorted(server.asked) == sorted(mnist())
    assert pin_dataset(RunConfig(dataset="mnist", epochs=1)) == config
    assert len(server.asked) == 4
    folder = tmp_path / "cache" / "downloads" / "mnist"
    named = pin_dataset(RunConfig(dataset=f"mnist:{folder}"))
    assert named.dataset_fingerprint == config.dataset_fingerprint
    assert (config.dataset, config.input) == ("mnist", "scale")
    assert load_dataset(config).split(0).X_train.shape == (40, 16)


def test_the_archive_is_unpacked_once_for_both_colours_and_nothing_else_of_it(server, tmp_path):
    colour = load_dataset(pin_dataset(RunConfig(dataset="cifar-10")))
    gray = load_dataset(pin_dataset(RunConfig(dataset="cifar-10-gray")))
    assert server.asked == ["cifar-10-binary.tar.gz"]
    np.testing.assert_array_equal(gray.X, colour.X.reshape(50, 3, 1024).sum(axis=1))
    files = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {"cifar-10-binary.tar.gz", *TRAIN, *TEST}
    next(tmp_path.rglob("*.tar.gz")).unlink()  # it takes 170 MB, and is not needed any more
    pin_dataset(RunConfig(dataset="cifar-10"))
    assert len(server.asked) == 1


def test_a_file_that_was_changed_is_downloaded_again(server, tmp_path):
    config = pin_dataset(RunConfig(dataset="mnist"))
    path = tmp_path / "cache" / "downloads" / "mnist" / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-3])
    assert pin_dataset(RunConfig(dataset="mnist")) == config
    assert server.asked[4:] == [path.name]


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("missing", "the server answered 404 Not Found"),
        ("lies", "the server gave other contents than were published"),
        ("breaks", "the connection broke"),
        ("stalls", "nothing came for 0.5 seconds"),
    ],
)
def test_a_bad_server_is_one_line_and_leaves_nothing_half_done(
    server, tmp_path, monkeypatch, how, reason
):
    monkeypatch.setattr(downloads, "STALLED_S", 0.5)
    server.how = how
    assert refusal("mnist") == (
        f"mnist: {server.url}train-images-idx3-ubyte.gz cannot be downloaded ({reason}); try again "
        "later, or, for files that you have: mnist:FOLDER"
    )
    left = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    half = how in ("breaks", "stalls")
    assert left == ["train-images-idx3-ubyte.gz.part"] * half
    server.how = "well"
    assert pin_dataset(RunConfig(dataset="mnist")).dataset_fingerprint


@pytest.mark.parametrize("resumes", [True, False])
def test_a_download_that_broke_is_gone_on_with_if_the_server_can(
    server, tmp_path, monkeypatch, resumes
):
    monkeypatch.setattr(downloads, "BYTES_AT_ONCE", 32)
    server.how, server.resumes = "breaks", resumes
    assert "the connection broke" in refusal("mnist")
    (part,) = tmp_path.rglob("*.part")
    half = part.stat().st_size
    assert 0 <= len(server.files[part.stem]) // 2 - half < 32
    server.how = "well"
    config = pin_dataset(RunConfig(dataset="mnist"))
    assert server.ranges[1] == f"bytes={half}-"
    folder = part.parent
    assert (folder / part.stem).read_bytes() == server.files[part.stem]
    assert not part.exists()
    assert config.dataset_fingerprint


def test_a_half_that_is_longer_than_the_whole_is_thrown_away(server, tmp_path):
    server.how = "breaks"
    refusal("mnist")
    (part,) = tmp_path.rglob("*.part")
    part.write_bytes(bytes(10**5))
    server.how = "well"
    assert "the server answered 416" in refusal("mnist")
    assert pin_dataset(RunConfig(dataset="mnist")).dataset_fingerprint


def test_what_was_complete_before_the_server_broke_is_not_fetched_again(server):
    first, second = list(downloads.FILES["mnist"])[:2]
    kept = server.files.pop(second)
    server.files[second] = b"something else"
    assert "the server gave other contents" in refusal("mnist")
    server.files[second] = kept
    pin_dataset(RunConfig(dataset="mnist"))
    assert server.asked.count(first) == 1


def test_without_a_network_the_folder_is_named(server, monkeypatch):
    server.close()
    assert refusal("cifar-10-gray") == (
        f"cifar-10-gray: {server.url}cifar-10-binary.tar.gz cannot be downloaded (the server "
        "cannot be reached); try again later, or, for files that you have: cifar-10-gray:FOLDER"
    )
    monkeypatch.setattr(server, "close", lambda: None)


def test_without_pooch_the_extra_and_the_folder_are_named(server, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pooch", None)
    assert refusal("mnist", ConfigurationError) == (
        "mnist: downloading needs pooch, which is not installed; type: pip install "
        "'cdbench[data]', or, for files that you have: mnist:FOLDER"
    )


@pytest.mark.parametrize("name", ["mnist", "cifar-10"])
def test_a_full_cache_folder_is_one_line(server, monkeypatch, name):
    def full(*words, **more):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.move" if name == "mnist" else "shutil.copyfileobj", full)
    assert refusal(name) == (
        f"{name}: the cache folder cannot keep its files (it is full); for another folder: export "
        "CDBENCH_CACHE=FOLDER"
    )


def test_a_cache_folder_that_cannot_be_made_is_one_line(server, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CDBENCH_CACHE", str(tmp_path / "file"))
    assert refusal("mnist").startswith("mnist: the cache folder cannot keep its files (")


def test_every_set_in_a_folder_can_be_downloaded_and_digests_are_whole():
    from cdbench.config.checks import FOLDER_NAMES

    assert {*downloads.FILES, *downloads.SAME} == set(FOLDER_NAMES)
    assert downloads.SITES.keys() == downloads.FILES.keys()
    for files in downloads.FILES.values():
        for digest in files.values():
            assert len(digest.removeprefix("md5:")) == (32 if "md5:" in digest else 64)
