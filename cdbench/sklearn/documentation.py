"""What both estimators say of their common parameters, attributes and limits."""

from typing import Any, TypeVar

Estimator = TypeVar("Estimator", bound=type[Any])

PARAMETERS = """hidden_layer_sizes : int or array-like of int, default=(100,)
        Widths of the hidden layers. A family that needs multiples, such as of B, pads them up.

    layer : str, default="cdlinear:4"
        Family of the weight layers, with its structure: FAMILY[:VALUE][,NAME=VALUE…], as in
        "dense", "cdlinear:8", "low-rank:8" or "monarch:8,inner=16".

    head : {"dense", "structured"}, default="dense"
        Last layer: dense, or of the family of the others, as in the paper. Of few outputs a
        structured one has few weights, and in some families reads only a part of what is hidden.

    initialization : {"glorot", "he"}, default="glorot"
        Variance of the initial weights: 2 / (n_in + n_out), as in MLPClassifier, or 2 / n_in, as
        in the paper. Biases are 0.

    activation : {"relu", "gelu", "tanh"}, default="relu"
        Between weight layers.

    normalization : {"none", "layer", "batch"}, default="none"
        Before each weight layer.

    dropout : float, default=0.0
        Probability with which a hidden activation is dropped in training, in [0, 1).

    solver : {"adam", "adamw", "sgd"}, default="adam"
        Optimiser.

    alpha : float, default=0.0001
        Strength of the L2 penalty α ‖θ‖² / 2 on the layers' own weights, divided by the weight of
        a batch, as in MLPClassifier. Biases have none.

    weight_decay : float, default=0.01
        Decay of the weights by adamw, a step: learning rate × this. Only used by adamw.

    fisher_weight : float, default=0.0
        Weight λ_F of the Fisher regulariser, for families with circulant blocks.

    fisher_form : {"trace-inverse", "log-variance"}, default="trace-inverse"
        Form of the Fisher regulariser.

    fisher_epsilon : float, default=0.01
        ε of the Fisher regulariser.

    batch_size : int or "auto", default="auto"
        Samples of a step. "auto" is min(200, n_samples); more than there are is all.

    learning_rate : {"constant", "cosine"}, default="constant"
        Schedule of the step size; cosine falls to 0 over all max_iter epochs.

    learning_rate_init : float, default=0.002
        Step size. MLPClassifier's default is 0.001, with which fewer weights need more epochs; the
        paper's recipe, with solver="sgd", is 0.1.

    learning_rate_scaling : {"raw", "weight-space", "mean", "sharp"}, default="raw"
        What the step size of structured weights is divided by: "weight-space", how far a unit step
        moves W, squared; "mean" and "sharp", how much more than in a dense layer it moves the
        outputs, measured on the first batch.

    clip : float or None, default=None
        Largest norm of the gradient; a longer one is shortened.

    max_iter : int, default=200
        Largest number of epochs.

    shuffle : bool, default=True
        Whether samples are taken in a new order in each epoch.

    random_state : int, RandomState instance or None, default=None
        Draws initial weights, order of samples, dropout and what is held out.

    tol : float, default=0.0001
        An epoch that does not better the training loss, or with early stopping the validation
        score, by this counts as one without improvement.

    n_iter_no_change : int, default=10
        Training ends after more than so many epochs in a row without improvement.

    early_stopping : bool, default=False
        Whether to hold out samples, go by their score, and keep the parameters of the best epoch.

    validation_fraction : float, default=0.1
        Share of the samples that early stopping holds out, stratified by class.

    warm_start : bool, default=False
        Whether ``fit`` goes on from the parameters of the last one.

    verbose : bool or int, default=False
        Whether to print the loss of each epoch.

    momentum : float, default=0.9
        Of sgd.

    beta_1, beta_2 : float, default=0.9, 0.999
        Decay rates of the moments of adam and adamw.

    epsilon : float, default=1e-08
        Added to the root of the second moment by adam and adamw.

    dtype : {"auto", "float64", "float32"}, default="auto"
        Type of the whole training; "auto" is float32 for X of that type, otherwise float64."""

ATTRIBUTES = """parameters_ : ndarray of shape (n_parameters,)
        All weights and biases, layer by layer.

    loss_curve_ : list of shape (n_iter_,)
        Mean training loss of each epoch's steps, weighted as the samples are, without penalties.

    loss_, best_loss_ : float
        The last, and the lowest of them; with early stopping best_loss_ is None.

    validation_scores_ : list of shape (n_iter_,) or None
        With early stopping, the score of the held-out samples after each epoch.

    best_validation_score_ : float or None
        The highest of them, whose parameters were kept.

    n_iter_ : int
        Number of epochs so far; with ``warm_start`` and ``partial_fit``, of all calls.

    t_ : int
        Number of samples that steps have seen.

    n_layers_, n_outputs_ : int
        Number of layers, input and output among them, and of outputs.

    n_features_in_ : int
        Number of features.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if X had names that are all strings.

    condition_report_ : list of dict
        Of each weight layer κ, largest / smallest, and rank of the singular values of W ("weight")
        and, after ``fit``, of the eigenvalues of the layer's Hessian for the squared error over
        the training samples ("layer_hessian"), computed when asked for."""

NOTES = """Weights of samples count as repetition does: a weight of 2 is the sample twice, up to
    which samples share a batch, and one of 0 leaves it out. X should be scaled, as for every
    network."""


def documented(estimator: Estimator) -> Estimator:
    """Fill the common parts into a class's docstring, and return the class."""
    text: str = estimator.__doc__ or ""
    for place, part in (("parameters", PARAMETERS), ("attributes", ATTRIBUTES), ("notes", NOTES)):
        text = text.replace(f"{{{place}}}", part)
    estimator.__doc__ = text
    return estimator
