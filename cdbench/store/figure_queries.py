"""Queries of the figures: which runs have stored spectra, and the network's curvature."""

from collections.abc import Iterable

from sqlalchemy import bindparam, text

from cdbench.config.run_config import RunConfig
from cdbench.records.spectra import Curvature
from cdbench.store.database import Database
from cdbench.store.queries import ASKED, OF_ASKED, asked
from cdbench.store.stored_json import asked_config

_WITH_SPECTRA = text(
    f"""
    SELECT config_digest, run_id FROM run
    WHERE {ASKED} AND status = 'completed' AND (
        SELECT count(*) FROM (
            SELECT kind FROM spectrum WHERE spectrum.run_id = run.run_id
            UNION
            SELECT 'network' FROM curvature JOIN curvature_node USING (curvature_id)
            WHERE curvature.run_id = run.run_id
                AND matrix = 'gauss_newton' AND coordinates = 'own'
        ) AS kept WHERE kind IN :kinds
    ) = :n_kinds
    ORDER BY sequence, run_id
    """
).bindparams(*OF_ASKED, bindparam("kinds", expanding=True))

_CURVATURE = text("SELECT * FROM curvature WHERE run_id = :run_id ORDER BY curvature_id")

_NODES = text(
    """
    SELECT eigenvalue, weight FROM curvature_node
    WHERE curvature_id = :curvature_id ORDER BY position
    """
)


def runs_with_spectra(
    database: Database, configs: Iterable[RunConfig], kinds: Iterable[str]
) -> dict[RunConfig, int]:
    """Return run_id of each configuration's newest completed run with stored spectra of all kinds.

    An audit's runs keep only the conditions of their spectra, not the numbers. The kind
    ``network`` stands for the eigenvalues of the whole network's Gauss-Newton matrix.
    """
    by_digest = {config.digest(): config for config in configs}
    wanted = sorted(set(kinds))
    found: dict[RunConfig, int] = {}
    with database.transaction() as connection:
        for values in asked(by_digest):
            kept = {"kinds": wanted, "n_kinds": len(wanted)}
            for digest, run_id in connection.execute(_WITH_SPECTRA, values | kept):
                found[asked_config(by_digest, digest, database)] = run_id
    return found


def curvature_of(database: Database, run_id: int) -> tuple[Curvature, ...]:
    """Return the curvature of a run's whole network, with the eigenvalues that were kept."""
    found = []
    with database.transaction() as connection:
        for row in connection.execute(_CURVATURE, {"run_id": run_id}).mappings():
            fields = dict(row)
            del fields["run_id"]
            key = {"curvature_id": fields.pop("curvature_id")}
            pairs = connection.execute(_NODES, key).all()
            nodes, weights = (tuple(pair[i] for pair in pairs) for i in (0, 1))
            found.append(Curvature(**fields, nodes=nodes, weights=weights))
    return tuple(found)
