"""The sample volume is a function of its seed, and its labels agree with each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cc3d
import h5py
import numpy as np

from neuropil.em.labels import CLEFT, MITOCHONDRION
from neuropil.em.synthesis import grow_volume
from neuropil.em.synthesis_parameters import SampleVolumeParameters

SMALL = SampleVolumeParameters(shape=(24, 64, 64), misalignment_nm=0)


def test_equal_seeds_give_equal_bytes_and_others_do_not(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        grow_volume(tmp_path / f"{name}.h5", SMALL, seed)
    a, b, c = ((tmp_path / f"{name}.h5").read_bytes() for name in "abc")
    assert a == b != c


def test_every_neurite_is_one_piece_and_every_voxel_has_one(tmp_path: Path) -> None:
    grow_volume(tmp_path / "a.h5", SMALL, 3)
    with h5py.File(tmp_path / "a.h5") as file:
        neurons = file["volumes/labels/neuron_ids"][:]
    assert neurons.min() > 0
    assert cc3d.connected_components(neurons.astype(np.uint32), connectivity=6).max() == len(np.unique(neurons))


def test_classes_agree_with_ids_and_dark_membranes_lie_between_neurites(grown: tuple[dict[str, Any], Path]) -> None:
    with h5py.File(grown[1] / grown[0]["path"]) as file:
        raw, labels = file["volumes/raw"][:], {name: data[:] for name, data in file["volumes/labels"].items()}
    assert ((labels["classes"] == MITOCHONDRION) == (labels["mitochondria"] > 0)).all()
    assert ((labels["classes"] == CLEFT) <= (labels["clefts"] > 0)).all()
    edge = labels["neuron_ids"][:, :, 1:] != labels["neuron_ids"][:, :, :-1]
    assert raw[:, :, 1:][edge].mean() < raw[:, :, 1:][~edge].mean() - 25
