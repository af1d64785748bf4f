"""What a file of any format holds: arrays by name, with the voxel size that the file states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from neuropil.em.formats.lazy import Box
from neuropil.em.formats.units import Lengths
from neuropil.errors import InputError


@dataclass(frozen=True)
class Grid:
    """One array of a file.

    Attributes:
        array: (z, y, x), read when sliced: an h5py dataset, or a `LazyArray`.
        name: where it stands in the file ("volumes/raw"), or the file's own name.
        resolution_nm: voxel size (z, y, x) in nanometres; None where the file has none.
        offset_nm: place (z, y, x) of its first voxel in the coordinates of the file; None where the file has none.
        box: where in it something is known, as the project's own files say of labels; None: everywhere, or not said.
        ask: what to do where there is no voxel size.
    """

    array: Any
    name: str
    resolution_nm: Lengths | None = None
    offset_nm: Lengths | None = None
    box: Box | None = None
    ask: str = ""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels, (z, y, x)."""
        z, y, x = self.array.shape
        return int(z), int(y), int(x)


class Container(Protocol):
    """An open file."""

    @property
    def path(self) -> Path:
        """The file, or the folder of a Zarr store or of sections."""
        ...

    def raw(self, key: str | None) -> Grid:
        """The grey values: the array at `key`, or the one that is raw by its name."""
        ...

    def label(self, key: str | None) -> Grid:
        """The array at `key`, or the one array of a file of labels."""
        ...

    def labels(self) -> Mapping[str, Grid]:
        """The labels that lie beside the raw data in the same file, by name."""
        ...

    @property
    def annotated(self) -> tuple[int, ...] | None:
        """The classes that the file says were annotated; None where it does not say."""
        ...


@dataclass(frozen=True)
class OneArray:
    """A file of a format that holds one array."""

    path: Path
    grid: Grid
    annotated: tuple[int, ...] | None = field(default=None)

    def raw(self, key: str | None) -> Grid:
        """The array; a key is a mistake."""
        if key is not None:
            raise InputError(f"{self.path}: holds one array, there is no {key} in it; leave the key away")
        return self.grid

    def label(self, key: str | None) -> Grid:
        """The array; a key is a mistake."""
        return self.raw(key)

    def labels(self) -> Mapping[str, Grid]:
        """None lie in the same file."""
        return {}


def checked(path: Path, array: Any, name: str) -> Any:
    """The array, where it is one of numbers with three axes. Raises InputError."""
    if array.ndim != 3 or min(array.shape) < 1 or array.dtype.kind not in "uif":
        raise InputError(
            f"{path}: {name} has shape {tuple(array.shape)} and type {array.dtype}; "
            "three axes (z, y, x) of numbers are needed"
        )
    return array
