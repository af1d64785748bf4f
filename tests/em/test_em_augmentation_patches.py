"""The changes reach the batches of the training: each when on, none when off, with labels that stay labels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import default_collate

from neuropil.em.arrays import Part, prepare_part
from neuropil.em.augmentation.parameters import CHANGES, EmAugmentationParameters
from neuropil.em.labels import CLASSES
from neuropil.em.offsets import affinity_offsets, true_affinities
from neuropil.em.parameters import EmDataParameters, EmLossParameters
from neuropil.em.patches import PatchDataset

OFF = EmAugmentationParameters(enabled=False)


@pytest.fixture(scope="module")
def part(grown: tuple[dict[str, Any], Path], tmp_path_factory: pytest.TempPathFactory) -> Part:
    record, folder = grown
    return prepare_part(record, folder, [[0, 32], [0, 64], [0, 64]], tmp_path_factory.mktemp("parts"))


def _batch(part: Part, augmentation: EmAugmentationParameters, *, sections: bool = False) -> Mapping[str, torch.Tensor]:
    data = EmDataParameters(
        slice_mode=sections, patch_size=(8, 32, 32), min_instance_voxels=1, augmentation=augmentation
    )
    offsets = affinity_offsets((30.0,), part.resolution_nm, 2 if sections else 3)
    loss = EmLossParameters()
    dataset = PatchDataset([part], offsets=offsets, data=data, loss=loss, seed=1, validation=False)
    return default_collate([dataset[index] for index in range(4)])


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_changes_a_batch_when_on_and_nothing_when_off(name: str, part: Part) -> None:
    plain = _batch(part, OFF)
    none = _batch(part, EmAugmentationParameters.only())
    assert all(torch.equal(plain[key], none[key]) for key in plain)
    change = type(getattr(OFF, name))
    options = {"size": (0.001, 0.9)} if name == "copy_paste" else {}
    batch = _batch(part, EmAugmentationParameters.only(**{name: change(probability=1, **options)}))
    assert not torch.equal(batch["raw"], plain["raw"])
    for key, value in plain.items():
        assert batch[key].shape == value.shape and batch[key].dtype == value.dtype


def test_targets_belong_to_the_changed_labels(part: Part) -> None:
    everything = {name: type(getattr(OFF, name))(probability=1) for name in CHANGES}
    batch = _batch(part, EmAugmentationParameters(**everything))
    offsets = affinity_offsets((30.0,), part.resolution_nm, 3)
    for ids, affinities, weights in zip(batch["ids"], batch["affinities"], batch["weights"], strict=True):
        assert np.array_equal(true_affinities(ids.numpy(), offsets)[0], affinities.numpy())
        present = np.unique(ids)
        assert present.max() == len(present) - (0 in present)
        assert (weights >= 0).all() and (weights > 0).any()
    assert ((batch["classes"] >= -100) & (batch["classes"] < CLASSES)).all()
    assert torch.isfinite(batch["raw"]).all()


def test_sections_are_changed_too(part: Part) -> None:
    plain = _batch(part, OFF, sections=True)
    batch = _batch(part, EmAugmentationParameters(), sections=True)
    assert batch["raw"].shape == plain["raw"].shape == (4, 1, 32, 32)
    assert not torch.equal(batch["raw"], plain["raw"])
