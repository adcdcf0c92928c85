"""Released runs, trained again, are the same to the bit, whichever processor they came from."""

import re
import sqlite3
from contextlib import closing

import pytest

from cdbench.running.environment import current_environment
from cdbench.running.instructions import AVX2, KERNELS, as_stored
from cdbench.store.database import open_for_reading
from cdbench.store.training_queries import stored_trainings
from tests.cli_tools import Here
from tests.released import ROOT, released_database

ONE_OF_EACH = """
    SELECT min(r.run_id) FROM run AS r JOIN environment AS e ON e.environment_id = r.environment_id
    WHERE r.dataset IN ('digits', 'iris') AND r.status = 'completed' AND e.blas LIKE '% ' || ?
    GROUP BY r.layer, r.dataset, r.product_used
"""


@pytest.mark.long
@pytest.mark.parametrize("kernels", ["Haswell", "SkylakeX"])
def test_one_of_each_kind_comes_out_again(here: Here, kernels: str) -> None:
    path = released_database()
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        ids = [str(run_id) for (run_id,) in connection.execute(ONE_OF_EACH, (kernels,))]
    assert ids
    now = current_environment()
    for training in stored_trainings(open_for_reading(str(path)), ids):
        then = training.environment
        libraries = {one.blas.rpartition(" ")[0] for one in (then, now)}
        if then.numpy_version != now.numpy_version or len(libraries) > 1:
            pytest.skip("another version of NumPy or OpenBLAS")
        has_kernels = then.blas == now.blas or KERNELS in as_stored(then, now)
        if not has_kernels or not AVX2 & set((now.simd or "").split()):
            pytest.skip("the processor lacks the instructions")
    answer = here("reproduce", *ids, "--db", str(path))
    told = [line for line in answer.err.splitlines() if " run " in line]
    assert [line for line in told if not line.endswith(": bit for bit")] == []
    assert len(told) == len(ids)


def test_the_runs_that_the_pages_name_are_released() -> None:
    named = [
        run_id
        for page in (ROOT / "README.md", ROOT / "docs/audit.md")
        for command in re.findall(r"cdbench reproduce ([\d ]+\d)", page.read_text(encoding="utf-8"))
        for run_id in command.split()
    ]
    assert len(named) >= 6
    assert stored_trainings(open_for_reading(str(released_database())), named)
