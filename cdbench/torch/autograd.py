"""The block-circulant product and its matrix as functions of autograd, with gradients by hand.

PyTorch's own derivatives of the same steps would be the same. By hand, transformed activations are
kept for the way back, gradients come out in the memory order that is asked for, and those along
diagonals are added up without scattering. Every backward pass is made of differentiable steps, so
that it can be differentiated again.
"""

from typing import Any

import torch
from torch.autograd import Function, forward_ad

ROW = 16
"""BLAS on a CPU writes the transpose of a product well only in rows of as many float32."""


class FrequencyProduct(Function):
    """``x @ W.T`` of x (N, K_i · B) for the blocks c (K_o, K_i, B), frequency by frequency.

    With T (R, B) and S (B, R) of a bilinear algorithm, c ⊛ x = S ((T c) ⊙ (T x)) for each block,
    all is real. Without, the frequencies are those of the rfft.

    Besides the product it returns the transforms of x and c, which are not differentiable.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(
        x: torch.Tensor, c: torch.Tensor, T: torch.Tensor | None, S: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return (N, K_o · B), (R, N, K_i) and (R, K_o, K_i)."""
        x_hat, c_hat = analyse(x, T, c.shape[2]), analyse(c.reshape(len(c), -1), T, c.shape[2])
        y = synthesise(
            torch.bmm(x_hat, c_hat.transpose(1, 2)), None if S is None else S.t(), c.shape[2]
        )
        return y, x_hat, c_hat

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Any, ...]) -> None:
        """Keep the transforms for the way back, and the operands, to differentiate it again."""
        ctx.mark_non_differentiable(*output[1:])
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*inputs, *output[1:])
        ctx.save_for_forward(*inputs)

    @staticmethod
    def jvp(ctx: Any, dx: torch.Tensor | None, dc: torch.Tensor | None, *_: None) -> Any:
        """Return the tangent of the product, which is linear in x and in c."""
        x, c, T, S = ctx.saved_tensors
        moved = ((a, b) for a, b in ((dx, c), (x, dc)) if a is not None and b is not None)
        return sum(FrequencyProduct.apply(a, b, T, S)[0] for a, b in moved), None, None  # type: ignore[no-untyped-call]

    @staticmethod
    def backward(ctx: Any, dy: torch.Tensor | None, *_: None) -> tuple[torch.Tensor | None, ...]:
        """Return the gradients of x and c: Eqs. 4 and 3."""
        if dy is None:
            return None, None, None, None
        x, c, T, S, x_hat, c_hat = ctx.saved_tensors
        B = c.shape[2]
        if torch.is_grad_enabled() or _has_tangent(x) or _has_tangent(c):
            x_hat, c_hat = analyse(x, T, B), analyse(c.reshape(len(c), -1), T, B)
        dy_hat = analyse(dy, None if S is None else S.t(), B)
        wants_x, wants_c = ctx.needs_input_grad[:2]
        dx = synthesise(torch.bmm(dy_hat, c_hat.conj()), T, B) if wants_x else None
        dc = synthesise(torch.bmm(dy_hat.transpose(1, 2), x_hat.conj()), T, B) if wants_c else None
        return dx, None if dc is None else dc.view(c.shape), None, None


def _has_tangent(x: torch.Tensor) -> bool:
    """Return whether x is differentiated forwards, too."""
    return forward_ad.unpack_dual(x).tangent is not None  # type: ignore[no-untyped-call]


def analyse(x: torch.Tensor, A: torch.Tensor | None, B: int) -> torch.Tensor:
    """Return R numbers of each block of x (M, K · B), as (R, M, K): A (R, B) times it, or rfft."""
    M, K = x.shape[0], x.shape[1] // B
    if A is None:
        x_hat: torch.Tensor = torch.fft.rfft(x.reshape(M, K, B))
        return x_hat.permute(2, 0, 1).contiguous()
    return torch.mm(A, x.reshape(M * K, B).t()).view(len(A), M, K)


def synthesise(x: torch.Tensor, A: torch.Tensor | None, B: int) -> torch.Tensor:
    """Return blocks of x (R, M, K), as (M, K · B): the transpose of A (R, B) times it, or irfft."""
    R, M, K = x.shape
    if A is None:
        blocks: torch.Tensor = torch.fft.irfft(x.permute(1, 2, 0), n=B)
        return blocks.reshape(M, K * B)
    flat = x.view(R, M * K)
    if x.device.type != "cpu" or (x.dtype == torch.float32 and B % ROW == 0):
        return torch.mm(flat.t(), A).view(M, K * B)
    return torch.mm(A.t(), flat).view(B, M, K).permute(1, 2, 0).reshape(M, K * B)


class Circulants(Function):
    """The blocks C[k, l] = c[(k − l) mod B] of c (K_o, K_i, B), as (K_o, B, K_i, B)."""

    generate_vmap_rule = True

    @staticmethod
    def forward(c: torch.Tensor) -> torch.Tensor:
        """Return the blocks."""
        return c[:, :, _lags(c.shape[2], c.device)].transpose(1, 2).contiguous()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        """Keep nothing."""

    @staticmethod
    def jvp(ctx: Any, dc: torch.Tensor) -> Any:
        """Return the tangent of the blocks, which are linear in c."""
        del ctx
        return Circulants.apply(dc)  # type: ignore[no-untyped-call]

    @staticmethod
    def backward(ctx: Any, dW: torch.Tensor) -> Any:
        """Return the gradient of c, (K_o, K_i, B)."""
        del ctx
        return Diagonals.apply(dW)  # type: ignore[no-untyped-call]


class Diagonals(Function):
    """The adjoint of Circulants: sums along the diagonals of each block, (K_o, K_i, B)."""

    generate_vmap_rule = True

    @staticmethod
    def forward(dW: torch.Tensor) -> torch.Tensor:
        """Return, at m, the sum over k of dW[k, (k − m) mod B]."""
        lags = _lags(dW.shape[1], dW.device)[:, None, :].expand(dW.shape)
        return dW.gather(3, lags).sum(1)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        """Keep nothing."""

    @staticmethod
    def jvp(ctx: Any, dW: torch.Tensor) -> Any:
        """Return the tangent of the sums, which are linear in dW."""
        del ctx
        return Diagonals.apply(dW)  # type: ignore[no-untyped-call]

    @staticmethod
    def backward(ctx: Any, dc: torch.Tensor) -> Any:
        """Return the gradient of dW, (K_o, B, K_i, B)."""
        del ctx
        return Circulants.apply(dc)  # type: ignore[no-untyped-call]


def _lags(B: int, device: torch.device) -> torch.Tensor:
    """Return (k − l) mod B at [k, l]: the place in c of each entry of a circulant block."""
    k = torch.arange(B, device=device)
    return (k[:, None] - k) % B
