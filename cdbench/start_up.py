"""What must be set up in the process before anything else is loaded.

It imports next to nothing, so that signals are handled almost from the start.
"""

import errno
import os
import signal

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""Signals that end a command: from Ctrl-C, batch systems, closing terminals (not on Windows)."""


def end_on_signals() -> None:
    """Let a signal end the process silently, as long as there is nothing to lose.

    An exception would cause a traceback in whatever is being imported, or be swallowed there.
    """
    for number in SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, end_at_once)


def end_at_once(number: int, _frame: object) -> None:
    """End the process with the shell's exit code for the signal; the handler until work begins."""
    os._exit(128 + number)


def import_nothing_from_here() -> None:
    """Keep processes started from now on from importing files in the working folder.

    Python's own processes, such as multiprocessing's servers, start with ``python -c``, which looks
    there first.
    """
    os.environ["PYTHONSAFEPATH"] = "1"


def open_standard_streams() -> None:
    """Open any closed ones of descriptors 0, 1 and 2, so that no database gets such a number.

    They become a pipe that nobody reads, so that using one, for instance as /dev/stdout, fails.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            nobody, pipe = os.pipe()
            os.close(nobody)
            os.dup2(pipe, number, inheritable=True)
            if pipe != number:
                os.close(pipe)


def lacks_memory(error: BaseException) -> bool:
    """Return whether an error says, in any known wording, that there was not enough memory.

    The linker, which loads libraries, has two wordings; NumPy quotes them in a longer message.
    """
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    said = ("failed to map segment", "annot allocate memory")
    return isinstance(error, MemoryError) or any(words in str(error) for words in said)
