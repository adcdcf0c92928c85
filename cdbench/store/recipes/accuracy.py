"""Recipes about how well models do."""

from cdbench.store.recipes.recipe import Recipe

ACCURACY = Recipe(
    "accuracy",
    "How accurate is each model?",
    """\
select model, n_parameters, n_seeds,
    round(100 * test_accuracy_mean, 2) as accuracy,
    round(100 * test_accuracy_sd, 2) as sd
from models where dataset = 'digits' and changes = ''
order by accuracy desc, model
""",
    "The paper's recipe alone (`changes = ''`): an average over other settings too would mean "
    "nothing.",
)

AGAINST_DENSE = Recipe(
    "against-dense",
    "How does it stand to dense, seed by seed?",
    """\
select model, count(*) as pairs,
    round(100 * avg(accuracy_difference), 2) as points,
    count(case when accuracy_difference > 0 then 1 end) as better,
    count(case when accuracy_difference < 0 then 1 end) as worse
from against_dense where dataset = 'digits' and changes = ''
group by model order by points desc, model
""",
    "Pairs of equal seed and settings: the luck that both share is out of the difference.",
)

BEST_SETTINGS = Recipe(
    "best-settings",
    "Which setting is best for each model?",
    """\
select model, changes, n_seeds, round(100 * test_accuracy_mean, 1) as accuracy
from (
    select *, row_number() over (
        partition by model order by test_accuracy_mean desc
    ) as place
    from models where dataset = 'digits' and n_seeds >= 10
) as ranked
where place = 1 order by accuracy desc, model limit 12
""",
    "Chosen on the test split, and so too good: to compare models, choose on validation, as "
    "`cdbench compare` does.",
)

DOMINATED = Recipe(
    "dominated",
    "Which model is beaten by one with fewer parameters?",
    """\
select large.model, large.n_parameters, small.model as beaten_by,
    small.n_parameters as with_parameters,
    round(
        100 * (small.test_accuracy_mean - large.test_accuracy_mean), 3
    ) as points
from models as large join models as small on small.dataset = large.dataset
    and small.n_parameters < large.n_parameters
    and small.test_accuracy_mean > large.test_accuracy_mean
where large.dataset = 'digits' and large.changes = '' and small.changes = ''
order by points desc, large.model, with_parameters
""",
    "Of means: a lead of a fraction of the standard deviation is none.",
)

SEEDS = Recipe(
    "seeds",
    "How much is luck: what do the seeds alone change?",
    """\
select model, n_seeds, round(100 * test_accuracy_min, 2) as worst,
    round(100 * test_accuracy_mean, 2) as mean,
    round(100 * test_accuracy_max, 2) as best,
    round(100 * (test_accuracy_max - test_accuracy_min), 2) as spread
from models where dataset = 'digits' and changes = ''
order by spread desc, model
""",
    "A difference of two single runs that is smaller than this spread says nothing.",
)
