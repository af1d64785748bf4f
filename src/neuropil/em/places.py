"""Voxels drawn at random from each class and each instance of a part, in one pass over it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.compiled import compiled
from neuropil.em.labels import CLASSES

PER_CLASS = 1 << 13
PER_INSTANCE = 32
CLASS_VOXELS, CLASS_PLACES, INSTANCE_PLACES = "class_voxels.npy", "class_places.npy", "instance_places.npy"

_SEED = 88172645463325252


class Places:
    """Uniform random voxels of every class and instance, kept while tiles of a part go by.

    Vitter's reservoir sampling (1985, algorithm R): whatever the size of a class or instance, each of its voxels is
    kept with equal probability, in memory that does not depend on the part's size.

    Args:
        shape: of the part, (z, y, x).
    """

    def __init__(self, shape: Sequence[int]) -> None:
        self._height, self._width = int(shape[1]), int(shape[2])
        self._state = np.array([_SEED], np.uint64)
        self._class_voxels = np.zeros(CLASSES, np.int64)
        self._class_places = np.zeros((CLASSES, PER_CLASS), np.int64)
        self._voxels = np.zeros(64, np.int64)
        self._places = np.zeros((64, PER_INSTANCE), np.int64)

    def add(self, tile: Sequence[slice], classes: NDArray[np.int8], instances: NDArray[np.int32]) -> None:
        """Take in the codes and the instances (rows 1, 2, ... of the table; 0 none) of a tile."""
        self._grow(int(instances.max(initial=0)))
        z, y, _ = (part.start for part in tile)
        size = (int(z), int(y), self._height, self._width)
        _keep(classes, 0, *size, self._class_voxels, self._class_places, self._state)
        _keep(instances, 1, *size, self._voxels, self._places, self._state)

    @property
    def instance_voxels(self) -> NDArray[np.int64]:
        """Voxels of row 1, 2, ..."""
        return self._voxels

    def save(self, folder: Path, instances: int) -> None:
        """Write how many voxels each class has, and the places: flat indices into the part, (class or row - 1, place).

        Of a class or an instance of n voxels the first n places count, where there are more.
        """
        room = max(1, min(PER_CLASS, int(self._class_voxels.max())))
        np.save(folder / CLASS_VOXELS, self._class_voxels)
        np.save(folder / CLASS_PLACES, self._class_places[:, :room])
        self._grow(instances)
        np.save(folder / INSTANCE_PLACES, self._places[:instances])

    def _grow(self, most: int) -> None:
        if most > len(self._voxels):
            more = max(most, 2 * len(self._voxels)) - len(self._voxels)
            self._voxels = np.concatenate([self._voxels, np.zeros(more, np.int64)])
            self._places = np.concatenate([self._places, np.zeros((more, PER_INSTANCE), np.int64)])


@compiled
def _keep(
    values: Any, lowest: int, z0: int, y0: int, height: int, width: int, counts: Any, kept: Any, state: Any
) -> None:
    """Algorithm R for all values at once; x begins at 0. Random numbers are Marsaglia's xorshift64."""
    room = kept.shape[1]
    bits = state[0]
    for z in range(values.shape[0]):
        for y in range(values.shape[1]):
            row = ((z0 + z) * height + y0 + y) * width
            for x in range(values.shape[2]):
                which = values[z, y, x] - lowest
                if which < 0:
                    continue
                counts[which] += 1
                slot = counts[which] - 1
                if slot >= room:
                    bits ^= bits << np.uint64(13)
                    bits ^= bits >> np.uint64(7)
                    bits ^= bits << np.uint64(17)
                    slot = np.int64(bits % np.uint64(counts[which]))
                if slot < room:
                    kept[which, slot] = row + x
    state[0] = bits
