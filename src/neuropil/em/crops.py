"""Crops of parts at the network's voxel size, wider than the part where they have to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.em.arrays import Part
from neuropil.em.labels import UNKNOWN
from neuropil.em.part_reader import PartReader
from neuropil.em.resampling import needs_resampling, resampled_grey, resampled_labels, source_size

_FILL = {"ids": 0, "objects": 0, "classes": UNKNOWN}


class Crops:
    """Boxes of parts as float32 grey values and integer labels.

    Args:
        parts: what is read.
        spacing_nm: voxel size of the crops, (z, y, x); a part whose own differs by more than
            `resampling.TOLERANCE` on an axis is resampled, the others are as they are. None: all as they are.
        spatial_dims: 2 for crops of one section, which are resampled in plane only.
        cache_rate: share of the arrays held in memory.
    """

    def __init__(
        self, parts: Sequence[Part], spacing_nm: Sequence[float] | None, spatial_dims: int, cache_rate: float
    ) -> None:
        self._parts = list(parts)
        self._reader = PartReader(parts, cache_rate)
        self._spacings = [_spacing(part, spacing_nm, spatial_dims) for part in parts]
        self._classes: dict[int, NDArray[np.int16]] = {}

    def load(self) -> None:
        """Read into memory what is to be held there."""
        self._reader.load()

    def resolution_nm(self, position: int) -> tuple[float, float, float]:
        """The voxel size of a part's crops, (z, y, x)."""
        return self._spacings[position]

    def source_size(self, position: int, size: Sequence[int]) -> tuple[int, ...]:
        """How many voxels of the part a crop of `size` takes up, at most the whole part."""
        part = self._parts[position]
        wanted = source_size(size, part.resolution_nm, self._spacings[position])
        return tuple(min(length, whole) for length, whole in zip(wanted, part.shape, strict=True))

    def read(
        self, position: int, start: Sequence[int], size: Sequence[int], beyond: Sequence[int] = (0, 0, 0)
    ) -> dict[str, NDArray[Any]]:
        """A crop; what it needs outside the part is mirrored grey and unknown labels.

        Args:
            position: of the part.
            start: first voxel in the part (z, y, x), on the part's own grid.
            size: voxels of the crop without its margin, (z, y, x).
            beyond: the margin: voxels before and after, (z, y, x).

        Returns:
            `raw` float32, `ids` and `objects` int32 (rows of the part's table; one array where no instance lies in
            another), `classes` int8, each of `size` + 2 `beyond`.
        """
        part, spacing = self._parts[position], self._spacings[position]
        full = tuple(length + 2 * more for length, more in zip(size, beyond, strict=True))
        wanted = source_size(full, part.resolution_nm, spacing)
        inner = source_size(size, part.resolution_nm, spacing)
        first = [at - (whole - length) // 2 for at, whole, length in zip(start, wanted, inner, strict=True)]
        crop: dict[str, NDArray[Any]] = {}
        for name in part.arrays:
            array = self._box(position, name, first, wanted)
            crop[name] = resampled_labels(array, full) if name != "raw" else resampled_grey(array, full)
        crop.setdefault("objects", crop["ids"])
        return crop

    def classes_of(self, position: int) -> NDArray[np.int16]:
        """The class of each row of a part's table; of row 0, no instance, 0."""
        if position not in self._classes:
            table = np.load(self._parts[position].folder / "instances.npy")
            self._classes[position] = np.concatenate([np.zeros(1, np.int16), table["class"]])
        return self._classes[position]

    def _box(self, position: int, name: str, first: Sequence[int], size: Sequence[int]) -> NDArray[Any]:
        shape = self._parts[position].shape
        low = [min(max(at, 0), whole - 1) for at, whole in zip(first, shape, strict=True)]
        high = [max(min(at + length, whole), 1) for at, length, whole in zip(first, size, shape, strict=True)]
        array = self._reader.read(position, name, tuple(slice(a, b) for a, b in zip(low, high, strict=True)))
        before = [a - at for a, at in zip(low, first, strict=True)]
        after = [at + length - b for at, length, b in zip(first, size, high, strict=True)]
        if not any(before) and not any(after):
            return array
        widths = list(zip(before, after, strict=True))
        if name == "raw":
            return np.pad(array, widths, mode="symmetric")
        return np.pad(array, widths, constant_values=_FILL[name])


def _spacing(part: Part, spacing_nm: Sequence[float] | None, spatial_dims: int) -> tuple[float, float, float]:
    if spacing_nm is None or not needs_resampling(part.resolution_nm, spacing_nm, spatial_dims):
        return part.resolution_nm
    z, y, x = (float(length) for length in spacing_nm)
    return (part.resolution_nm[0] if spatial_dims == 2 else z), y, x
