"""Decoding a part of a volume: HDF5 chunks to plain arrays that can be memory-mapped, tile by tile.

In the folder of a part:
    raw.npy        uint8 (z, y, x), the grey values
    classes.npy    int8 (z, y, x), codes of the label space (`neuropil.em.labels`)
    ids.npy        int32 (z, y, x), the instance to be segmented (neuron, else mitochondrion): row of the table, 0 none
    objects.npy    int32 (z, y, x), the innermost instance (a mitochondrion, not its neuron); only where they differ
    instances.npy  the table: id (uint64, as in the volume), class and voxels of row 1, 2, ...
    class_places.npy, instance_places.npy, class_voxels.npy
                   voxels drawn at random from each class and each instance (`neuropil.em.places`)
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from neuropil.em.container import CHUNK
from neuropil.em.labels import UNKNOWN, class_map, class_of, inner_names, instance_name, is_instance
from neuropil.em.places import Places
from neuropil.em.volume import Volume
from neuropil.errors import InputError, MachineError
from neuropil.work.progress import Progress

TABLE = np.dtype([("id", "u8"), ("class", "i2"), ("voxels", "i8")])

_TYPES = {"raw": "u1", "classes": "i1", "ids": "i4", "objects": "i4"}
_TILE = 1 << 22  # voxels decoded together: with 64-bit labels some 150 MB
_LONG = 1 << 28  # voxels from which on a progress bar is shown

Box = Sequence[Sequence[int]]
Tile = tuple[slice, slice, slice]


def decode_part(
    volume: Volume, box: Box, folder: Path, *, classes: Sequence[int], labelled: Box | None
) -> dict[str, Any]:
    """Write the arrays of a part.

    Args:
        volume: the open volume.
        box: the voxels of the part.
        folder: where to write.
        classes: what is annotated.
        labelled: the voxels of the volume that labels cover, None = all; outside classes are unknown.

    Returns:
        {"shape", "instances": rows of the table, "inner": whether there is an array `objects`}.
    """
    shape = tuple(int(stop - start) for start, stop in box)
    inner = inner_names(volume.labels)
    names = [name for name in _TYPES if name != "objects" or inner]
    _check_disk(folder, int(np.prod(shape)) * sum(np.dtype(_TYPES[name]).itemsize for name in names))
    files = {name: _Writer(folder / f"{name}.npy", shape, _TYPES[name]) for name in names}
    decoder = _Decoder(volume, classes, inner)
    places = Places(shape)
    tiles = list(_tiles(shape))
    try:
        with _progress(volume.name, shape, len(tiles)) as progress:
            for tile in tiles:
                arrays = decoder.arrays(tile, box, labelled)
                for name, file in files.items():
                    file.write(tile, arrays[name])
                places.add(tile, arrays["classes"], arrays.get("objects", arrays["ids"]))
                if progress is not None:
                    progress.advance()
    finally:
        for file in files.values():
            file.close()
    table = decoder.table(places.instance_voxels)
    np.save(folder / "instances.npy", table)
    places.save(folder, len(table))
    return {"shape": shape, "instances": len(table), "inner": bool(inner)}


class _Decoder:
    """Tiles of a volume as arrays; numbers instances in the order in which they are met."""

    def __init__(self, volume: Volume, classes: Sequence[int], inner: Sequence[str]) -> None:
        self._volume, self._classes, self._inner = volume, classes, inner
        self._instances = instance_name(volume.labels)
        self._rows: dict[tuple[str, int], int] = {}

    def arrays(self, tile: Tile, box: Box, labelled: Box | None) -> dict[str, NDArray[Any]]:
        where = tuple(slice(start + part.start, start + part.stop) for part, (start, _) in zip(tile, box, strict=True))
        found: dict[str, NDArray[Any]] = {"raw": np.asarray(self._volume.raw[where])}
        if found["raw"].dtype != np.uint8:
            raise InputError(
                f"{self._volume.path}: grey values are {found['raw'].dtype}, not uint8; run ingestion again"
            )
        labels = {name: np.asarray(dataset[where]) for name, dataset in self._volume.labels.items()}
        shape = found["raw"].shape
        found["classes"] = class_map(labels, self._classes) if labels else np.full(shape, UNKNOWN, np.int8)
        found["ids"] = self._numbered(self._instances, labels, shape)
        if self._inner:
            found["objects"] = found["ids"].copy()
            for name in self._inner:
                inside = self._numbered(name, labels, shape)
                np.copyto(found["objects"], inside, where=inside > 0)
        if labelled is not None:
            _forget(found, where, labelled)
        return found

    def _numbered(
        self, name: str | None, labels: Mapping[str, NDArray[Any]], shape: tuple[int, ...]
    ) -> NDArray[np.int32]:
        """Ids as rows of the table. Runs of equal ids are looked up once: ids are 64 bits, arrays of rows 32."""
        if name is None:
            return np.zeros(shape, np.int32)
        ids = labels[name].ravel()
        starts = np.flatnonzero(np.concatenate([[True], ids[1:] != ids[:-1]]))
        present, index = np.unique(ids[starts], return_inverse=True)
        rows = np.array([self._row(name, int(value)) if is_instance(value) else 0 for value in present], np.int32)
        lengths = np.diff(np.append(starts, ids.size))
        return np.repeat(rows[index], lengths).reshape(shape)

    def _row(self, name: str, value: int) -> int:
        return self._rows.setdefault((name, value), len(self._rows) + 1)

    def table(self, voxels: NDArray[np.int64]) -> NDArray[Any]:
        """The table; `voxels` of row 1, 2, ... as far as any were counted."""
        table = np.zeros(len(self._rows), TABLE)
        table["id"] = np.array([value for _, value in self._rows], np.uint64)
        table["class"] = [class_of(name) for name, _ in self._rows]
        table["voxels"][: len(voxels)] = voxels[: len(table)]
        return table


def _forget(found: dict[str, NDArray[Any]], where: Sequence[slice], labelled: Box) -> None:
    """Make unknown what lies outside the box that labels cover."""
    inside = np.zeros(found["raw"].shape, np.bool_)
    inside[
        tuple(
            slice(max(start - part.start, 0), max(stop - part.start, 0))
            for part, (start, stop) in zip(where, labelled, strict=True)
        )
    ] = True
    if inside.all():
        return
    found["classes"][~inside] = UNKNOWN
    for name in ("ids", "objects"):
        if name in found:
            found[name][~inside] = 0


def _tiles(shape: Sequence[int]) -> Iterator[Tile]:
    """Tiles of whole chunks in z and y and of the whole width."""
    depth, height, width = shape
    rows = max(CHUNK[1], _TILE // (CHUNK[0] * width) // CHUNK[1] * CHUNK[1])
    for z in range(0, depth, CHUNK[0]):
        for y in range(0, height, rows):
            yield slice(z, min(z + CHUNK[0], depth)), slice(y, min(y + rows, height)), slice(0, width)


class _Writer:
    """A .npy file (z, y, x) filled tile by tile; written, not mapped: mapped pages would count as this process's."""

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: str) -> None:
        self._shape, self._dtype = shape, np.dtype(dtype)
        self._file: BinaryIO = open(path, "wb")  # noqa: SIM115 (closed by `close`)
        header = {"descr": np.lib.format.dtype_to_descr(self._dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, header)
        self._first = self._file.tell()

    def write(self, tile: Tile, values: NDArray[Any]) -> None:
        _, height, width = self._shape
        for z, section in enumerate(values.astype(self._dtype, copy=False), tile[0].start):
            self._file.seek(self._first + (z * height + tile[1].start) * width * self._dtype.itemsize)
            self._file.write(np.ascontiguousarray(section).data)

    def close(self) -> None:
        self._file.close()


def _check_disk(folder: Path, size_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if size_bytes > free:
        raise MachineError(
            f"{folder.parent}: the decoded volume takes {size_bytes / 1e9:.1f} GB and {free / 1e9:.1f} GB are free; "
            "free some space or move the run with --params workspace=PATH"
        )


class _Silent:
    """Where a bar would flash by."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


def _progress(name: str, shape: Sequence[int], steps: int) -> Progress | _Silent:
    return Progress(f"decoding {name}", steps) if np.prod(shape, dtype=np.int64) >= _LONG else _Silent()
