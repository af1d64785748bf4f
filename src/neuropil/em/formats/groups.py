"""Arrays by name in an HDF5 file or a Zarr group, whose interfaces are alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuropil.em.formats.grid import Grid, checked
from neuropil.em.formats.lazy import Box, Reordered
from neuropil.em.formats.ome import axes_of, finest, is_multiscale, voxel_size
from neuropil.em.formats.units import Lengths, lengths
from neuropil.errors import InputError

RAW_NAMES = ("volumes/raw", "main", "raw")
LABELS_GROUP = "volumes/labels"
LABEL_NAMES = ("volumes/labels/neuron_ids", "main", "labels", "label", "seg", "volumes/raw", "raw")


@dataclass(frozen=True)
class GroupContainer:
    """An open HDF5 file or Zarr store.

    Args:
        path: the file, or the folder of the store.
        root: h5py file, Zarr group, or Zarr array (a store that is one array).
        arrays: lists the names of all arrays in it, for a file with one array under a name of its own.
        how_to_set: says how the attribute `resolution` is written; `{name}` is the array.
    """

    path: Path
    root: Any
    arrays: Callable[[], Iterator[str]]
    how_to_set: str

    def raw(self, key: str | None) -> Grid:
        """The grey values: at `key`, in `volumes/raw`, `main` or `raw`, the finest level of OME-Zarr, or the one array
        that there is."""
        return self._named(key, RAW_NAMES, "put the grey values into volumes/raw")

    def label(self, key: str | None) -> Grid:
        """The labels of a file that holds nothing else: at `key`, under one of `LABEL_NAMES`, or the one array."""
        return self._named(key, LABEL_NAMES, "put the ids into volumes/labels/neuron_ids")

    def labels(self) -> Mapping[str, Grid]:
        """What lies in `volumes/labels`, or in the group `labels` of OME-Zarr."""
        if self._is_array(self.root):
            return {}
        group = next((name for name in (LABELS_GROUP, "labels") if name in self.root), None)
        if group is None or self._is_array(self.root[group]):
            return {}
        found = {name: self._grid(f"{group}/{name}") for name in sorted(self.root[group])}
        return {name: grid for name, grid in found.items() if grid is not None}

    @property
    def annotated(self) -> tuple[int, ...] | None:
        """The attribute `annotated` of the file."""
        value = self.root.attrs.get("annotated")
        return None if value is None else tuple(sorted({int(number) for number in value}))

    def _named(self, key: str | None, names: tuple[str, ...], what_to_do: str) -> Grid:
        if key is not None:
            grid = self._grid(key) if key in self.root else None
            if grid is None:
                raise InputError(f"{self.path}: there is no array {key} in it; it holds {self._listing()}")
            return grid
        for name in ("", *names):
            if (grid := self._grid(name)) is not None:
                return grid
        found = list(self.arrays())
        if len(found) == 1 and (grid := self._grid(found[0])) is not None:
            return grid
        raise InputError(f"{self.path}: no dataset {' or '.join(names[:3])}; {what_to_do} (it holds {self._listing()})")

    def _grid(self, name: str) -> Grid | None:
        """The array of that name (""= the root), or the finest level of the multiscale group of that name."""
        if name and (self._is_array(self.root) or name not in self.root):
            return None
        node = self.root[name] if name else self.root
        if self._is_array(node):
            array = self._ordered(node, name or self.path.name, _axes(node))
            size, offset = self._resolution(node, name), _lengths(node, "offset", str(self.path), above=None)
            return Grid(array, array.name, size, offset, _box(node), self._ask(name))
        if not is_multiscale(node.attrs):
            return None
        level = node[finest(node.attrs)]
        array = self._ordered(level, f"{name}/{finest(node.attrs)}".lstrip("/"), axes_of(node.attrs))
        size, offset = voxel_size(node.attrs)
        return Grid(array, array.name, size, offset, None, "write the scale and the units of its axes (OME-Zarr)")

    def _ordered(self, array: Any, name: str, axes: list[str] | None) -> Any:
        """The array with its axes as (z, y, x)."""
        if axes is None or len(axes) != array.ndim:
            # Axes of length 1 before the three are channels or times.
            extra = max(0, array.ndim - 3)
            axes = ["1"] * extra + ["z", "y", "x"] if array.shape[:extra] == (1,) * extra and array.ndim >= 3 else []
        wide = [axis for axis, size in zip(axes, array.shape, strict=False) if axis not in ("z", "y", "x") and size > 1]
        if not {"z", "y", "x"} <= set(axes) or wide:
            if not axes:
                checked(self.path, array, name)
            raise InputError(
                f"{self.path}: {name} has the axes {''.join(axes)} and shape {tuple(array.shape)}; one grey value for "
                "each voxel (z, y, x) is needed, so keep one channel and one time"
            )
        places = (axes.index("z"), axes.index("y"), axes.index("x"))
        plain = places == (0, 1, 2) and array.ndim == 3
        return checked(self.path, array if plain else Reordered(array, places, name), name)

    def _resolution(self, node: Any, name: str) -> Lengths | None:
        label = str(self.path)
        size = _lengths(node, "resolution", label) or _lengths(self.root, "resolution", label)
        if size is None and (microns := _lengths(node, "element_size_um", label)):  # HDF5 of Fiji and ilastik
            return microns[0] * 1000, microns[1] * 1000, microns[2] * 1000
        return size

    def _ask(self, name: str) -> str:
        return f"{name} has no attribute `resolution`; {self.how_to_set.format(name=name)}"

    def _listing(self) -> str:
        names = sorted(self.arrays())
        return ", ".join(names[:5]) + (" ..." if len(names) > 5 else "") if names else "no array"

    @staticmethod
    def _is_array(node: Any) -> bool:
        return hasattr(node, "shape")


def _lengths(node: Any, field: str, label: str, *, above: float | None = 0.0) -> Lengths | None:
    value = node.attrs.get(field)
    return None if value is None else lengths(value, label, field, above=above)


def _box(node: Any) -> Box | None:
    value = node.attrs.get("annotated_box")
    if value is None:
        return None
    (z0, z1), (y0, y1), (x0, x1) = ((int(start), int(stop)) for start, stop in value)
    return (z0, z1), (y0, y1), (x0, x1)


def _axes(node: Any) -> list[str] | None:
    """The names of an array's axes, where it has them: those of HDF5, of Zarr 3, or the `axistags` of ilastik."""
    tags = node.attrs.get("axistags")
    if isinstance(tags, (str, bytes)):
        try:
            return [str(axis["key"]) for axis in json.loads(tags)["axes"]]
        except (ValueError, KeyError, TypeError):
            return None
    dims = getattr(node, "dims", None)
    names = getattr(getattr(node, "metadata", None), "dimension_names", None)
    if names is None and dims is not None and len(dims) == node.ndim:
        names = [dims[axis].label for axis in range(node.ndim)]
    return [str(name).lower() for name in names] if names and all(names) else None
