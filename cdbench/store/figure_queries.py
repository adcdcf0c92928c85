"""Reading for the figures: which runs have the numbers of their spectra."""

from collections.abc import Iterable

from sqlalchemy import bindparam, text

from cdbench.config import RunConfig
from cdbench.store.database import Database
from cdbench.store.queries import chunks

_WITH_SPECTRA = text(
    """
    SELECT config_digest, max(run_id) FROM run
    WHERE config_digest IN :digests AND status = 'completed' AND (
        SELECT count(DISTINCT kind) FROM spectrum
        WHERE spectrum.run_id = run.run_id AND spectrum.kind IN :kinds
    ) = :n_kinds
    GROUP BY config_digest
    """
).bindparams(bindparam("digests", expanding=True), bindparam("kinds", expanding=True))


def runs_with_spectra(
    database: Database, configs: Iterable[RunConfig], kinds: Iterable[str]
) -> dict[RunConfig, int]:
    """Return run_id of each configuration's newest completed run that kept spectra of the kinds.

    An audit's runs keep the conditions of their spectra only, not the numbers.
    """
    by_digest = {config.digest(): config for config in configs}
    wanted = sorted(set(kinds))
    found: dict[RunConfig, int] = {}
    with database.transaction() as connection:
        for digests in chunks(list(by_digest)):
            values = {"digests": digests, "kinds": wanted, "n_kinds": len(wanted)}
            for digest, run_id in connection.execute(_WITH_SPECTRA, values):
                found[by_digest[digest]] = run_id
    return found
