"""Standard output and error as commands see them: whatever becomes of them, work goes on.

A pipe that was closed, a full disk or a terminal that went away harm no result: it is said once on
standard error, and the exit code at the end is 1. What an encoding lacks is written as an escape.
"""

import codecs
import contextlib
import io
import os
import sys
from typing import TextIO

STANDARD_ERROR = "standard error"

PLAIN = dict(zip("─│·–−→κ×✓…", "-|--->kx*~", strict=True))
"""What tables are made of, as encodings such as latin-1 have it: one letter for one letter."""


class Stream(io.TextIOBase):
    """A stream that takes all that is written, also where it can't be passed on.

    Parameters
    ----------
    stream : text stream or None
        Where to; None is one that was closed before Python began.
    name : str
        What it is called in the message that it can't be written.

    Attributes
    ----------
    lost : bool
        Whether something could not be written.
    """

    def __init__(self, stream: TextIO | None, name: str) -> None:
        self._stream, self._name = stream, name
        self.lost = False
        if isinstance(stream, io.TextIOWrapper):
            codecs.register_error(__name__, _plain)
            stream.reconfigure(errors=__name__)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of what is written."""
        return self._stream.encoding if self._stream is not None else "utf-8"

    def isatty(self) -> bool:
        """Return whether it is a terminal that can be written."""
        return self._stream is not None and not self.lost and self._stream.isatty()

    def fileno(self) -> int:
        """Return the descriptor; raise OSError where there is none."""
        if self._stream is None:
            raise OSError(f"{self._name} is closed")
        return self._stream.fileno()

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Write the text, if that is possible; return its length."""
        if not isinstance(text, str):  # as Typer finds out what kind of stream it has
            raise TypeError(f"write: got {type(text).__name__}, expected str")
        if self._stream is None and text:
            self._lose("it is closed")
        elif self._stream is not None and not self.lost:
            try:
                self._stream.write(text)
            except (OSError, ValueError) as error:
                self._lose(_reason(error))
        return len(text)

    def flush(self) -> None:
        """Pass on what was written, if that is possible."""
        if self._stream is None or self.lost:
            return
        try:
            self._stream.flush()
        except (OSError, ValueError) as error:
            self._lose(_reason(error))

    def _lose(self, reason: str) -> None:
        if self.lost:
            return
        self.lost = True
        if self._stream is not None:
            # What waits in its buffer goes nowhere, instead of failing again as Python ends.
            with contextlib.suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)
        if self._name != STANDARD_ERROR:
            from cdbench.cli.echo import complain

            complain(f"{self._name} cannot be written ({reason}); results are kept all the same")


def guard_streams() -> None:
    """Put such streams in the place of the standard ones."""
    sys.stdout = Stream(sys.stdout, "standard output")
    sys.stderr = Stream(sys.stderr, STANDARD_ERROR)


def all_was_written() -> bool:
    """Flush the guarded streams; return whether all that was printed could be written."""
    streams = [stream for stream in (sys.stdout, sys.stderr) if isinstance(stream, Stream)]
    for stream in streams:
        stream.flush()
    return not any(stream.lost for stream in streams)


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    """Return what stands for letters that the encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start]
    if lacking in PLAIN:
        return PLAIN[lacking], error.start + 1
    escape, _ = codecs.backslashreplace_errors(
        UnicodeEncodeError(error.encoding, error.object, error.start, error.start + 1, error.reason)
    )
    return escape, error.start + 1
