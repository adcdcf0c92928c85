"""The tables of what many runs share: configurations, and what was measured."""

from sqlalchemy import Column, UniqueConstraint

from cdbench.store.models.base import Base, column, integer_key


class Configuration(Base):
    """What runs of one configuration have in common; they differ in their seeds only."""

    __tablename__ = "configuration"
    __table_args__ = (UniqueConstraint("group_digest", "dataset_fingerprint"),)

    configuration_id: Column[int] = integer_key("Key.")
    group_digest: Column[str] = column(
        comment="SHA-256 of the configuration without its seed: equal for repetitions."
    )
    config_json: Column[str] = column(
        comment="The whole configuration but the seed: JSON, keys sorted, no spaces."
    )
    baseline_digest: Column[str | None] = column(
        comment="group_digest of the dense configuration that it is compared with, all else being "
        "equal; its own where it is dense; NULL where an upgrade could not tell."
    )
    dataset_fingerprint: Column[str | None] = column(
        comment="SHA-256 of the data's arrays; NULL if they could not be read."
    )


class Diagnostics(Base):
    """What was measured of runs beside their epochs; many runs share it."""

    __tablename__ = "diagnostics"

    diagnostics_id: Column[int] = integer_key("Key.")
    diagnostics_json: Column[str] = column(
        unique=True, comment="What was measured beside the epochs: JSON, keys sorted, no spaces."
    )
