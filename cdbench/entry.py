"""The command ``cdbench``: where it begins."""

import sys

from cdbench.start_up import (
    end_on_signals,
    import_nothing_from_here,
    lacks_memory,
    open_standard_streams,
)


def main() -> None:
    """Run the command line and exit."""
    end_on_signals()
    import_nothing_from_here()
    open_standard_streams()
    try:
        from cdbench.cli import main

        main()
    except (ImportError, MemoryError, OSError) as error:
        # Modules load at any time, each where it is used, and their loader has its own words.
        if not lacks_memory(error):
            raise
        sys.exit("cdbench: not enough memory; a limit that the shell set is shown by ulimit -v")
