"""Multiprocessing's own processes: the server that forks workers, and the resource tracker."""

import multiprocessing
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from multiprocessing import forkserver, resource_tracker, util
from multiprocessing.context import BaseContext
from pathlib import Path

from cdbench.errors import WorkerError
from cdbench.start_up import import_nothing_from_here
from cdbench.system.interrupts import catch_interrupts, interrupts_held
from cdbench.system.work_folders import work_folder

PRELOADED = ("cdbench.running.execution",)
"""Modules that the fork server imports once; each worker is a fork of it."""


def new_processes() -> BaseContext:
    """Return the context of workers that start anew, with what the environment then holds.

    Raises
    ------
    WorkerError
        If they cannot be started.
    """
    _prepare("")
    if sys.platform != "win32":
        with _told(""), interrupts_held(), tracker_unspoken_of():
            resource_tracker.ensure_running()
    return multiprocessing.get_context("spawn")


def start_server() -> BaseContext:
    """Start the fork server for workers, unless it is running, and return their context.

    It imports what workers need. If this is called before other work, such as opening a database,
    the imports happen in the meantime, and workers then start at once.

    Raises
    ------
    WorkerError
        If it cannot be started.
    """
    _prepare(", or use --jobs 1")
    if sys.platform == "win32":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    with _told("; use --jobs 1, which needs none"):
        _keep_its_socket_in_a_work_folder()
        # The tracker comes first, because starting it unblocks interrupts.
        with interrupts_held(), tracker_unspoken_of():
            resource_tracker.ensure_running()
        with interrupts_held():
            forkserver.ensure_running()
    return context


def _prepare(otherwise: str) -> None:
    if sys.flags.ignore_environment and not sys.flags.safe_path:
        raise WorkerError(
            "Python was started with -E, so its servers would import from the working folder; "
            f"start it with -I{otherwise}"
        )
    import_nothing_from_here()
    if sys.platform != "win32":
        catch_interrupts()  # what is started must be ended properly


@contextmanager
def _told(otherwise: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WorkerError(f"worker processes cannot be started ({error}){otherwise}") from None


@cache
def _keep_its_socket_in_a_work_folder() -> None:
    """Put multiprocessing's temporary folder where the next sweep finds it after a kill."""
    ours = ExitStack()
    util.Finalize(None, ours.close, exitpriority=-101)  # multiprocessing's own has -100
    folder = ours.enter_context(work_folder(Path(tempfile.gettempdir()), "cdbench-"))
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        util.get_temp_dir()  # created now and remembered by this process
    finally:
        tempfile.tempdir = before


@contextmanager
def tracker_unspoken_of() -> Iterator[None]:
    """Let multiprocessing silently restart its resource tracker if it was killed.

    It has nothing of ours to track.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "resource_tracker: process died")
        yield
