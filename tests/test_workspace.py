"""Workspace: what it lends, when it lends it again, and how much that is."""

import numpy as np
import pytest

from cdbench.engine.products.base import FRESH
from cdbench.engine.products.workspace import CACHE_LINE, Workspace, aligned

REQUESTS = [((2, 3), "float64"), ((2, 3), "float64"), ((4,), "float32"), ((0, 2), "bool")]


def one_pass(workspace, requests):
    workspace.restart()
    return [workspace.kept(shape, np.dtype(dtype)) for shape, dtype in requests]


@pytest.mark.parametrize("allocate", [FRESH, Workspace()], ids=["fresh", "workspace"])
def test_arrays_are_as_asked_for(allocate):
    for shape, dtype in REQUESTS:
        for array in (allocate.kept(shape, dtype), allocate.scratch(0, shape, dtype)):
            assert (array.shape, array.dtype) == (shape, dtype)
            assert array.flags.c_contiguous
            assert array.flags.writeable


def test_arrays_of_one_pass_are_different_and_those_of_the_next_pass_the_same():
    workspace = Workspace()
    first, second = (one_pass(workspace, REQUESTS) for _ in range(2))
    assert len({id(array) for array in first}) == len(REQUESTS)
    assert not np.shares_memory(first[0], first[1])
    assert all(a is b for a, b in zip(first, second, strict=True))


def test_a_smaller_pass_uses_the_same_memory_and_a_larger_one_new_memory():
    workspace = Workspace()
    (large,) = one_pass(workspace, [((100,), "float64")])
    (small,) = one_pass(workspace, [((5, 7), "float32")])
    assert np.shares_memory(small, large)
    assert workspace.n_bytes == large.nbytes
    assert one_pass(workspace, [((100,), "float64")])[0] is large
    (larger,) = one_pass(workspace, [((101,), "float64")])
    assert not np.shares_memory(larger, large)
    assert workspace.n_bytes == larger.nbytes
    (again,) = one_pass(workspace, [((100,), "float64")])
    assert np.shares_memory(again, larger)


def test_two_sizes_in_turns_get_each_its_own_arrays_again():
    workspace = Workspace()
    requests = REQUESTS, [((shape[0] // 2, *shape[1:]), dtype) for shape, dtype in REQUESTS]
    full, short = (one_pass(workspace, each) for each in requests)
    n_bytes = workspace.n_bytes
    for _ in range(2):
        for each, expected in zip(requests, (full, short), strict=True):
            again = one_pass(workspace, each)
            assert all(a is b for a, b in zip(again, expected, strict=True))
    assert workspace.n_bytes == n_bytes == sum(array.nbytes for array in full)


@pytest.mark.parametrize("other", [((3, 2), "float64"), ((2, 3), "float32")])
def test_shape_and_dtype_both_count(other):
    workspace = Workspace()
    (first,) = one_pass(workspace, REQUESTS[:1])
    (second,) = one_pass(workspace, [other])
    assert second is not first
    assert (second.shape, second.dtype) == other


def test_a_slot_is_one_piece_of_memory_which_no_other_slot_or_kept_array_shares():
    workspace = Workspace()
    array = workspace.scratch(0, (2, 3), "float64")
    assert workspace.scratch(0, (2, 3), "float64") is array
    workspace.restart()
    assert workspace.scratch(0, (2, 3), "float64") is array
    assert np.shares_memory(workspace.scratch(0, (3,), "float32"), array)
    others = [workspace.scratch(1, (2, 3), "float64"), workspace.kept((2, 3), "float64")]
    assert not any(np.shares_memory(array, other) for other in others)


def test_fresh_arrays_are_all_different():
    arrays = [FRESH.kept((3,), "float64") for _ in range(2)]
    arrays += [FRESH.scratch(0, (3,), "float64") for _ in range(2)]
    assert len({id(array) for array in arrays}) == 4


def test_memory_is_that_of_all_arrays_lent_and_does_not_grow_with_passes():
    workspace = Workspace()
    assert workspace.n_bytes == 0
    for _ in range(3):
        one_pass(workspace, REQUESTS)
        workspace.scratch(0, (7,), "float64")
        assert workspace.n_bytes == 48 + 48 + 16 + 0 + 56


@pytest.mark.parametrize("dtype", ["bool", "float32", "float64", "complex128", "int64"])
@pytest.mark.parametrize("n", [1, 7, 1000])
def test_aligned_zeros_begin_with_a_cache_line(n, dtype):
    for _ in range(20):  # NumPy's own begin with one now and then
        zeros = aligned(n, dtype)
        assert (zeros.shape, zeros.dtype) == ((n,), dtype)
        assert not zeros.any()
        assert zeros.ctypes.data % CACHE_LINE == 0 == CACHE_LINE % zeros.itemsize
        assert zeros.flags.writeable
        assert zeros.flags.c_contiguous


def test_arrays_of_a_workspace_begin_with_a_cache_line():
    workspace = Workspace()
    for n in range(1, 30):
        workspace.restart()
        lent = [workspace.kept((n, 3), "float32"), workspace.kept((5, n), "float64")]
        lent.append(workspace.scratch(0, (n,), "bool"))
        assert all(array.ctypes.data % CACHE_LINE == 0 for array in lent)
