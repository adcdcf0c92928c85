"""The table of trained networks that were kept."""

from sqlalchemy import CheckConstraint, Column

from cdbench.store.models.base import LARGE, Base, column, of_run


class KeptWeights(Base):
    """The network of a completed run after its last epoch, and what applies it to raw features."""

    __tablename__ = "kept_weights"
    __table_args__ = (CheckConstraint("dtype IN ('float64', 'float32')", name="dtype"),)

    run_id: Column[int] = column(of_run(), primary_key=True, comment="The run.")
    dtype: Column[str] = column(comment="Type of the parameters: float64 or float32.")
    n_parameters: Column[int] = column(LARGE, comment="Weights and biases, as a count.")
    digest: Column[str] = column(
        comment="SHA-256 of the parameters' bytes, little-endian, not compressed."
    )
    n_bytes: Column[int] = column(
        LARGE, comment="Bytes that parameters and arrays take, compressed."
    )
    parameters: Column[bytes] = column(
        comment="The flat vector of all parameters, little-endian, compressed by zlib."
    )
    arrays: Column[bytes] = column(
        comment="Fitted numbers of the input transform and of batch normalisation, one array after "
        "the other, little-endian, compressed by zlib."
    )
    parts_json: Column[str] = column(
        comment="Classes, names of features, the target's scale, and the name, type and shape of "
        "each of the arrays: JSON, keys sorted, no spaces."
    )
