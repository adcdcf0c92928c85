"""The tables of what many runs share: configurations, and what was measured."""

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cdbench.store.models.base import Base, integer_key


class Configuration(Base):
    """What runs of one configuration have in common; they differ in their seeds only."""

    __tablename__ = "configuration"
    __table_args__ = (UniqueConstraint("group_digest", "dataset_fingerprint"),)

    configuration_id: Mapped[int] = integer_key("Key.")
    group_digest: Mapped[str] = mapped_column(
        comment="SHA-256 of the configuration without its seed: equal for repetitions."
    )
    config_json: Mapped[str] = mapped_column(
        comment="The whole configuration but the seed: JSON, keys sorted, no spaces."
    )
    baseline_digest: Mapped[str | None] = mapped_column(
        comment="group_digest of the dense configuration that it is compared with, all else being "
        "equal; its own where it is dense; NULL where an upgrade could not tell."
    )
    dataset_fingerprint: Mapped[str | None] = mapped_column(
        comment="SHA-256 of the data's arrays; NULL if they could not be read."
    )


class Diagnostics(Base):
    """What was measured of runs beside their epochs; many runs share it."""

    __tablename__ = "diagnostics"

    diagnostics_id: Mapped[int] = integer_key("Key.")
    diagnostics_json: Mapped[str] = mapped_column(
        unique=True, comment="What was measured beside the epochs: JSON, keys sorted, no spaces."
    )
