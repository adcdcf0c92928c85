"""Standard output and error as commands see them: if writing fails, work goes on.

A closed pipe, a full disk or a terminal that went away does not harm any result: it is reported
once on standard error, and the exit code at the end is 1. Of a command that only looks, a reader
that has seen enough, such as ``head``, is no news. Characters that the encoding lacks are
replaced or escaped.
"""

import codecs
import contextlib
import io
import os
import sys
from errno import EPIPE
from typing import TextIO

STANDARD_ERROR = "standard error"

LOOKING = ("db", "doctor", "help", "report", "runs")
"""Commands, or groups of them, that print what is there."""

PLAIN = dict(zip("─│·–−→κ×✓…", "-|--->kx*~", strict=True))
"""One-character replacements for tables in encodings such as latin-1."""


class Stream(io.TextIOBase):
    """A stream that accepts all text, even if it cannot be passed on.

    Parameters
    ----------
    stream : text stream or None
        The stream to write to; None if it was closed before Python started.
    name : str
        Its name in the message that it cannot be written.

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
        """The encoding of the text written."""
        return self._stream.encoding if self._stream is not None else "utf-8"

    def isatty(self) -> bool:
        """Return whether it is a terminal that can be written to."""
        return self._stream is not None and not self.lost and self._stream.isatty()

    def fileno(self) -> int:
        """Return the file descriptor; raise OSError if there is none."""
        if self._stream is None:
            raise OSError(f"{self._name} is closed")
        return self._stream.fileno()

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Write the text, if that is possible; return its length."""
        if not isinstance(text, str):  # Typer tries bytes to find out what kind of stream it has
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
            # Discard what is left in its buffer, so that it does not fail again as Python ends.
            with contextlib.suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)
        if self._name != STANDARD_ERROR and not (reason == os.strerror(EPIPE) and _only_looks()):
            from cdbench.cli.echo import complain

            complain(f"{self._name} cannot be written ({reason}); results are kept all the same")


def guard_streams() -> None:
    """Replace standard output and error with such streams."""
    sys.stdout = Stream(sys.stdout, "standard output")
    sys.stderr = Stream(sys.stderr, STANDARD_ERROR)


def all_was_written() -> bool:
    """Flush the guarded streams; return whether everything printed could be written."""
    streams = [stream for stream in (sys.stdout, sys.stderr) if isinstance(stream, Stream)]
    for stream in streams:
        stream.flush()
    return not any(stream.lost for stream in streams)


def _only_looks() -> bool:
    """Return whether the command that was typed only prints what is there, or its help."""
    words = sys.argv[1:]
    named = next((word for word in words if not word.startswith("-")), None)
    return named is None or named in LOOKING or not {"--help", "-h"}.isdisjoint(words)


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    """Return a replacement for a character that the encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start]
    if lacking in PLAIN:
        return PLAIN[lacking], error.start + 1
    escape, _ = codecs.backslashreplace_errors(
        UnicodeEncodeError(error.encoding, error.object, error.start, error.start + 1, error.reason)
    )
    return escape, error.start + 1
