"""What each exit code means; ``cdbench --help`` and docs/reliability.md show them."""

COMPLETED, RUN_FAILED, USAGE, DATABASE, INTERRUPTED = 0, 1, 2, 3, 130

EXIT_CODES = {
    COMPLETED: "fine",
    RUN_FAILED: "a run or its workers failed, or output could not be written",
    USAGE: "what was typed or is in an input file cannot be",
    DATABASE: "the database cannot be used, has a fault, or lacks what was asked for",
    129: "ended by SIGHUP: a terminal that was closed",
    INTERRUPTED: "ended by SIGINT: Ctrl-C",
    143: "ended by SIGTERM: a batch system, or kill",
}
