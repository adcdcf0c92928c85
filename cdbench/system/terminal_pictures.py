"""Pictures in terminals that show them: the protocols of kitty and of iTerm2."""

from base64 import standard_b64encode
from collections.abc import Mapping
from typing import TextIO

KITTY, ITERM2 = "kitty", "iterm2"

CHUNK = 4096
"""Letters of one escape sequence of kitty's protocol, at most."""

_PROGRAMS = {"ghostty": KITTY, "wezterm": KITTY, "iterm.app": ITERM2, "mintty": ITERM2}
"""Protocols by TERM_PROGRAM."""


def protocol_of(environment: Mapping[str, str]) -> str | None:
    """Return how this terminal is shown pictures, or None if it is not known to show any.

    It is what the terminal says of itself: nothing is asked of it, since a terminal that does not
    know the question might answer with letters on the command line.

    Parameters
    ----------
    environment : mapping
        As ``os.environ``.

    Examples
    --------
    >>> protocol_of({"TERM": "xterm-kitty"}), protocol_of({"TERM": "xterm-256color"})
    ('kitty', None)
    """
    if _multiplexer(environment) is not None:
        return None
    term = environment.get("TERM", "")
    if term in ("xterm-kitty", "xterm-ghostty") or environment.get("KONSOLE_VERSION"):
        return KITTY
    return _PROGRAMS.get(environment.get("TERM_PROGRAM", "").casefold())


def why_none(environment: Mapping[str, str]) -> str:
    """Return in words why ``protocol_of`` knows none."""
    multiplexer = _multiplexer(environment)
    if multiplexer is not None:
        return f"inside {multiplexer} pictures do not reach the terminal"
    return "this terminal is not known to show pictures"


def show_picture(terminal: TextIO, png: bytes, protocol: str, columns: int) -> None:
    """Write a picture to a terminal, and end the line.

    Parameters
    ----------
    terminal : text stream
        The terminal.
    png : bytes
        The picture.
    protocol : str
        What ``protocol_of`` returned.
    columns : int
        How wide it is to be; its height follows.
    """
    content = standard_b64encode(png).decode("ascii")
    if protocol == ITERM2:
        terminal.write(f"\x1b]1337;File=inline=1;width={columns};size={len(png)}:{content}\a\n")
    else:
        chunks = [content[start : start + CHUNK] for start in range(0, len(content), CHUNK)]
        for place, chunk in enumerate(chunks):
            first = f"a=T,f=100,q=2,c={columns}," if place == 0 else ""
            terminal.write(f"\x1b_G{first}m={int(place < len(chunks) - 1)};{chunk}\x1b\\")
        terminal.write("\n")
    terminal.flush()


def _multiplexer(environment: Mapping[str, str]) -> str | None:
    if environment.get("TMUX"):
        return "tmux"
    return "screen" if environment.get("STY") else None
