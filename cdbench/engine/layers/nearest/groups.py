"""The nearest block-diagonal matrices: with a shuffle, and in an orthonormal basis."""

import numpy as np

from cdbench.engine.layers.nearest.targets import Target, semidefinite_solution
from cdbench.engine.products.base import Array


def nearest_groups(target: Target, b: int, q: int, p: int) -> Array:
    """Return the weights (b, q, p) of outputs r b + k, each of the p inputs of group k only.

    An output's weights are its own. Without a moment they are the entries themselves; with one,
    these and what the other inputs foretell of it, M_kk⁻¹ M_k· times the rest of its row.
    """
    W = target.padded(b * q, b * p)
    k = np.arange(b)
    groups: Array = W.reshape(q, b, b, p)[:, k, k].swapaxes(0, 1).copy()
    if target.moment is None:
        return groups
    c = len(target.moment)
    for group in range(-(-c // p)):
        own = np.arange(group * p, min((group + 1) * p, c))
        rest = W[group::b, :c].copy()
        rest[:, own] = 0
        right = target.moment[own] @ rest.T
        groups[group, :, : len(own)] += semidefinite_solution(
            target.moment[np.ix_(own, own)], right
        ).T
    return groups


def nearest_in_basis(target: Target, T: Array, q: int, p: int) -> Array:
    """Return the weights (b, q, p) whose blocks Σ_k W[k] T_k T_kᵀ, (q, p) of them, are nearest.

    In full blocks, without a moment, W[k] is T_k · block · T_k. Blocks that are cut, and rows of
    blocks with a moment, are solved by their normal equations; among several solutions the one
    nearest to that without a moment counts.
    """
    b, (a, c) = len(T), target.W.shape
    blocks = target.padded(q * b, p * b).reshape(q, b, p, b)
    theta: Array = np.einsum("kt,qtpu,ku->kqp", T, blocks, T, optimize=True)
    heights, widths = _parts(a, b), _parts(c, b)
    if target.moment is None:
        for rows, r in heights:
            for columns, s in widths:
                if r < b or s < b:
                    A = (T[:, :r] @ T[:, :r].T) * (T[:, :s] @ T[:, :s].T)
                    right = theta[:, rows, columns]
                    solution = semidefinite_solution(A, right.reshape(b, -1))
                    theta[:, rows, columns] = solution.reshape(right.shape)
        theta[:, -(-a // b) :] = 0
        theta[:, :, -(-c // b) :] = 0
        return theta
    theta = nearest_in_basis(Target(target.W, None), T, q, p)
    for rows, r in heights:
        A, right = _normal_equations(blocks[rows, :r], target.moment, T, p)
        start = theta[:, rows].transpose(2, 0, 1).reshape(p * b, -1)
        found = start + semidefinite_solution(A, right - A @ start)
        theta[:, rows] = found.reshape(p, b, -1).transpose(1, 2, 0)
    return theta


def _parts(n: int, b: int) -> list[tuple[slice, int]]:
    """Return runs of blocks that n entries fill, each with how much of a block they fill."""
    full = n // b
    return [(slice(0, full), b)] * bool(full) + [(slice(full, full + 1), n % b)] * bool(n % b)


def _normal_equations(blocks: Array, M: Array, T: Array, p: int) -> tuple[Array, Array]:
    """Return A and the right side of A θ = … for rows of blocks (n, r, p, b), θ (p, b) of each."""
    b, c, r = len(T), len(M), blocks.shape[1]
    of_inputs = np.zeros((p * b, p * b))
    of_inputs[:c, :c] = M
    shape = (p, b, p, b)
    turned = np.einsum("kt,itju,lu->ikjl", T, of_inputs.reshape(shape), T, optimize=True)
    A = turned * (T[:, :r] @ T[:, :r].T)[:, None, :]
    weighted = (blocks.reshape(-1, p * b) @ of_inputs).reshape(-1, r, p, b)
    right = np.einsum("kt,ntju,ku->jkn", T[:, :r], weighted, T, optimize=True)
    return A.reshape(p * b, p * b), right.reshape(p * b, -1)
