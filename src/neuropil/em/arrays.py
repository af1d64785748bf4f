"""Parts of volumes as memory maps: decoded once, read at memory speed by the workers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.em.container import slabs
from neuropil.em.labels import class_map, instance_name
from neuropil.em.volume import Volume, open_volume
from neuropil.work.atomic import atomic_path
from neuropil.work.keys import content_key

VERSION = 1
Box = Sequence[Sequence[int]]
"""[[z0, z1], [y0, y1], [x0, x1]], voxels."""


@dataclass(frozen=True)
class Part:
    """One part (training, validation ...) of one volume on disk.

    Attributes:
        volume: the volume's name.
        folder: holds raw.npy (uint8), ids.npy (int64, the instances) and classes.npy (int16), each (z, y, x).
        shape: voxels, (z, y, x).
        resolution_nm: voxel size, (z, y, x).
        mean, std: of the grey values of the whole volume.
    """

    volume: str
    folder: Path
    shape: tuple[int, int, int]
    resolution_nm: tuple[float, float, float]
    mean: float
    std: float

    def open(self, name: str) -> NDArray[Any]:
        """The array `raw`, `ids` or `classes` as a memory map."""
        return np.load(self.folder / f"{name}.npy", mmap_mode="r")


def prepare_part(record: Mapping[str, Any], volume_folder: Path, box: Box, folder: Path, *, ignore_index: int) -> Part:
    """Decode a part of a volume into `folder`, or find it there from an earlier run.

    Args:
        record: of the index `volumes`.
        volume_folder: what the record's path is relative to.
        box: which voxels.
        folder: where parts are kept, one folder each.
        ignore_index: the class of voxels about which nothing is known.
    """
    key = content_key(record["digest"], box, ignore_index, VERSION)
    place = folder / f"{record['name']}-{key[:16]}"
    if not (place / "part.json").exists():
        with open_volume(volume_folder / record["path"]) as volume, atomic_path(place, folder=True) as part:
            _decode(volume, box, part, ignore_index)
    facts = json.loads((place / "part.json").read_text(encoding="utf-8"))
    shape, resolution = tuple(facts["shape"]), tuple(facts["resolution_nm"])
    return Part(record["name"], place, shape, resolution, facts["mean"], facts["std"])


def _decode(volume: Volume, box: Box, folder: Path, ignore_index: int) -> None:
    (z0, z1), *plane = box
    shape = (z1 - z0, *(stop - start for start, stop in plane))
    types = {"raw": "u1", "ids": "i8", "classes": "i2"}
    arrays = {
        name: np.lib.format.open_memmap(folder / f"{name}.npy", mode="w+", dtype=kind, shape=shape)
        for name, kind in types.items()
    }
    instances = instance_name(volume.labels)
    for part in slabs(shape[0]):
        where = (slice(z0 + part.start, z0 + part.stop), *(slice(start, stop) for start, stop in plane))
        labels = {name: dataset[where] for name, dataset in volume.labels.items()}
        arrays["raw"][part] = volume.raw[where]
        arrays["ids"][part] = labels[instances].astype(np.int64) if instances else 0
        arrays["classes"][part] = class_map(labels, ignore_index=ignore_index)
    for array in arrays.values():
        array.flush()
    mean, std = grey_statistics(volume)
    facts = {"shape": shape, "resolution_nm": volume.resolution_nm, "mean": mean, "std": std}
    (folder / "part.json").write_text(json.dumps(facts), encoding="utf-8")


def grey_statistics(volume: Volume, sections: int = 32) -> tuple[float, float]:
    """Mean and standard deviation of the grey values, from up to `sections` sections spread over the volume.

    A training patch and an inference window of one volume are normalised by the same two numbers.
    """
    chosen = np.unique(np.linspace(0, volume.shape[0] - 1, min(sections, volume.shape[0])).astype(int))
    values = np.stack([volume.raw[int(z)] for z in chosen]).astype(np.float64)
    return float(values.mean()), float(max(values.std(), 1e-6))
