"""cdbench: the bench on which the claims made for CDLinear are run, kept and judged.

The paper is arXiv 2605.08171v1; equation and section numbers in this package refer to it.
ARCHITECTURE.md, beside this package in the repository, describes the design.
"""

__version__ = "0.1.0"
