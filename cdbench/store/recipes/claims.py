"""Recipes about claims and comparisons."""

from cdbench.store.recipes.recipe import Recipe

EVIDENCE = Recipe(
    "evidence",
    "What does a verdict rest on?",
    """\
select claims.verdict, m.statistic, m.quantity, m.subject, m.baseline,
    round(m.estimate, 4) as estimate, round(m.low, 4) as low,
    round(m.high, 4) as high, m.n
from claims join measurements as m on m.claim = claims.claim
where claims.claim = 'accuracy'
order by m.position limit 4
""",
    "The column `sql` of `measurements` has the query of each estimate.",
)

VERDICTS = Recipe(
    "verdicts",
    "What came of the claims, and did a second block of seeds agree?",
    """\
select claims.verdict, count(*) as claims,
    count(r.is_replicated) as judged_again,
    count(case when r.is_replicated then 1 end) as the_same
from claims left join replications as r on r.claim = claims.claim
group by claims.verdict order by claims desc, claims.verdict
""",
    "`cdbench report --claims` has them one by one.",
)

STANDINGS = Recipe(
    "standings",
    "Which family is ahead in a fair comparison, and by how much?",
    """\
select c.budget, c.position, c.model, c.n_parameters,
    round(100 * c.score, 2) as accuracy,
    round(100 * d.difference, 2) as points, round(100 * d.wide_low, 2) as low,
    round(100 * d.wide_high, 2) as high
from comparisons as c
join differences as d on d.comparison_line_id = c.comparison_line_id
where c.name = 'digits' and d.against = 'narrower dense'
order by c.budget desc, c.position limit 12
""",
    "Each model's learning rate was chosen on validation; points are against a dense network of "
    "its size, and the interval is that for new data of this kind.",
)
