"""Recipes about condition numbers, spectra and curvature."""

from cdbench.store.recipes.recipe import Recipe

KAPPA = Recipe(
    "kappa",
    "Which condition numbers can be compared?",
    """\
select model, n_seeds, round(weight_kappa_median) as weight,
    round(layer_hessian_kappa_median) as layer_hessian
from models where dataset = 'digits' and changes = ''
order by weight, model
""",
    "These two between families; the other kinds within one only, as docs/conditions.md says.",
)

WORST_LAYER = Recipe(
    "worst-layer",
    "Which layer is worst conditioned?",
    """\
select model, layer, count(*) as runs, round(min(kappa_nonnull)) as least,
    round(max(kappa_nonnull)) as most,
    round(avg(1.0 * rank / size), 3) as share_of_rank
from conditions
where kind = 'layer_hessian' and is_latest and epoch = 25 and step = 0
    and changes = '' and model in ('dense', 'cdlinear B=4')
group by model, layer order by model, layer
""",
    "κ of what is above the threshold, with the share of directions that are.",
)

KAPPA_EPOCHS = Recipe(
    "kappa-epochs",
    "How does κ move in training?",
    """\
select epoch, model, round(kappa) as kappa,
    round(100 * test_accuracy, 2) as accuracy
from kappa_epochs
where kind = 'weight' and is_latest and seed = 0 and changes = ''
    and model in ('dense', 'cdlinear B=4')
order by epoch, model
""",
    "At the epochs of `--spectra-every`, and after the last.",
)

SPECTRUM = Recipe(
    "spectrum",
    "What is in a spectrum?",
    """\
select run_id, position, round(value, 4) as value from spectrum_values
where is_latest and model = 'dense' and changes = '' and seed = 2
    and layer = 3 and kind = 'weight' and epoch = 25
order by run_id, position
""",
    "Of runs trained with `--spectra-every`; an audit keeps spectra of the figures' seed only.",
)

CURVATURE = Recipe(
    "curvature",
    "How well conditioned is the whole network?",
    """\
select model, coordinates, count(*) as runs, round(avg(largest), 2) as largest,
    round(avg(damped_kappa)) as damped_kappa,
    round(avg(effective_rank), 1) as effective_rank
from curvatures where matrix = 'gauss_newton' and is_latest and epoch = 25
group by model, coordinates order by model, coordinates
""",
    "In weight space families can be compared; in a family's own parameters they cannot.",
)
