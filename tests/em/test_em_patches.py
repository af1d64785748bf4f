"""Patches: deterministic, connected instances, unknown where nobody looked; offsets and weights."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import cc3d
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from neuropil.em.arrays import Part, prepare_part
from neuropil.em.augmentation.parameters import CopyPaste, EmAugmentationParameters
from neuropil.em.labels import CLEFT, MITOCHONDRION, NEURON, UNKNOWN
from neuropil.em.offsets import affinity_offsets, true_affinities
from neuropil.em.parameters import EmDataParameters, EmLossParameters
from neuropil.em.patches import PatchDataset, components, eroded, renumbered
from neuropil.em.weights import voxel_weights

OFF = EmAugmentationParameters(enabled=False)


@pytest.fixture(scope="module")
def part(grown: tuple[dict[str, Any], Path], tmp_path_factory: pytest.TempPathFactory) -> Part:
    record, folder = grown
    return prepare_part(record, folder, [[0, 20], [0, 64], [0, 64]], tmp_path_factory.mktemp("parts"))


def _dataset(
    *parts: Part, validation: bool = False, spacing_nm: Any = None, loss: Any = None, **options: Any
) -> PatchDataset:
    data = EmDataParameters(**{"slice_mode": False, "patch_size": (8, 32, 32), "samples_per_epoch": 5, **options})
    offsets = affinity_offsets((30.0, 60.0), spacing_nm or parts[0].resolution_nm, 2 if data.slice_mode else 3)
    return PatchDataset(
        parts,
        offsets=offsets,
        data=data,
        loss=loss or EmLossParameters(),
        seed=1,
        validation=validation,
        spacing_nm=spacing_nm,
    )


def _same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


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


def test_a_pair_that_reaches_where_nobody_looked_is_not_known() -> None:
    ids = np.array([[[1, 1, 2, 2, 0, 0]]])
    _, known = true_affinities(ids, [(0, 0, 1)], unknown=np.array([[[0, 0, 0, 0, 1, 1]]], bool))
    assert known[0, 0, 0].tolist() == [1, 1, 1, 0, 0, 0]


@pytest.mark.parametrize("options", [{}, {"slice_mode": True}, {"sampling": {"classes": 1, "instances": 1}}])
def test_a_patch_is_a_function_of_seed_epoch_and_index(part: Part, options: dict[str, Any]) -> None:
    first, second = _dataset(part, **options), _dataset(part, **options)
    first[0]  # an item does not depend on those before it
    assert _same(first[3], second[3])
    second.set_epoch(1)
    assert not torch.equal(first[3]["raw"], second[3]["raw"])


def test_workers_give_the_same_patches_as_this_process(part: Part) -> None:
    dataset = _dataset(part, cache_rate=1.0, samples_per_epoch=3)
    dataset.set_epoch(2)
    for position, item in enumerate(DataLoader(dataset, batch_size=None, num_workers=2)):
        assert _same(item, dataset[position])
    assert _same(pickle.loads(pickle.dumps(dataset))[1], dataset[1])


def test_validation_patches_are_the_same_in_every_epoch_and_not_augmented(part: Part) -> None:
    dataset = _dataset(part, validation=True, validation_samples=2)
    before = dataset[1]
    dataset.set_epoch(7)
    assert len(dataset) == 2 and _same(before, dataset[1])
    assert _same(before, _dataset(part, validation=True, augmentation=OFF)[1])


def test_instances_of_a_patch_are_connected_and_numbered_from_1(part: Part) -> None:
    item = _dataset(part)[0]
    for name in ("ids", "objects"):
        ids = item[name].numpy()
        present = np.unique(ids)
        assert present.max() == len(present) - (0 in present)
        for value in present[present > 0]:
            assert cc3d.connected_components(ids == value, connectivity=6).max() == 1


def test_objects_are_of_one_class_and_lie_inside_the_instances_they_override(part: Part) -> None:
    dataset = _dataset(part, min_instance_voxels=1, sampling={"uniform": 0, "classes": 1}, samples_per_epoch=20)
    seen: set[int] = set()
    for index in range(20):
        item = {name: tensor.numpy() for name, tensor in dataset[index].items()}
        objects, kinds = item["objects"], item["class_ids"]
        assert ((objects > 0) == (kinds > 0)).all()
        for value in np.unique(objects[objects > 0]):
            kind = np.unique(kinds[objects == value])
            assert len(kind) == 1
            seen.add(int(kind[0]))
        organelle = np.isin(kinds, (MITOCHONDRION, CLEFT))
        assert (kinds[organelle] == item["classes"][organelle]).all()
        neuron = kinds == NEURON
        assert (item["ids"][neuron] > 0).all()
    assert seen == {NEURON, MITOCHONDRION}


def test_small_pieces_become_unknown() -> None:
    ids = np.ones((1, 4, 8), np.int64)
    ids[0, :, 4] = 2
    ids[0, 0, 5:] = 3
    found = components(ids, smallest=4)
    assert (found[0, 0, 5:] == 0).all() and len(np.unique(found)) == 4


def test_an_instance_that_leaves_the_patch_and_comes_back_is_two_or_one_as_is_asked(part: Part) -> None:
    ids = np.zeros((2, 4, 9), np.int64)
    ids[:, :, :3] = ids[:, :, 6:] = 7
    ids[:, :, 4] = 40
    assert components(ids, smallest=9).max() == 2  # both pieces of 7; 40 is smaller
    whole = renumbered(ids, smallest=8)
    assert (whole[ids == 7] == whole[0, 0, 0]).all() and sorted(np.unique(whole)) == [0, 1, 2]
    assert (renumbered(ids, smallest=9) == (ids == 7)).all()
    apart, joined = _dataset(part, augmentation=OFF), _dataset(part, augmentation=OFF, relabel_components=False)
    pieces = [int(item["ids"].max()) for item in (apart[0], joined[0])]
    assert pieces[0] >= pieces[1] > 0


def test_slice_mode_gives_sections(part: Part) -> None:
    item = _dataset(part, slice_mode=True)[0]
    assert item["raw"].shape == (1, 32, 32) and item["ids"].shape == item["objects"].shape == (32, 32)
    assert item["affinities"].ndim == 3 and item["annotated"].shape == (16,)


def test_a_part_thinner_than_the_patch_is_mirrored_and_unknown_there(part: Part) -> None:
    loss = EmLossParameters(ignore_index=-7)
    item = _dataset(part, patch_size=(24, 32, 32), augmentation=OFF, loss=loss)[0]
    assert item["raw"].shape == (1, 24, 32, 32)
    assert torch.equal(item["raw"][0, 20:], item["raw"][0, 16:20].flip(0))
    assert (item["ids"][20:] == 0).all() and (item["classes"][20:] == -7).all()
    assert not item["known"][:, 20:].any() and item["known"][0, :19].any()
    assert not item["known"][0, 19].any(), "a pair into the mirror image is not known to be apart"


def test_a_pasted_instance_keeps_the_class_of_its_object(part: Part) -> None:
    always = EmAugmentationParameters.only(copy_paste=CopyPaste(probability=1.0, size=(0.0, 0.9)))
    plain, changed = _dataset(part, augmentation=OFF), _dataset(part, augmentation=always, min_instance_voxels=1)
    item = changed[2]
    assert not torch.equal(item["raw"], plain[2]["raw"])
    organelle = item["class_ids"] > NEURON
    assert torch.equal(item["class_ids"][organelle], item["classes"][organelle])


def test_a_part_of_another_voxel_size_is_resampled_to_the_networks(part: Part) -> None:
    dataset = _dataset(part, spacing_nm=(30.0, 16.0, 16.0), augmentation=OFF, patch_size=(8, 32, 32))
    item = dataset[0]
    assert item["raw"].shape == (1, 8, 32, 32)
    whole = _dataset(part, augmentation=OFF, patch_size=(8, 64, 64))[0]
    coarse = whole["raw"][0].reshape(8, 32, 2, 32, 2).mean((2, 4))
    assert torch.allclose(coarse, item["raw"][0], atol=1e-5), "64 voxels of 8 nm are 32 of 16 nm, by their means"
    near = _dataset(part, spacing_nm=(30.0, 9.5, 9.5), augmentation=OFF)
    assert torch.equal(near[0]["raw"], _dataset(part, augmentation=OFF)[0]["raw"]), "within 1.25 nothing is changed"


def test_eroding_makes_a_boundary_class_in_plane() -> None:
    ids = np.repeat([[[1, 1, 1, 2, 2, 2]]], 3, axis=1)
    classes = eroded(np.ones_like(ids), ids, 1)
    assert classes[0, 1].tolist() == [1, 1, 0, 0, 1, 1]


def test_eroding_makes_no_boundary_to_where_nobody_looked() -> None:
    ids = np.repeat([[[1, 1, 1, 0, 0, 0]]], 3, axis=1)
    classes = np.where(ids > 0, 1, UNKNOWN)
    assert (eroded(classes, ids, 1) == classes).all()


def test_edge_and_bone_weights_are_largest_at_edges_and_on_the_axis() -> None:
    ids = np.ones((1, 21, 40), np.int64)
    ids[:, :, 20:] = 2
    edge = voxel_weights(ids, (30, 8, 8), weight_edge=10, weight_bone=1)
    assert (edge[:, :, 19:21] == 10).all() and (edge[:, :, :18] == 1).all()
    bone = voxel_weights(ids, (30, 8, 8), weight_edge=1, weight_bone=10)
    assert bone[0, 10, 0] == pytest.approx(10) and bone[0, 10, 19] < 2
