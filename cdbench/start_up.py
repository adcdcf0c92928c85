"""What must be settled in the process before anything else is loaded.

It imports next to nothing, so that signals are handled almost from the start.
"""

import errno
import os
import signal

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""What ends a command: Ctrl-C, a batch system, and a terminal that is closed (not on Windows)."""


def end_on_signals() -> None:
    """Let a signal end the process without a word, as long as there is nothing to lose.

    An exception would be a traceback in whatever is being imported, or be swallowed there.
    """
    for number in SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, end_at_once)


def end_at_once(number: int, _frame: object) -> None:
    """End the process with a shell's exit code for the signal: the handler until work begins."""
    os._exit(128 + number)


def import_nothing_from_here() -> None:
    """Have no process that is started from now on import what lies in the working folder.

    Python's own, such as multiprocessing's servers, start as ``python -c``, which would look there
    first.
    """
    os.environ["PYTHONSAFEPATH"] = "1"


def open_standard_streams() -> None:
    """Open what is closed of descriptors 0, 1 and 2, lest a database should get such a number.

    They become a pipe that nobody reads: whoever names one, as /dev/stdout does, gets an error.
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
    """Return whether an error says, in whoever's words, that there was not enough memory.

    The linker, which loads libraries, has two ways to say it; NumPy quotes it among its advice.
    """
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    said = ("failed to map segment", "annot allocate memory")
    return isinstance(error, MemoryError) or any(words in str(error) for words in said)
