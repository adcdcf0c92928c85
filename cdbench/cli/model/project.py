"""``cdbench model project``: the nearest members of families, and what they lose."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cdbench.cli import COMPLETED
from cdbench.cli.echo import echo
from cdbench.cli.model.named import FILE, model_named
from cdbench.cli.options import DEFAULT_DATABASE, DatabaseOption
from cdbench.cli.output import print_report
from cdbench.config.checks import HEADS
from cdbench.errors import ConfigurationError, ModelError, OutputError, UnknownNameError, meant_file
from cdbench.system.home_folders import expanded
from cdbench.system.output_files import check_output

if TYPE_CHECKING:
    from cdbench.config.matching import Entrant

OF_TORCH = (".pt", ".pth", ".bin", ".ckpt")
"""How the names of files end that torch.save wrote."""
WRITTEN = (".npz", ".safetensors")
"""How those end that projected weights can be written to."""


def project(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE|MODEL",
            show_default=False,
            help="A network: MODEL, or a .npz file that export wrote. Or matrices: .npz, "
            ".safetensors, or a state_dict that torch.save wrote.",
        ),
    ],
    budget: Annotated[
        float,
        typer.Option("--budget", help="Share of the weights to keep, above 0, below 1."),
    ] = 0.25,
    layer: Annotated[
        list[str] | None,
        typer.Option(
            "--layer",
            metavar="FAMILY[:SIZE][,NAME=VALUE] ...",
            show_default=False,
            help="Families to project to; of one with a size just that. [default: all]",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="PATTERN ...",
            show_default=False,
            help="Matrices of a file to project, such as 'blocks.*.weight'. "
            "[default: all named …weight]",
        ),
    ] = None,
    head: Annotated[
        str | None,
        typer.Option(
            "--head",
            metavar="structured|dense",
            show_default=False,
            help="Last layer of the projected network. [default: the network's]",
        ),
    ] = None,
    fine_tune: Annotated[
        str | None,
        typer.Option(
            "--fine-tune",
            metavar="DATASET",
            show_default=False,
            help="Train the projected network further on this data set, and say what it scores "
            "before, after the projection and after that.",
        ),
    ] = None,
    moments: Annotated[
        str | None,
        typer.Option(
            "--moments",
            metavar="DATASET",
            show_default=False,
            help="Weigh what is lost by the second moments of the layers' inputs, for training "
            "samples of this data set: least is then what changes at their outputs.",
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs", min=1, show_default=False, help="Of --fine-tune. [default: the network's]"
        ),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            "--learning-rate",
            show_default=False,
            help="Of --fine-tune. [default: the network's]",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            show_default=False,
            help="Write the projection that loses least: a network as cdbench model export does, "
            "fine-tuned if it was; matrices as .npz or .safetensors, named as the layers of "
            "cdbench.torch.",
        ),
    ] = None,
    db: DatabaseOption = DEFAULT_DATABASE,
) -> int:
    """Find the nearest member of each family, with a share of the weights, and what it loses.

    Each family's setting is matched to the budget: for a network one for all layers, for matrices
    of a file one for each. Families and matrices are sorted by their relative error.

    For example:

        cdbench model project wine.npz --budget 0.5

        cdbench model project wine.npz --layer cdlinear low-rank --fine-tune wine

        cdbench model project vit.safetensors --only 'blocks.*' --layer monarch
    """
    from cdbench.projection.entrants import check_budget, entrant, every_entrant

    check_budget(budget)
    if head is not None and head not in HEADS:
        raise UnknownNameError("head", head, HEADS)
    target = None if output is None else expanded(output, OutputError)
    if target is not None:
        check_output(target)
    entrants = [entrant(text) for text in layer] if layer else list(every_entrant())
    if len(set(entrants)) < len(entrants):
        raise ConfigurationError(f"layer = {' '.join(layer or ())}: expected each family once")
    if not _is_network(file):
        path = Path(expanded(file, ModelError))
        for name, value in (("fine-tune", fine_tune), ("moments", moments)):
            if value is None:
                continue
            raise ConfigurationError(
                f"--{name} needs the network, of which {path.name} has only the weights; "
                "expected a file of cdbench model export; for a PyTorch model see docs/torch.md"
            )
        return _project_arrays(path, entrants, budget, layer is not None, only or (), target)
    if only:
        raise ConfigurationError(
            f"--only names matrices of files; {file} is a network, projected as a whole"
        )
    from cdbench.trained.formats import format_of

    if target is not None:
        format_of(target)  # which refuses other endings
    from cdbench.cli.model.projected import Asked, project_network

    training = {"name": fine_tune, "epochs": epochs, "rate": learning_rate}
    asked = Asked(entrants, budget, head, moments)
    return project_network(model_named(file, db), file, asked, training, target)


def _is_network(name: str) -> bool:
    """Whether a name is that of a network, of a run or a file, and not of a file of matrices."""
    from cdbench.projection.arrays_file import is_model

    if Path(name).suffix.lower() != FILE:
        return not Path(name).suffix and not Path(name).exists()
    return is_model(Path(expanded(name, ModelError)))


def _project_arrays(
    path: Path,
    entrants: "Sequence[Entrant]",
    budget: float,
    asked: bool,
    only: Sequence[str],
    target: str | None,
) -> int:
    """Project the matrices of a file, each by itself."""
    from cdbench.projection.arrays_file import matrices_of, with_nearest
    from cdbench.projection.matrices import project as projected
    from cdbench.reports.projection import one_by_one, whole

    if target is not None and Path(target).suffix.lower() not in WRITTEN:
        raise ConfigurationError(f"--output {target}: expected a name in {' or '.join(WRITTEN)}")
    arrays = _arrays(path)
    matrices = matrices_of(path.name, arrays, only)
    found = projected(matrices, entrants, budget, asked=asked)
    print_report(whole(path.name, budget, found))
    echo()
    print_report(one_by_one(found))
    if target is not None:
        best = found[0]
        nearest = {one.name: (one.setting.specification, one.params) for one in best.found}
        if _write(with_nearest(arrays, nearest), target):
            echo(f"wrote {target}: {best.entrant} in {len(best.found)} of {len(matrices)} matrices")
    return COMPLETED


def _arrays(path: Path) -> Mapping[str, Any]:
    """Read a file's arrays by what its name ends with."""
    from cdbench.projection.arrays_file import READERS

    suffix = path.suffix.lower()
    reader: Any = READERS.get(suffix)
    if suffix in OF_TORCH:
        try:
            from cdbench.torch.state_dicts import read_state_dict as reader
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            raise ModelError(
                f"{path}: to read it takes PyTorch, which is not installed; type "
                "pip install 'cdbench[torch]', or save it as .safetensors"
            ) from None
    if reader is None:
        raise ModelError(
            f"{path}: expected a name in {', '.join([*READERS, *OF_TORCH])}; pickles are refused, "
            "because reading one runs whatever code it holds"
        )
    if not path.exists():
        raise ModelError(f"{path}: no such file{meant_file(path)}")
    arrays: Mapping[str, Any] = reader(path)
    return arrays


def _write(content: tuple[Mapping[str, Any], Mapping[str, str]], target: str) -> bool:
    """Write arrays and notes; return False if the target is a stream."""
    import io

    import numpy as np

    from cdbench.projection.safetensors_file import write_safetensors
    from cdbench.system.output_files import write_output

    arrays, notes = content
    if Path(target).suffix.lower() == ".safetensors":
        return write_safetensors(arrays, notes, target)
    stream = io.BytesIO()
    texts = {name: np.array(text) for name, text in notes.items()}
    np.savez_compressed(stream, allow_pickle=False, **arrays, **texts)
    return write_output(target, stream.getvalue())
