"""Offsets, targets, weights, patches and augmentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neuropil.em.arrays import Part, prepare_part
from neuropil.em.augmentation import shaded, symmetric
from neuropil.em.offsets import affinity_offsets, true_affinities
from neuropil.em.parameters import EmAugmentationParameters, EmDataParameters, EmLossParameters
from neuropil.em.patches import PatchDataset, components, eroded
from neuropil.em.weights import voxel_weights

OFF = EmAugmentationParameters(symmetries=False, intensity=0, section_contrast=0, noise=0, missing_section=0)


@pytest.fixture
def part(grown: tuple[dict[str, Any], Path], tmp_path: Path) -> Part:
    record, folder = grown
    return prepare_part(record, folder, [[0, 20], [0, 64], [0, 64]], tmp_path, ignore_index=-100)


def _dataset(part: Part, **options: Any) -> PatchDataset:
    data = EmDataParameters(**{"slice_mode": False, "patch_size": (8, 32, 32), "samples_per_epoch": 5, **options})
    offsets = affinity_offsets((30.0, 60.0), part.resolution_nm, 2 if data.slice_mode else 3)
    return PatchDataset([part], offsets=offsets, data=data, loss=EmLossParameters(), seed=1, validation=False)


def test_offsets_hold_the_neighbours_and_follow_the_voxel_size() -> None:
    offsets = affinity_offsets((30.0, 120.0), (30.0, 8.0, 8.0), 3)
    assert offsets[:3] == [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    assert set(offsets[3:]) == {(0, 4, 0), (0, 0, 4), (4, 0, 0), (0, 15, 0), (0, 0, 15)}
    assert all(z == 0 for z, _, _ in affinity_offsets((30.0,), (30.0, 8.0, 8.0), 2))


def test_affinities_say_whether_both_voxels_of_a_pair_carry_one_id() -> None:
    ids = np.array([[[1, 1, 2, 2, 0, 0]]])
    affinities, known = true_affinities(ids, [(0, 0, 1), (0, 0, 9)])
    assert affinities[0, 0, 0].tolist() == [1, 0, 1, 0, 0, 0]
    assert known[0, 0, 0].tolist() == [1, 1, 1, 1, 0, 0]
    assert not known[1].any()


def test_a_patch_is_a_function_of_seed_epoch_and_index(part: Part) -> None:
    first, second = _dataset(part), _dataset(part)
    for name, value in first[3].items():
        assert torch.equal(value, second[3][name])
    second.set_epoch(1)
    assert not torch.equal(first[3]["raw"], second[3]["raw"])


def test_instances_of_a_patch_are_connected_and_numbered_from_1(part: Part) -> None:
    import cc3d

    ids = _dataset(part)[0]["ids"].numpy()
    present = np.unique(ids)
    assert present.max() == len(present) - (0 in present)
    for value in present[present > 0]:
        assert cc3d.connected_components(ids == value, connectivity=6).max() == 1


def test_small_pieces_become_unknown() -> None:
    ids = np.ones((1, 4, 8), np.int64)
    ids[0, :, 4] = 2
    ids[0, 0, 5:] = 3
    found = components(ids, smallest=4)
    assert (found[0, 0, 5:] == 0).all() and len(np.unique(found)) == 4


def test_slice_mode_gives_sections(part: Part) -> None:
    item = _dataset(part, slice_mode=True)[0]
    assert item["raw"].shape == (1, 32, 32) and item["ids"].shape == (32, 32)
    assert item["affinities"].ndim == 3


def test_a_part_thinner_than_the_patch_is_mirrored_and_unknown_there(part: Part) -> None:
    item = _dataset(part, patch_size=(24, 32, 32), augmentation=OFF)[0]
    assert item["raw"].shape == (1, 24, 32, 32)
    assert (item["ids"][20:] == 0).all() and (item["classes"][20:] == -100).all()


def test_eroding_makes_a_boundary_class_in_plane() -> None:
    ids = np.repeat([[[1, 1, 1, 2, 2, 2]]], 3, axis=1)
    classes = eroded(np.ones_like(ids), ids, 1)
    assert classes[0, 1].tolist() == [1, 1, 0, 0, 1, 1]


def test_edge_and_bone_weights_are_largest_at_edges_and_on_the_axis() -> None:
    ids = np.ones((1, 21, 40), np.int64)
    ids[:, :, 20:] = 2
    edge = voxel_weights(ids, (30, 8, 8), weight_edge=10, weight_bone=1)
    assert (edge[:, :, 19:21] == 10).all() and (edge[:, :, :18] == 1).all()
    bone = voxel_weights(ids, (30, 8, 8), weight_edge=1, weight_bone=10)
    assert bone[0, 10, 0] == pytest.approx(10) and bone[0, 10, 19] < 2


def test_symmetries_move_all_arrays_alike_and_leave_unequal_axes_alone() -> None:
    image = np.arange(4 * 6 * 6).reshape(4, 6, 6)
    shapes = set()
    for seed in range(20):
        moved = symmetric({"a": image, "b": image * 2}, (30, 8, 8), np.random.default_rng(seed))
        assert (moved["b"] == 2 * moved["a"]).all() and moved["a"].shape == (4, 6, 6)
        assert sorted(moved["a"].ravel()) == sorted(image.ravel())
        shapes.add(moved["a"].tobytes())
    assert len(shapes) > 8


@pytest.mark.parametrize("name", ["intensity", "section_contrast", "noise", "missing_section"])
def test_each_change_of_grey_happens_when_on_and_not_when_off(name: str) -> None:
    raw = np.random.default_rng(0).normal(size=(10, 8, 8)).astype(np.float32)
    off = OFF.model_dump()
    assert (shaded(raw, OFF, np.random.default_rng(1)) == raw).all()
    on = shaded(raw, EmAugmentationParameters(**{**off, name: 1.0}), np.random.default_rng(1))
    assert on.dtype == np.float32 and not np.allclose(on, raw)
