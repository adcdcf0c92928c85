"""Whether a family can have the widths that a data set asks for, before anything is stored."""

from cdbench.config import families, plugins
from cdbench.config.run_config import RunConfig
from cdbench.errors import ConfigurationError, ShapeError


def check_widths(config: RunConfig) -> None:
    """Raise ConfigurationError if no network of this family and architecture fits the data set.

    Parameters
    ----------
    config : RunConfig
        Pinned to its data set. Dense and block-circulant layers of an mlp can have any widths.
    """
    any_widths = config.layer == families.BASELINE or config.layer in families.WITH_B
    if any_widths and config.architecture == "mlp":
        return
    from cdbench.datasets import load_dataset
    from cdbench.engine.building import READS_IMAGES, build_network

    dataset = load_dataset(config)
    try:
        with plugins.blamed("layer", config.layer, "cannot be built"):
            build_network(config, dataset.n_features, dataset.n_outputs, dataset.image)
    except ShapeError as error:
        learned = f"{dataset.n_classes} classes" if dataset.classes else "the quantity"
        layer = families.specification(config.layer, config.structure, config.B)
        if dataset.image is not None and config.architecture in READS_IMAGES:
            size = " × ".join(map(str, dataset.image))
            raise ConfigurationError(
                f"architecture = {config.architecture}, layer = {layer} with the images of "
                f"{config.dataset}, {size}: {error}"
            ) from error
        raise ConfigurationError(
            f"layer = {layer} with the {dataset.n_features} features and {learned} of "
            f"{config.dataset}: {error}"
        ) from error
