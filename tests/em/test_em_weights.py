"""Voxel weights equal the plain way of one distance transform an instance, whatever the ids and the shape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, maximum_filter, minimum_filter

from neuropil.em.weights import voxel_weights


def plain(
    ids: NDArray[np.int64], resolution_nm: tuple[float, float, float], edge: float, bone: float
) -> NDArray[np.float64]:
    """Instance by instance with scipy; the array's border is no edge."""
    weights = np.where(maximum_filter(ids, 3) != minimum_filter(ids, 3), edge, 1.0)
    weights[ids == 0] = 0
    for value in np.unique(ids[ids > 0]):
        mask = ids == value
        if mask.all():
            continue
        away = distance_transform_edt(mask, sampling=resolution_nm)
        weights[mask] *= 1 + away[mask] / away.max() * (bone - 1)
    return weights


def _blocks(rng: np.random.Generator, shape: tuple[int, ...], most: int) -> NDArray[np.int64]:
    """Random ids in blocks of random size, so that there are runs of every length."""
    coarse = rng.integers(0, most + 1, [max(1, size // int(rng.integers(1, 6))) for size in shape])
    index = np.ix_(*[np.arange(size) * old // size for size, old in zip(shape, coarse.shape, strict=True)])
    return coarse[index].astype(np.int64)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    shape=st.tuples(st.integers(1, 9), st.integers(1, 17), st.integers(1, 17)),
    resolution=st.tuples(st.floats(1, 60), st.floats(1, 20), st.floats(1, 20)),
    most=st.integers(1, 6),
)
def test_both_weights_equal_the_plain_way(
    seed: int, shape: tuple[int, int, int], resolution: tuple[float, float, float], most: int
) -> None:
    ids = _blocks(np.random.default_rng(seed), shape, most)
    found = voxel_weights(ids, resolution, weight_edge=10, weight_bone=7)
    np.testing.assert_allclose(found, plain(ids, resolution, 10, 7), rtol=1e-5)


def test_ids_may_be_of_64_bits_and_have_gaps_and_any_layout() -> None:
    ids = _blocks(np.random.default_rng(4), (5, 20, 30), 5)
    expected = voxel_weights(ids, (30, 8, 8), weight_edge=10, weight_bone=10)
    high = np.where(ids > 0, ids.astype(np.uint64) * np.uint64(2**61) + np.uint64(7), np.uint64(0))
    high = np.where(ids > 3, np.uint64(2**63 + 5) * (ids == 4) + np.uint64(2**64 - 9) * (ids == 5), high)
    assert len(np.unique(high)) == len(np.unique(ids))
    assert (voxel_weights(high, (30, 8, 8), weight_edge=10, weight_bone=10) == expected).all()
    turned = np.asfortranarray(ids)
    assert (voxel_weights(turned, (30, 8, 8), weight_edge=10, weight_bone=10) == expected).all()


def test_the_bone_lies_in_the_middle_of_a_process_in_nanometres_not_in_voxels() -> None:
    ids = np.zeros((9, 21, 40), np.int64)
    ids[1:8, 3:18] = 1  # 7 sections of 50 nm and 15 rows of 8 nm: the rows end it, though they are more voxels
    bone = voxel_weights(ids, (50, 8, 8), weight_edge=1, weight_bone=10)
    assert bone[4, 10, 20] == pytest.approx(10)
    assert bone[2, 10, 20] == pytest.approx(10)  # 100 nm from the membrane along z, but 64 nm in plane
    assert bone[4, 3, 20] == pytest.approx(1 + 9 / 8)
    assert (bone[0] == 0).all()


def test_weights_of_1_change_nothing_and_an_empty_patch_weighs_nothing() -> None:
    ids = _blocks(np.random.default_rng(1), (4, 12, 12), 3)
    assert (voxel_weights(ids, (30, 8, 8), weight_edge=1, weight_bone=1) == (ids > 0)).all()
    assert not voxel_weights(np.zeros((2, 5, 5), np.int64), (30, 8, 8), weight_edge=10, weight_bone=10).any()
    assert (voxel_weights(np.ones((2, 5, 5), np.int64), (30, 8, 8), weight_edge=10, weight_bone=10) == 1).all()
