"""An EM volume of any supported format, opened without reading it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neuropil.em.formats.grid import Grid
from neuropil.em.formats.groups import LABELS_GROUP, RAW_NAMES
from neuropil.em.formats.lazy import Box, Placed
from neuropil.em.formats.opening import HDF5_SUFFIXES, open_container, suffix_of
from neuropil.em.formats.units import Lengths
from neuropil.em.listing import list_volumes
from neuropil.errors import InputError

SUFFIXES = HDF5_SUFFIXES
"""Of HDF5, which is what volumes and instances are written as."""

__all__ = ["LABELS_GROUP", "RAW_NAMES", "SUFFIXES", "LabelSource", "Volume", "find_volumes", "open_volume",
           "volume_digest", "volume_name"]  # fmt: skip


@dataclass(frozen=True)
class Volume:
    """An open volume; the arrays stay on disk until they are sliced.

    Attributes:
        name: the file's name without its suffix.
        path: the file, or the folder of a Zarr store or of sections.
        raw: (z, y, x), grey values: an h5py dataset, a Zarr array or a `LazyArray`.
        labels: the same by name ("neuron_ids", "classes", "clefts", "mitochondria" ...), each of raw's shape. Labels
            that the file has for a part of raw only are zero outside it.
        resolution_nm: edge lengths of a voxel, (z, y, x), nanometres.
        annotated_box: voxels (z, y, x) of raw where the labels say something; None: everywhere.
        offset_nm: place (z, y, x) of the first voxel in the coordinates of the file, where it has one.
        annotated: the classes that the file says were annotated, where it says so.
        stated_nm: the voxel size that the file itself states.
    """

    name: str
    path: Path
    raw: Any
    labels: Mapping[str, Any]
    resolution_nm: Lengths
    annotated_box: Box | None = None
    offset_nm: Lengths | None = None
    annotated: tuple[int, ...] | None = None
    stated_nm: Lengths | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Size in voxels, (z, y, x)."""
        z, y, x = self.raw.shape
        return int(z), int(y), int(x)


@dataclass(frozen=True)
class LabelSource:
    """Labels in a file of their own, or at a place that their name does not tell.

    Attributes:
        path: the file.
        key: the array in it (HDF5, Zarr); None: found by its name.
    """

    path: Path
    key: str | None = field(default=None)


def volume_name(path: Path) -> str:
    """The name of a volume by its path: that of the file without its suffix (`x` of `x.nii.gz`, too)."""
    suffix = suffix_of(path) if not path.is_dir() else ".zarr" if path.name.lower().endswith(".zarr") else ""
    name = path.name[: len(path.name) - len(suffix)] if suffix else path.stem if path.is_file() else path.name
    return name.removesuffix(".ome") or path.name


def volume_digest(path: Path) -> str:
    """SHA-256 of a file; of a folder (Zarr, sections) that of the names and contents of all files in it."""
    from neuropil.work.keys import content_key, file_digest

    if not path.is_dir():
        return file_digest(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return content_key({file.relative_to(path).as_posix(): file_digest(file) for file in files})


def find_volumes(path: Path) -> list[Path]:
    """The volumes at `path`, sorted: itself, or those in the folder at any depth.

    A volume is an HDF5, TIFF, NIfTI or NRRD file, the folder of a Zarr store, or a folder of images of sections. Files
    of labels beside their volume (`X_labels.h5` beside `X.h5`; see `neuropil.em.listing`) are none.

    Raises:
        InputError: nothing is there, or a file is of no format that is known.
    """
    return [found.raw for found in list_volumes(path)]


@contextmanager
def open_volume(
    path: Path,
    *,
    resolution_nm: Lengths | None = None,
    declared_nm: Lengths | None = None,
    key: str | None = None,
    labels: Mapping[str, LabelSource] | None = None,
) -> Iterator[Volume]:
    """Open a volume of any supported format.

    HDF5 and Zarr may hold raw data and labels (CREMI layout: `volumes/raw`, `volumes/labels/*`; OME-Zarr with its group
    `labels`), or raw data alone in `main`, `raw` or under the one name that there is. Labels smaller than the raw data
    are put where their attribute `offset` (nanometres) says, as in CREMI's padded files.

    Args:
        path: a file, the folder of a Zarr store, or a folder of images of sections.
        resolution_nm: the voxel size (z, y, x) where the file states none.
        declared_nm: the voxel size whatever the file states.
        key: the array of grey values (HDF5, Zarr); None: found by its name.
        labels: labels by name that lie elsewhere; None: those that lie in the file.

    Raises:
        InputError: the file is missing, cut off or of another format, has no raw data, labels of another shape, or
            no voxel size. One line that names the file, the field and what to do.
    """
    path = Path(path)
    with ExitStack() as stack:
        container = stack.enter_context(open_container(path))
        raw = container.raw(key)
        size = declared_nm or raw.resolution_nm or resolution_nm
        if size is None:
            raise InputError(f"{path}: no voxel size: {raw.ask}; for ingestion it can also be given as "
                             "ingestion.volumes.folder.resolution_nm=30x6x6 (z, y, x in nanometres)")  # fmt: skip
        grids = dict(container.labels()) if labels is None else {}
        grids = {name: grid for name, grid in grids.items() if grid.name != raw.name}
        places = dict.fromkeys(grids, path)
        for name, source in (labels or {}).items():
            # A second opening of the same file costs nothing.
            grids[name] = stack.enter_context(open_container(source.path)).label(source.key)
            places[name] = source.path
        fitted = {name: _fitted(places[name], name, grid, raw, size) for name, grid in grids.items()}
        yield Volume(
            name=volume_name(path),
            path=path,
            raw=raw.array,
            labels={name: array for name, (array, _) in fitted.items()},
            resolution_nm=size,
            annotated_box=_common(path, [box for _, box in fitted.values()], raw),
            offset_nm=raw.offset_nm,
            annotated=container.annotated,
            stated_nm=raw.resolution_nm,
        )


def _fitted(path: Path, name: str, grid: Grid, raw: Grid, size: Lengths) -> tuple[Any, Box]:
    """Labels in the frame of the raw data, and the box of it where they say something."""
    if grid.array.dtype.kind not in "ui" and not _stored_as_float(path, grid):
        raise InputError(f"{path}: labels {name} ({grid.name}) have type {grid.array.dtype}; ids must be integers")
    whole = ((0, raw.shape[0]), (0, raw.shape[1]), (0, raw.shape[2]))
    shift = _shift(grid, raw, size)
    if grid.shape == raw.shape and not any(shift or ()):
        return grid.array, grid.box or whole
    if shift is None:
        turned = ""
        if sorted(grid.shape) == sorted(raw.shape):
            turned = " (the axes of one of them seem to be transposed)"
        raise InputError(
            f"{path}: labels {name} ({grid.name}) have shape {grid.shape}, but {raw.name} has {raw.shape}{turned}; "
            "crop or pad one of them so that both cover the same voxels, or write the attribute `offset` (z, y, x in "
            "nm) of the labels in the raw data"
        )
    box = tuple((start, start + length) for start, length in zip(shift, grid.shape, strict=True))
    if any(start < 0 or stop > length for (start, stop), length in zip(box, raw.shape, strict=True)):
        raise InputError(
            f"{path}: labels {name} ({grid.name}) of shape {grid.shape} begin at voxel {shift} by their `offset`, "
            f"which is not inside {raw.name} of shape {raw.shape}; correct the offset or the voxel size {size}"
        )
    return Placed(grid.array, shift, raw.shape, grid.name), (box[0], box[1], box[2])


def _stored_as_float(path: Path, grid: Grid) -> bool:
    """Whether a format whose programs store ids as floating point holds them; each is checked when it is converted."""
    return grid.array.dtype.kind == "f" and suffix_of(path) in (".nii", ".nii.gz")


def _shift(grid: Grid, raw: Grid, size: Lengths) -> tuple[int, int, int] | None:
    """The voxel of the raw data at which labels begin, by the offsets; None where nothing is said."""
    if grid.offset_nm is None:
        return None
    own = raw.offset_nm or (0.0, 0.0, 0.0)
    z, y, x = (
        round((there - here) / length) for there, here, length in zip(grid.offset_nm, own, size, strict=True)
    )  # fmt: skip
    return z, y, x


def _common(path: Path, boxes: list[Box], raw: Grid) -> Box | None:
    """The box in which all labels say something; None where it is the whole volume."""
    if not boxes:
        return None
    spans = [
        (max(box[axis][0] for box in boxes), min(box[axis][1] for box in boxes)) for axis in range(3)
    ]  # fmt: skip
    if any(start >= stop for start, stop in spans):
        raise InputError(f"{path}: its labels have no voxel in common; correct their attributes `offset`")
    if all(span == (0, length) for span, length in zip(spans, raw.shape, strict=True)):
        return None
    return spans[0], spans[1], spans[2]
