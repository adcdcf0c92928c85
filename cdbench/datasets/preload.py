"""Import this to have everything loaded that data sets import late; workers do, once for all."""

import sklearn.datasets

__all__ = ["sklearn"]
