"""Zarr 2 and 3: one array, the CREMI layout in a group, or OME-Zarr."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from neuropil.em.formats.groups import GroupContainer
from neuropil.errors import InputError

MARKS = ("zarr.json", ".zarray", ".zgroup", ".zattrs")


def is_zarr(path: Path) -> bool:
    """Whether a folder is a Zarr array or group, by what lies in it."""
    return path.is_dir() and any((path / mark).is_file() for mark in MARKS)


@contextmanager
def open_zarr(path: Path) -> Iterator[GroupContainer]:
    """Open a Zarr store in a folder. Raises InputError where it is damaged or has a codec that is not known."""
    import zarr

    try:
        root: Any = zarr.open(path, mode="r")
    except Exception as error:  # Zarr and its codecs raise errors of many kinds
        why = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be opened as Zarr ({why}); copy it again, or store it anew") from error

    def arrays() -> Iterator[str]:
        if isinstance(root, zarr.Group):
            yield from (name for name, node in root.members(max_depth=None) if isinstance(node, zarr.Array))

    how = (
        "write the voxel size (z, y, x) in nanometres, "
        f'e.g. zarr.open("{path.name}")["{{name}}"].attrs["resolution"] = [30, 6, 6]'
    )
    yield GroupContainer(path, root, arrays, how)
