"""Whether operations are being written down as a graph, to be run elsewhere or later."""

import torch


def making_graph() -> bool:
    """Return whether ``torch.compile``, ``torch.export`` or ``torch.jit.trace`` is at work.

    ``torch.onnx.export`` works by one of the last two. What decides by a number of rows, or by a
    way that graphs lack, such as FFTs and our own functions of autograd, asks this first.
    """
    return torch.compiler.is_compiling() or _tracing()


def making_file() -> bool:
    """Return whether the graph goes into a file, such as ONNX, rather than into a compiler."""
    return torch.compiler.is_exporting() or _tracing()


def _tracing() -> bool:
    traced: bool = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    return traced
