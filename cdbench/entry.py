"""The entry point of the command ``cdbench``."""

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
        # Modules may be loaded at any time, where they are used, with the loader's own messages.
        if not lacks_memory(error):
            raise
        sys.exit("cdbench: not enough memory; a limit that the shell set is shown by ulimit -v")
