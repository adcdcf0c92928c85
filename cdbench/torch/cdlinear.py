"""CDLinear, the block-circulant layer, for PyTorch."""

import torch
from torch import nn

from cdbench.engine.layers import WeightLayer
from cdbench.engine.products.base import Array
from cdbench.engine.products.polygon import bilinear_algorithm
from cdbench.errors import ConfigurationError
from cdbench.torch import products
from cdbench.torch.autocast import autocast_dtype
from cdbench.torch.base import StructuredLinear
from cdbench.torch.graphs import making_file


class CDLinear(StructuredLinear):
    """``y = x @ W.T + bias``, W of K_o × K_i circulant blocks of size B (Eq. 2 of the paper).

    Parameters: ``c`` (K_o, K_i, B), drawn from N(0, 2 / n_in), and ``bias`` (out_features,).
    Block (i, j) of W is C[k, l] = c[i, j, (k − l) mod B]. Widths are rounded up to multiples of B.

    There are three paths to the product, equal to rounding:

    - ``materialised``: W, and one product with it;
    - ``real``: each block's real DFT as a matrix product, and one, or for complex frequencies
      three, real products of K × K matrices each. No number is complex;
    - ``rfft``: an FFT, and a complex product for each frequency. In float32 and float64 only.

    ``auto`` takes the one that ``products.chosen`` names; into exported models, such as ONNX, no
    FFT goes.

    Parameters
    ----------
    in_features, out_features : int
        Widths.
    B : int
        Block size: W has as many times fewer weights than entries.
    bias : bool
        Whether to learn a bias.
    path : str
        ``auto``, ``materialised``, ``real`` or ``rfft``.
    device, dtype
        Of the parameters, as for ``nn.Linear``.

    Raises
    ------
    ShapeError
        If a width is less than 1.
    ConfigurationError
        If B is less than 1 or there is no such path.

    Examples
    --------
    >>> import torch
    >>> layer = CDLinear(10, 6, B=4)
    >>> print(layer.extra_repr())  # doctest: +NORMALIZE_WHITESPACE
    in_features=10, out_features=6, B=4, bias=True, padded to 12 and 8,
    weights=24 (2.5 times fewer), path=auto
    >>> layer(torch.zeros(3, 5, 10)).shape
    torch.Size([3, 5, 6])
    """

    family = "cdlinear"
    c: nn.Parameter
    T: torch.Tensor
    S: torch.Tensor

    def __init__(
        self,
        in_features: int,
        out_features: int,
        B: int,
        bias: bool = True,
        path: str = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        if path not in products.PATHS:
            known = ", ".join(products.PATHS)
            raise ConfigurationError(f"CDLinear got path = {path!r}, expected one of {known}")
        self.path = path
        super().__init__(in_features, out_features, {"B": B}, bias, device, dtype)
        self.B = self.c.shape[2]

    def constants(self, layer: WeightLayer) -> dict[str, Array]:
        """Return T (R, B) and S (B, R) of the real transform, if the layer may take that path."""
        del layer
        B = self.c.shape[2]
        if self.path == "real" or (self.path == "auto" and 1 < B <= products.LARGEST_HALF):
            return dict(zip("TS", bilinear_algorithm(B), strict=True))
        return {}

    def multiply(self, rows: torch.Tensor) -> torch.Tensor:
        """Return ``rows @ W.T``, (N, padded_out), of rows (N, padded_in).

        Under autocast it is computed in autocast's type, and by ``rfft`` in float32.

        Raises
        ------
        ConfigurationError
            If the path is ``rfft``, and the type of lower precision.
        """
        c: torch.Tensor = self.c
        dtype, lower = rows.dtype, autocast_dtype(rows)
        if lower is not None:
            dtype = torch.float32 if self.path == "rfft" else lower
            rows, c = rows.to(dtype), c.to(dtype)
        path = self._path_in(dtype)
        if path == "materialised":
            return products.materialised(rows, c)
        if path == "real":
            return products.real(rows, c, self.T.to(dtype), self.S.to(dtype))
        return products.rfft(rows, c)

    def _path_in(self, dtype: torch.dtype) -> str:
        if self.path == "auto":
            path = products.chosen(self.padded_in, self.padded_out, self.B, dtype)
            return "materialised" if path == "rfft" and making_file() else path
        if self.path == "rfft" and dtype.itemsize < torch.float32.itemsize:
            name = str(dtype).removeprefix("torch.")
            raise ConfigurationError(
                f"CDLinear with path = 'rfft' got {name}, of which PyTorch has no FFT everywhere; "
                "expected float32 or float64, or path = 'real'"
            )
        return self.path

    def matrix(self) -> torch.Tensor:
        """Return W as it acts, (out_features, in_features), differentiable in c."""
        return products.block_circulant(self.c)[: self.out_features, : self.in_features]

    def extra_repr(self) -> str:
        """Return what every structured layer says, and the path."""
        return f"{super().extra_repr()}, path={self.path}"
