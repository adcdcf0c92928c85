"""Recipes about the runs themselves: what there is, how they ended, what they cost."""

from cdbench.store.recipes.recipe import Recipe

TRIED = Recipe(
    "tried",
    "What has been tried?",
    """\
select dataset, changes, count(*) as models, sum(n_seeds) as runs
from models group by dataset, changes order by runs desc, changes limit 20
""",
    "What to put into `where changes = '…'` of other questions.",
)

ENDINGS = Recipe(
    "endings",
    "How did the runs end?",
    """\
select status, count(*) as runs, min(epochs_trained) as fewest_epochs,
    max(epochs_trained) as most_epochs
from runs group by status order by runs desc
""",
    "The view `runs` has all of them; `models`, `table1` and reports have what completed.",
)

HARDLY_LEARNED = Recipe(
    "hardly-learned",
    "Which runs learned hardly anything?",
    """\
select model, changes, count(*) as runs,
    round(100 * min(test_accuracy), 2) as worst
from runs where is_latest and dataset = 'digits' and test_accuracy < 0.5
group by model, changes order by runs desc, worst, model, changes limit 12
""",
    "They completed, so they are in every average: mostly the learning rate was too large.",
)

EPOCHS_TO_97 = Recipe(
    "epochs-to-97",
    "How many epochs does it take to 97 %, and how many runs never arrive?",
    """\
select model, count(*) as runs, count(*) - count(epochs) as never,
    min(epochs) as fastest, max(epochs) as slowest
from epochs_to_accuracy
where accuracy = 0.97 and is_latest and dataset = 'digits' and changes = ''
group by model order by never, fastest, model
""",
    "A mean over those that arrive would flatter the model that seldom does.",
)

COST = Recipe(
    "cost",
    "What does an epoch cost?",
    """\
select model, product_used, count(*) as runs,
    round(1000 * avg(seconds_per_epoch), 1) as milliseconds
from runs where is_latest and dataset = 'digits' and changes = ''
group by model, product_used order by milliseconds
""",
    "As it happened, whatever else the machine did; `cdbench bench` measures it in turns.",
)

PROVENANCE = Recipe(
    "provenance",
    "On what were they trained, and from which sweep?",
    """\
select cpu, blas, numpy_version, cdbench_version,
    coalesce(command_line, 'train') as command,
    count(*) as runs
from runs join environment on environment.environment_id = runs.environment_id
left join sweep on sweep.sweep_id = runs.sweep_id
group by cpu, blas, numpy_version, cdbench_version, command_line
order by runs desc, command limit 12
""",
    "Times of different machines cannot be compared, and last digits depend on BLAS.",
)

NEWEST = Recipe(
    "newest",
    "What was trained last?",
    """\
select runs.run_id, runs.model, runs.dataset, runs.seed, runs.status,
    round(100 * runs.test_accuracy, 2) as accuracy,
    round(runs.duration_s, 1) as seconds
from runs join run on run.run_id = runs.run_id
order by run.sequence desc limit 10
""",
    "By `sequence`, which is the order in which they were written: clocks may be wrong.",
)
