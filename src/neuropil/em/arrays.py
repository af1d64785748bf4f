"""Parts of volumes as arrays on disk: decoded once, read at memory speed by the workers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.em.container import CHUNK, slabs
from neuropil.em.labels import annotated_classes
from neuropil.em.part_decoding import decode_part
from neuropil.em.volume import Volume, open_volume
from neuropil.errors import InputError
from neuropil.work.atomic import atomic_path, remove_leftovers
from neuropil.work.keys import content_key

VERSION = 3
Box = Sequence[Sequence[int]]
"""[[z0, z1], [y0, y1], [x0, x1]], voxels."""

_FACTS = "part.json"
_MOST_VALUES = 1 << 24  # grey values looked at together


@dataclass(frozen=True)
class Part:
    """One part (training, validation ...) of one volume on disk.

    Attributes:
        volume: the volume's name.
        folder: holds the arrays, see `neuropil.em.part_decoding`.
        shape: voxels, (z, y, x).
        resolution_nm: voxel size, (z, y, x).
        mean, std: of the grey values that may be known, see `prepare_part`.
        source: where the volume comes from (sample, folder, cremi3d ...).
        annotated: the classes that somebody looked for.
        instances: how many are in the table.
        inner: whether there are instances inside the others (mitochondria in neurons), in the array `objects`.
        size_bytes: of all arrays.
    """

    volume: str
    folder: Path
    shape: tuple[int, int, int]
    resolution_nm: tuple[float, float, float]
    mean: float
    std: float
    source: str = ""
    annotated: tuple[int, ...] = ()
    instances: int = 0
    inner: bool = False
    size_bytes: int = 0

    @property
    def voxels(self) -> int:
        """How many there are."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def arrays(self) -> tuple[str, ...]:
        """The names of its arrays (z, y, x)."""
        return ("raw", "ids", "classes", *(("objects",) if self.inner else ()))

    def path(self, name: str) -> Path:
        """The file of an array."""
        return self.folder / f"{name}.npy"

    def open(self, name: str) -> NDArray[Any]:
        """An array as a memory map."""
        return np.load(self.path(name), mmap_mode="r")


def prepare_part(
    record: Mapping[str, Any], volume_folder: Path, box: Box, folder: Path, *, grey_box: Box | None = None
) -> Part:
    """Decode a part of a volume into `folder`, or find it there from an earlier run.

    The volume is read tile by tile, so the memory needed does not depend on its size; the disk needed is 6 bytes a
    voxel, 10 where instances lie inside others.

    Args:
        record: of the index `volumes`.
        volume_folder: what the record's path is relative to.
        box: which voxels.
        folder: where parts are kept, one folder each.
        grey_box: the voxels whose mean and deviation normalise the part; a validation part is given those of the
            volume's training part, so that a training knows nothing of other parts. None = `box`.

    Raises:
        InputError: a label holds what is no class.
        MachineError: the disk is full.
    """
    classes, labelled = annotated_classes(record), record.get("annotated_box")
    grey_box = box if grey_box is None else grey_box
    key = content_key(record["digest"], box, grey_box, classes, labelled, VERSION)
    place = folder / f"{record['name']}-{key[:16]}"
    if not (place / _FACTS).exists():
        with open_volume(volume_folder / record["path"]) as volume, atomic_path(place, folder=True) as part:
            facts = decode_part(volume, box, part, classes=classes, labelled=labelled)
            mean, std = grey_statistics(volume, grey_box)
            facts |= {"resolution_nm": volume.resolution_nm, "mean": mean, "std": std}
            (part / _FACTS).write_text(json.dumps(facts), encoding="utf-8")
    facts = json.loads((place / _FACTS).read_text(encoding="utf-8"))
    return Part(
        volume=record["name"],
        folder=place,
        shape=tuple(facts["shape"]),
        resolution_nm=tuple(facts["resolution_nm"]),
        mean=facts["mean"],
        std=facts["std"],
        source=str(record.get("source") or ""),
        annotated=classes,
        instances=facts["instances"],
        inner=facts["inner"],
        size_bytes=sum(file.stat().st_size for file in place.iterdir()),
    )


def remove_other_parts(folder: Path, kept: Sequence[Part]) -> int:
    """Remove the decoded parts in `folder` that are not among `kept`, and what a killed run left; return how many."""
    if not folder.is_dir():
        return 0
    removed = remove_leftovers(folder)
    names = {part.folder.name for part in kept}
    for place in folder.iterdir():
        if place.name not in names and (place / _FACTS).exists():
            shutil.rmtree(place, ignore_errors=True)
            removed += 1
    return removed


def grey_statistics(volume: Volume, box: Box | None = None, sections: int = 32) -> tuple[float, float]:
    """Mean and standard deviation of the grey values, from up to `sections` sections spread over a box.

    Training and calibration take the box that they may know; inference takes the volume that it is given.

    Args:
        volume: the open volume.
        box: its voxels, [[z0, z1], [y0, y1], [x0, x1]]; nothing outside is read. None = all.
        sections: how many at most.

    Raises:
        InputError: a grey value is not finite.
    """
    (first, last), (top, bottom), (left, right) = box if box is not None else [(0, size) for size in volume.shape]
    chosen = np.unique(np.linspace(first, last - 1, min(sections, last - first)).astype(int))
    rows = max(CHUNK[1], _MOST_VALUES // (right - left) // CHUNK[1] * CHUNK[1])
    count, total, squares = 0, 0.0, 0.0
    for z in chosen:
        for part in slabs(bottom - top, rows):
            where = slice(int(z), int(z) + 1), slice(top + part.start, top + part.stop), slice(left, right)
            values = np.asarray(volume.raw[where]).astype(np.float64)
            count += values.size
            total += float(values.sum())
            squares += float(np.square(values).sum())
    mean = total / count
    if not np.isfinite(squares):
        raise InputError(f"{volume.path}: the grey values are not all finite; replace them first")
    return mean, max(max(squares / count - mean * mean, 0.0) ** 0.5, 1e-6)
