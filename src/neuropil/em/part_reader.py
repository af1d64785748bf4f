"""Boxes out of the arrays of parts: from memory where they are held there, else through memory maps."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.em.arrays import Part
from neuropil.errors import InputError

_RESIDENT = 256 << 20
"""Bytes of maps that a process keeps resident before it lets them go; the page cache still has them."""
_AROUND = 1 << 16  # what the kernel maps around a page that is touched


@dataclass
class _Map:
    """A memory map and the array in it."""

    memory: mmap.mmap
    array: NDArray[Any]


class PartReader:
    """Reads boxes of parts, with bounded memory whatever the size of the parts.

    Args:
        parts: what is read.
        cache_rate: share of the bytes of all parts that `load` reads into memory, as whole arrays, in their order.
    """

    def __init__(self, parts: Sequence[Part], cache_rate: float = 0.0) -> None:
        self._parts, self._rate = list(parts), cache_rate
        self._held: dict[tuple[int, str], NDArray[Any]] = {}
        self._maps: dict[tuple[int, str], _Map] = {}
        self._touched = 0

    def load(self) -> None:
        """Read into memory what is to be held there; worker processes that are forked afterwards share it.

        Raises:
            InputError: it does not fit.
        """
        if self._held or not self._rate:
            return
        files = [(position, name) for position, part in enumerate(self._parts) for name in part.arrays]
        sizes = [self._parts[position].path(name).stat().st_size for position, name in files]
        room = self._rate * sum(sizes)
        chosen = [key for key, after in zip(files, np.cumsum(sizes), strict=True) if after <= room + 0.5]
        _check_memory(sum(sizes[: len(chosen)]), self._rate)
        for position, name in chosen:
            self._held[position, name] = np.load(self._parts[position].path(name))

    def read(self, position: int, name: str, box: tuple[slice, ...]) -> NDArray[Any]:
        """A copy of a box of an array of a part."""
        held = self._held.get((position, name))
        if held is not None:
            return held[box].copy()
        view = self._map(position, name)[box]
        copy = view.copy()
        self._touched += view.shape[0] * view.shape[1] * min(view.strides[1], _AROUND)
        if self._touched > _RESIDENT:
            self._release()
        return copy

    def _map(self, position: int, name: str) -> NDArray[Any]:
        if (position, name) not in self._maps:
            with open(self._parts[position].path(name), "rb") as file:
                np.lib.format.read_magic(file)
                shape, _, dtype = np.lib.format.read_array_header_1_0(file)
                first = file.tell()
                memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            array = np.frombuffer(memory, dtype, int(np.prod(shape, dtype=np.int64)), first).reshape(shape)
            self._maps[position, name] = _Map(memory, array)
        return self._maps[position, name].array

    def _release(self) -> None:
        """Let the pages go: those of a map count as this process's memory for as long as it has touched them."""
        self._touched = 0
        if hasattr(mmap, "MADV_DONTNEED"):
            for one in self._maps.values():
                one.memory.madvise(mmap.MADV_DONTNEED)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_held": {}, "_maps": {}}  # a process of its own opens its own maps


def _check_memory(wanted: int, rate: float) -> None:
    import psutil

    free = psutil.virtual_memory().available
    if wanted > free:
        raise InputError(
            f"em_segmentation.data.cache_rate={rate:g} would hold {wanted / 1e9:.1f} GB in memory and "
            f"{free / 1e9:.1f} GB are free; lower it, 0 reads the same from disk through memory maps"
        )
