"""CDLinear in PyTorch, forward and backward, against nn.Linear and the same layer by rfft.

One thread, float32, 256 rows, warm; the rivals take turns. Seconds are the processor's, as in
families.py: the machine may be shared. Then, at every size, what each path takes beside the one
that the layer's rule picks. Where there is a GPU, the first table again on it, in bfloat16 and
float32, with and without torch.compile.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter, process_time

from measure import (
    Bar,
    Call,
    Spread,
    alternate,
    arguments,
    console,
    machine,
    new_table,
    one_thread,
    verdict,
)

one_thread(one_core=False)

import torch  # noqa: E402
from torch import nn  # noqa: E402

import with_torch  # noqa: E402
from cdbench.torch import CDLinear  # noqa: E402
from cdbench.torch.products import PATHS, chosen  # noqa: E402

N = 256
BARS = {1024: {4: 1.8, 8: 2.5, 16: 3.5}, 2048: {4: 2.3, 8: 3.5, 16: 5.0}}
"""By n and B, how many times faster than nn.Linear the layer is to be."""
SIZES = (4, 8, 16, 32, 64, 128)
AHEAD_UP_TO = 16
"""B up to which it is to be ahead of the rfft layer."""
AHEAD, BEHIND = Bar(1.0), Bar(0.95)
"""Of the rfft layer's time over ours: up to that B, and everywhere."""
ROUNDS = {256: 21, 1024: 11, 2048: 7}
TOLERANCE = 1e-4
"""Of outputs and gradients, which are compared before they are timed."""


class ByRfft(nn.Module):
    """The layer as one would write it: rfft, einsum, irfft, eager, with autograd's gradients."""

    def __init__(self, layer: CDLinear) -> None:
        super().__init__()
        self.c, self.bias = layer.c, layer.bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the output (N, n)."""
        y = with_torch.circulant(x, self.c)
        return y if self.bias is None else y + self.bias


@dataclass(frozen=True)
class Entry:
    """What was measured at one size: the seconds of every rival, by round."""

    n: int
    B: int
    samples: Mapping[str, Sequence[float]]

    def times(self, above: str, below: str) -> Spread:
        """Return the ratio of two rivals' seconds."""
        return Spread.of_ratios(self.samples[above], self.samples[below])


def both_passes(module: nn.Module, x: torch.Tensor, dy: torch.Tensor) -> Call:
    """Return a call that makes a forward and a backward pass, with all gradients."""
    leaves = [x, *module.parameters()]

    def run() -> tuple[torch.Tensor, ...]:
        return torch.autograd.grad(module(x), leaves, dy)

    return run


def check(modules: Sequence[nn.Module], x: torch.Tensor, dy: torch.Tensor) -> None:
    """Raise AssertionError unless all give the same output and gradients of x and c."""
    results = []
    for module in modules:
        y = module(x)
        leaves = [x, module.get_parameter("c")]
        results.append((y, *torch.autograd.grad(y, leaves, dy)))
    for found in results[1:]:
        for one, exact in zip(found, results[0], strict=True):
            assert (one - exact).norm() < TOLERANCE * exact.norm()


def measure(n: int, B: int, rounds: int) -> Entry:
    """Let nn.Linear, the rfft layer, ours, and ours by each path take turns."""
    torch.manual_seed(0)
    x, dy = torch.randn(N, n, requires_grad=True), torch.randn(N, n)
    layers = {path: CDLinear(n, n, B, path=path) for path in PATHS}
    for layer in layers.values():
        layer.load_state_dict(layers["auto"].state_dict())
    rivals = {"linear": nn.Linear(n, n), "eager": ByRfft(layers["auto"]), **layers}
    check([rivals["eager"], *layers.values()], x, dy)
    calls = {name: both_passes(module, x, dy) for name, module in rivals.items()}
    return Entry(n, B, alternate(calls, rounds, clock=process_time))


def print_speed(entries: Sequence[Entry]) -> int:
    """Print ratios to both rivals against the bars; return how many are not met."""
    table = new_table(
        f"Forward and backward, float32, {N} rows, one thread: nn.Linear's time, and the rfft "
        "layer's, over CDLinear's",
        *("n", "B", "nn.Linear ms", "path", "nn.Linear's", "target", ""),
        *("rfft's", "target", ""),
    )
    failures = 0
    for entry in entries:
        over_linear, over_rfft = entry.times("linear", "auto"), entry.times("eager", "auto")
        limit = BARS.get(entry.n, {}).get(entry.B)
        bar = None if limit is None else Bar(limit)
        rfft_bar = AHEAD if entry.B <= AHEAD_UP_TO else BEHIND
        is_met = bar is None or bar.is_met(over_linear.median)
        checks = [is_met, rfft_bar.is_met(over_rfft.median)]
        failures += checks.count(False)
        milliseconds = Spread.of(entry.samples["linear"]).times(1e-3)
        table.add_row(
            *(str(entry.n), str(entry.B), milliseconds),
            chosen(entry.n, entry.n, entry.B, torch.float32),
            *(over_linear.times(), str(bar or ""), verdict(is_met) if bar else ""),
            *(over_rfft.times(), str(rfft_bar), verdict(checks[1])),
        )
    console.print(table)
    return failures


def print_paths(entries: Sequence[Entry]) -> None:
    """Print every path's time over the picked one's."""
    table = new_table("Each path's time over that of the picked one", "n", "B", *PATHS[1:])
    for entry in entries:
        ratios = (entry.times(path, "auto").times() for path in PATHS[1:])
        table.add_row(str(entry.n), str(entry.B), *ratios)
    console.print(table)


def on_gpu(n: int, B: int, dtype: torch.dtype, rounds: int) -> Iterator[tuple[str, Spread]]:
    """Yield nn.Linear's time over CDLinear's and over the rfft layer's, eager and compiled."""
    torch.manual_seed(0)
    options = {"device": "cuda", "dtype": dtype}
    x = torch.randn(N, n, requires_grad=True, **options)  # type: ignore[call-overload]
    dy = torch.randn(N, n, **options)  # type: ignore[call-overload]
    layer = CDLinear(n, n, B, **options)  # type: ignore[arg-type]
    modules: dict[str, nn.Module] = {"linear": nn.Linear(n, n, **options), "ours": layer}  # type: ignore[arg-type]
    if dtype == torch.float32:
        modules["rfft"] = ByRfft(layer)
    for name, module in list(modules.items()):
        modules[f"{name} compiled"] = torch.compile(module)  # type: ignore[assignment]

    def waited(call: Call) -> Call:
        def run() -> None:
            call()
            torch.cuda.synchronize()

        return run

    calls = {name: waited(both_passes(module, x, dy)) for name, module in modules.items()}
    samples = alternate(calls, rounds, clock=perf_counter)
    for name in modules:
        yield name, Spread.of_ratios(samples["linear"], samples[name])


def print_gpu(sizes: Sequence[tuple[int, int]], rounds: int) -> None:
    """Print the table of a GPU, or that there is none."""
    if not torch.cuda.is_available():
        console.print("GPU: none here; CDLinear on a GPU is unmeasured")
        return
    table = new_table(
        f"On {torch.cuda.get_device_name()}: eager nn.Linear's time over that of others",
        *("n", "B", "dtype", "layer", "ratio (quartiles)"),
    )
    for n, B in sizes:
        for dtype in (torch.bfloat16, torch.float32):
            for name, ratio in on_gpu(n, B, dtype, rounds):
                table.add_row(str(n), str(B), str(dtype)[6:], name, ratio.times())
    console.print(table)


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--n", type=int, nargs="+", default=[1024, 2048])
    parser.add_argument("--B", type=int, nargs="+", default=list(SIZES))
    asked = parser.parse_args()
    if asked.quick:
        asked.n, asked.B = [256], [4, 64]
    torch.set_num_threads(1)
    sizes = [(n, B) for n in asked.n for B in asked.B]
    rounds = {n: 2 if asked.quick else ROUNDS.get(n, 11) for n in asked.n}
    entries = [measure(n, B, rounds[n]) for n, B in sizes]
    failures = print_speed(entries)
    print_paths(entries)
    print_gpu(sizes, 2 if asked.quick else 21)
    console.print(machine("torch"))
    console.print(f"{failures} of the checks above are not met" if failures else "all are met")


if __name__ == "__main__":
    main()
