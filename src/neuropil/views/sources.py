"""Two ways to the planes of a view: its files, and its neuron."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from neuropil.views.augmentation import Planes
from neuropil.views.pictures import read_planes

T = TypeVar("T")
MIB = 1 << 20


class Moment(NamedTuple):
    """What a random change of a training view depends on, and nothing else."""

    seed: int
    epoch: int
    view: int


class Seen(NamedTuple):
    """A view: its planes and its scale.

    Attributes:
        planes: classes uint8 [H, W] and depth uint16 [H, W].
        um_per_px: micrometres a pixel.
    """

    planes: Planes
    um_per_px: float


class PlaneSource(Protocol):
    """Gives the planes of views, in whichever process it is asked."""

    def view(self, record: Mapping[str, Any], moment: Moment | None) -> Seen:
        """The view of a manifest record.

        Args:
            record: of the view.
            moment: decides what happens to the neuron of a training view; None changes nothing.
        """
        ...


class Cache(Generic[T]):
    """The values asked for last, as many as a number of bytes holds. Copies in other processes begin empty.

    Args:
        most: bytes.
        size: of a value, in bytes.
    """

    def __init__(self, most: int, size: Callable[[T], int]) -> None:
        self._most = most
        self._size = size
        self._values: OrderedDict[str, T] = OrderedDict()
        self.bytes = 0

    def get(self, name: str, make: Callable[[], T]) -> T:
        """The value of `name`, made where it is not kept."""
        if name in self._values:
            self._values.move_to_end(name)
            return self._values[name]
        value = make()
        size = self._size(value)
        if size <= self._most:
            self._values[name] = value
            self.bytes += size
            while self.bytes > self._most:
                self.bytes -= self._size(self._values.popitem(last=False)[1])
        return value

    def __len__(self) -> int:
        return len(self._values)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_values": OrderedDict(), "bytes": 0}


class PngViews:
    """Views from the files of a view store; files are what they are, no moment changes them.

    Args:
        root: the view store, to which the paths of the records are relative.
        cache_mib: memory for views that were read, a view takes 7 bytes a foreground pixel; 0 keeps none.
    """

    def __init__(self, root: Path, cache_mib: int = 0) -> None:
        self.root = Path(root)
        self._cache: Cache[_Packed] = Cache(cache_mib * MIB, _packed_size)
        self._caching = cache_mib > 0

    def view(self, record: Mapping[str, Any], moment: Moment | None) -> Seen:
        """The view of a record. Raises InputError where a file is missing or damaged."""
        um_per_px = float(record["um_per_px"])
        if not self._caching:
            return Seen(read_planes(record, self.root), um_per_px)
        packed = self._cache.get(str(record["mask"]), lambda: _Packed(read_planes(record, self.root)))
        return Seen(packed.unpack(), um_per_px)


class _Packed:
    """A view as its foreground pixels only: neurons are thin, so this is a tenth of the planes."""

    def __init__(self, planes: Planes) -> None:
        classes, depth = planes
        self._shape = classes.shape
        self._places: NDArray[np.uint32] = np.flatnonzero(classes).astype(np.uint32)
        self._classes = classes.reshape(-1)[self._places]
        self._depth = depth.reshape(-1)[self._places]

    @property
    def size(self) -> int:
        return self._places.nbytes + self._classes.nbytes + self._depth.nbytes

    def unpack(self) -> Planes:
        """Classes and depth at their full size, (height, width)."""
        classes = np.zeros(self._shape, np.uint8)
        depth = np.zeros(self._shape, np.uint16)
        classes.reshape(-1)[self._places] = self._classes
        depth.reshape(-1)[self._places] = self._depth
        return classes, depth


def _packed_size(packed: _Packed) -> int:
    return packed.size
