"""Text as one-hot columns, and blanks filled: fitted on the training split alone.

It gives what scikit-learn's ColumnTransformer of SimpleImputer and OneHotEncoder gives, without
importing it; a test compares them.
"""

import numpy as np

from cdbench.engine.products.base import Array
from cdbench.errors import DatasetError
from cdbench.records.weights import Encoding

Texts = tuple[tuple[str, ...], ...]
"""For each column the texts that it may be, sorted; none for one of numbers."""


def n_encoded(texts: Texts) -> int:
    """Return how many features there are after encoding."""
    return sum(max(1, len(one)) for one in texts)


def fitted_encoding(name: str, X_train: Array, texts: Texts) -> Encoding:
    """Return the map from columns as they were read to numbers, (N, n_encoded).

    A blank becomes the median of its column in the training samples, or its most frequent text, of
    equally frequent ones the first. A text becomes a column of its own, 1 where it is; one that no
    training sample has is 0 everywhere, so that nothing untrained weighs in.

    Parameters
    ----------
    name : str
        Of the data set, for messages.
    X_train : (N, n_columns) float64
        The training samples, as in a Table.
    texts : Texts
        For each column the texts that it may be.

    Raises
    ------
    DatasetError
        If a column is blank in all training samples.
    """
    fills = np.zeros(len(texts))
    for number, (column, own) in enumerate(zip(X_train.T, texts, strict=True)):
        there = column[~np.isnan(column)]
        if not there.size:
            raise DatasetError(
                f"{name}: feature {number + 1} is blank in all training samples, expected a value "
                "in some; leave the column out"
            )
        known = there[there >= 0].astype(np.int64) if own else there
        fills[number] = np.bincount(known, minlength=1).argmax() if own else np.median(there)

    is_text = np.concatenate([np.full(max(1, len(own)), bool(own)) for own in texts])
    everything = Encoding(texts, fills, np.zeros(len(is_text), bool))
    return Encoding(texts, fills, is_text & ~everything(X_train).any(axis=0))
