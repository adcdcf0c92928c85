"""The networks of Sec. VI.1 in PyTorch, for the tests that compare derivatives with its own."""

from itertools import pairwise

import torch
from torch.func import grad, jacrev

__all__ = ["grad", "jacrev", "logits_of", "torch"]


def weight(c):
    """The block-circulant matrix, entry by entry: W[iB + k, jB + l] = c[i, j, (k − l) mod B]."""
    K_o, K_i, B = c.shape
    rows = [
        torch.stack([c[i, j, (k - m) % B] for j in range(K_i) for m in range(B)])
        for i in range(K_o)
        for k in range(B)
    ]
    return torch.stack(rows)


def logits_of(theta, x, B, sizes):
    """The network of Sec. VI.1; ``B`` of None is dense. Parameters lie layer by layer in theta."""
    multiple = B or 1
    widths = [-(-width // multiple) * multiple for width in sizes]
    x = torch.nn.functional.pad(x, (0, widths[0] - sizes[0]))
    for layer, (n_in, n_out) in enumerate(pairwise(widths)):
        n_weights = n_in * n_out // multiple
        own, bias, theta = theta.split((n_weights, n_out, theta.numel() - n_weights - n_out))
        # Memory holds a dense layer's transposed matrix, and that of all blocks lag by lag.
        lags = own.reshape(multiple, n_in // multiple, n_out // multiple)
        W = lags[0].T if B is None else weight(lags.permute(2, 1, 0))
        x = torch.nn.functional.linear(torch.relu(x) if layer else x, W, bias)
    assert not theta.numel()
    return x[:, : sizes[-1]]
