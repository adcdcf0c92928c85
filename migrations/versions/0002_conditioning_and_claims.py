"""Knobs and diagnostics of conditioning, curvature, and the audit of the paper's claims.

Stored runs get the values of the new knobs that they were trained with, and the digests of their
configurations with them.

Revision: 0002, after 0001.
"""

import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _add_knobs()
    _rewrite_configurations()
    _rebuild_condition_numbers()
    op.add_column("spectrum", sa.Column("sample", sa.String(), nullable=True))
    op.add_column(
        "spectrum", sa.Column("multiplicity", sa.Integer(), nullable=False, server_default="1")
    )
    op.execute("UPDATE spectrum SET sample = 'train' WHERE kind = 'theorem1'")
    _create_curvature()
    _create_claims()


def _add_knobs() -> None:
    """Add columns with defaults, which SQLite can do without making the table anew."""
    for name, default in (
        ("input", "standardize"),
        ("normalization", "none"),
        ("learning_rate_scaling", "raw"),
    ):
        column = sa.Column(name, sa.String(), nullable=False, server_default=default)
        op.add_column("run", column)
    op.add_column("run", sa.Column("diagnostics_json", sa.String(), nullable=True))


def _rewrite_configurations() -> None:
    """Until now digits were scaled, all other data sets standardised, and nothing else done."""
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT run_id, config_json FROM run")).all()
    for run_id, config_json in rows:
        values = json.loads(config_json) | {"normalization": "none", "learning_rate_scaling": "raw"}
        values["input"] = "scale" if values["dataset"] == "digits" else "standardize"
        group = {name: value for name, value in values.items() if name != "seed"}
        connection.execute(
            sa.text(
                "UPDATE run SET input = :input, config_json = :config_json, "
                "config_digest = :config_digest, group_digest = :group_digest "
                "WHERE run_id = :run_id"
            ),
            {
                "run_id": run_id,
                "input": values["input"],
                "config_json": _canonical(values),
                "config_digest": _sha256(_canonical(values)),
                "group_digest": _sha256(_canonical(group)),
            },
        )


def _canonical(values: dict[str, object]) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _rebuild_condition_numbers() -> None:
    """Make the table anew: its primary key gains the step, which ALTER TABLE cannot do."""
    op.rename_table("condition_number", "condition_number_0001")
    if op.get_context().dialect.name == "postgresql":  # there the key's name is one of the schema
        op.execute("ALTER INDEX pk_condition_number RENAME TO pk_condition_number_0001")
    op.create_table(
        "condition_number",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("layer", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("sample", sa.String(), nullable=True),
        sa.Column("largest", sa.Double(), nullable=False),
        sa.Column("smallest", sa.Double(), nullable=False),
        sa.Column("kappa", sa.Double(), nullable=False),
        sa.Column("kappa_nonnull", sa.Double(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("flatness", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.run_id"], name=op.f("fk_condition_number_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "run_id", "layer", "kind", "epoch", "step", name=op.f("pk_condition_number")
        ),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO condition_number (run_id, layer, kind, epoch, step, sample, largest, "
        "smallest, kappa, kappa_nonnull, rank, size, threshold) "
        "SELECT run_id, layer, kind, epoch, 0, CASE WHEN kind = 'theorem1' THEN 'train' END, largest, "
        "smallest, kappa, kappa_nonnull, rank, size, threshold FROM condition_number_0001"
    )
    op.drop_table("condition_number_0001")


def _create_curvature() -> None:
    op.create_table(
        "curvature",
        sa.Column("curvature_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("matrix", sa.String(), nullable=False),
        sa.Column("coordinates", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("sample", sa.String(), nullable=False),
        sa.Column("n_samples", sa.Integer(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("largest", sa.Double(), nullable=False),
        sa.Column("smallest", sa.Double(), nullable=False),
        sa.Column("kappa", sa.Double(), nullable=False),
        sa.Column("kappa_nonnull", sa.Double(), nullable=True),
        sa.Column("trace", sa.Double(), nullable=False),
        sa.Column("trace_error", sa.Double(), nullable=False),
        sa.Column("effective_rank", sa.Double(), nullable=False),
        sa.Column("damping", sa.Double(), nullable=False),
        sa.Column("damped_kappa", sa.Double(), nullable=False),
        sa.CheckConstraint(
            "matrix IN ('gauss_newton', 'hessian')", name=op.f("ck_curvature_matrix")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.run_id"], name=op.f("fk_curvature_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("curvature_id", name=op.f("pk_curvature")),
        sa.UniqueConstraint(
            "run_id",
            "matrix",
            "coordinates",
            "epoch",
            name=op.f("uq_curvature_run_id_matrix_coordinates_epoch"),
        ),
    )
    _create_curvature_nodes()


def _create_curvature_nodes() -> None:
    op.create_table(
        "curvature_node",
        sa.Column("curvature_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("eigenvalue", sa.Double(), nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["curvature_id"],
            ["curvature.curvature_id"],
            name=op.f("fk_curvature_node_curvature_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("curvature_id", "position", name=op.f("pk_curvature_node")),
        sqlite_with_rowid=False,
    )


def _create_claims() -> None:
    op.create_table(
        "claim_result",
        sa.Column("claim_result_id", sa.Integer(), nullable=False),
        sa.Column("claim", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("condition", sa.String(), nullable=True),
        sa.Column("published", sa.String(), nullable=False),
        sa.Column("measured", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("seeds", sa.String(), nullable=False),
        sa.Column("inputs_digest", sa.String(), nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("measured_at", sa.DateTime(), nullable=False),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.CheckConstraint(
            "verdict IN ('reproduced', 'holds', 'holds under a condition', 'not supported', "
            "'contradicted')",
            name=op.f("ck_claim_result_verdict"),
        ),
        sa.CheckConstraint(
            "(verdict = 'holds under a condition') = (condition IS NOT NULL)",
            name=op.f("ck_claim_result_condition"),
        ),
        sa.ForeignKeyConstraint(
            ["environment_id"],
            ["environment.environment_id"],
            name=op.f("fk_claim_result_environment_id"),
        ),
        sa.PrimaryKeyConstraint("claim_result_id", name=op.f("pk_claim_result")),
    )
    op.create_index(op.f("ix_claim_result_claim"), "claim_result", ["claim"])
    op.create_index(op.f("ix_claim_result_environment_id"), "claim_result", ["environment_id"])
    _create_observations()


def _create_observations() -> None:
    op.create_table(
        "observation",
        sa.Column("claim_result_id", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("place", sa.Double(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["claim_result_id"],
            ["claim_result.claim_result_id"],
            name=op.f("fk_observation_claim_result_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.run_id"], name=op.f("fk_observation_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "claim_result_id", "quantity", "subject", "place", name=op.f("pk_observation")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_observation_run_id"), "observation", ["run_id"])
    _create_measurements()


def _create_measurements() -> None:
    op.create_table(
        "measurement",
        sa.Column("claim_result_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("baseline", sa.String(), nullable=True),
        sa.Column("statistic", sa.String(), nullable=False),
        sa.Column("estimate", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("interval", sa.String(), nullable=True),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("sql", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["claim_result_id"],
            ["claim_result.claim_result_id"],
            name=op.f("fk_measurement_claim_result_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("claim_result_id", "position", name=op.f("pk_measurement")),
        sqlite_with_rowid=False,
    )
