"""The view of studies."""

from cdbench.store.view import View

STUDIES = View(
    "One row a part of a study that has come to its end.",
    """
    SELECT s.name, p.part, c.name AS comparison, c.measure, c.started_at, c.ended_at,
        c.comparison_id, s.study_id, s.plan_digest
    FROM study_part AS p JOIN study AS s ON s.plan_digest = p.study_digest
    LEFT JOIN comparison AS c ON c.plan_digest = p.comparison_digest
    """,
)
