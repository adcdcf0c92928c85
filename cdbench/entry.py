"""The command ``cdbench``: where it begins."""

from cdbench.start_up import end_on_signals, import_nothing_from_here, open_standard_streams


def main() -> None:
    """Run the command line and exit."""
    end_on_signals()
    import_nothing_from_here()
    open_standard_streams()
    from cdbench.cli import main

    main()
