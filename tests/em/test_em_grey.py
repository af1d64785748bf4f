"""Grey values are normalised by what may be known: of a training, the training part alone."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neuropil.em.arrays import Part, grey_statistics, prepare_part
from neuropil.em.volume import open_volume

BOX = [[3, 20], [5, 40], [10, 60]]
OTHER = [[22, 30], [0, 64], [0, 64]]


def test_the_statistics_are_those_of_the_box(grown: tuple[dict[str, Any], Path]) -> None:
    with open_volume(grown[1] / grown[0]["path"]) as volume:
        values = np.asarray(volume.raw[3:20, 5:40, 10:60]).astype(float)
        assert grey_statistics(volume, BOX) == pytest.approx((values.mean(), values.std()))
        everything = np.asarray(volume.raw[:]).astype(float)
        assert grey_statistics(volume) == pytest.approx((everything.mean(), everything.std()))
        few = grey_statistics(volume, BOX, sections=2)
        assert few == pytest.approx((values[[0, -1]].mean(), values[[0, -1]].std()))


def test_parts_are_normalised_by_the_box_that_may_be_known_and_nothing_else_changes_them(
    grown: tuple[dict[str, Any], Path], tmp_path: Path
) -> None:
    record, folder = grown
    poisoned = tmp_path / "poisoned"
    poisoned.mkdir()
    shutil.copy(folder / record["path"], poisoned)
    with h5py.File(poisoned / record["path"], "a") as file:
        raw = file["volumes/raw"]
        outside = np.ones(raw.shape, bool)
        for box in (BOX, OTHER):
            outside[tuple(slice(*span) for span in box)] = False
        raw[...] = np.where(outside, np.random.default_rng(0).integers(0, 256, raw.shape), raw[...])

    def numbers(part: Part) -> tuple[float, float, bytes]:
        return part.mean, part.std, part.path("raw").read_bytes()

    clean, other = (
        [
            prepare_part(record, place, BOX, tmp_path / name),
            prepare_part(record, place, OTHER, tmp_path / name, grey_box=BOX),
            prepare_part(record, place, OTHER, tmp_path / name),
        ]
        for place, name in ((folder, "a"), (poisoned, "b"))
    )
    assert [numbers(part) for part in clean] == [numbers(part) for part in other]
    train, validation, alone = clean
    assert (train.mean, train.std) == (validation.mean, validation.std)
    assert (alone.mean, alone.std) != (validation.mean, validation.std) and alone.folder != validation.folder
