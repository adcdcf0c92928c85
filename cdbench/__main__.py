"""``python -m cdbench``: the same as the command ``cdbench``."""

from cdbench.entry import main

if __name__ == "__main__":
    main()
