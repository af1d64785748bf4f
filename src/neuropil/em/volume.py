"""An EM volume in HDF5, opened without reading it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuropil.errors import InputError

SUFFIXES = (".h5", ".hdf5", ".hdf")
RAW_NAMES = ("volumes/raw", "main", "raw")
LABELS_GROUP = "volumes/labels"


@dataclass(frozen=True)
class Volume:
    """An open volume; the arrays stay on disk until they are sliced.

    Attributes:
        name: the file's name without its suffix.
        path: the file.
        raw: h5py dataset, (z, y, x), grey values.
        labels: h5py datasets by name ("neuron_ids", "classes", "clefts", "mitochondria" ...), each of raw's shape.
        resolution_nm: edge lengths of a voxel, (z, y, x), nanometres.
    """

    name: str
    path: Path
    raw: Any
    labels: Mapping[str, Any]
    resolution_nm: tuple[float, float, float]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Size in voxels, (z, y, x)."""
        z, y, x = self.raw.shape
        return int(z), int(y), int(x)


def find_volumes(path: Path) -> list[Path]:
    """The HDF5 files at `path`: the file itself, or those in the folder at any depth, sorted.

    Raises:
        InputError: nothing is there, or a file has another suffix than .h5, .hdf5 or .hdf.
    """
    path = Path(path)
    if path.is_dir():
        found = (file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
        return sorted(file for file in found if file.is_file() and not file.name.startswith("."))
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; give an HDF5 volume or a folder of them")
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: not an HDF5 file by its name; expected one of {', '.join(SUFFIXES)}")
    return [path]


@contextmanager
def open_volume(path: Path, *, resolution_nm: tuple[float, float, float] | None = None) -> Iterator[Volume]:
    """Open an HDF5 volume in the CREMI layout (`volumes/raw`, `volumes/labels/*`), or with raw data in `main` or `raw`.

    Args:
        path: the file.
        resolution_nm: the voxel size where the file has no attribute `resolution` (on raw or on the file).

    Raises:
        InputError: the file is missing, truncated or not HDF5, has no raw data, labels of another shape, or
            no resolution. One line that names the file, the field and what to do.
    """
    import h5py

    path = Path(path)
    try:
        file = h5py.File(path, "r")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except OSError as error:
        why = "it is cut off" if "truncated" in str(error) else "it is not HDF5, or it is damaged"
        raise InputError(f"{path}: cannot be opened, {why}; copy or download it again") from error
    with file:
        yield _volume(path, file, resolution_nm)


def _volume(path: Path, file: Any, resolution_nm: tuple[float, float, float] | None) -> Volume:
    raw = next((file[name] for name in RAW_NAMES if name in file and hasattr(file[name], "shape")), None)
    if raw is None:
        raise InputError(f"{path}: no dataset {' or '.join(RAW_NAMES)}; put the grey values into volumes/raw")
    if raw.ndim != 3 or min(raw.shape) < 1 or raw.dtype.kind not in "uif":
        raise InputError(
            f"{path}: {raw.name} has shape {raw.shape} and type {raw.dtype}; three axes (z, y, x) of numbers are needed"
        )
    return Volume(path.stem, path, raw, _labels(path, file, raw), resolution_nm or _resolution(path, file, raw))


def _labels(path: Path, file: Any, raw: Any) -> dict[str, Any]:
    group = file.get(LABELS_GROUP)
    labels = {name: group[name] for name in sorted(group) if hasattr(group[name], "shape")} if group is not None else {}
    for name, dataset in labels.items():
        if dataset.shape != raw.shape:
            raise InputError(
                f"{path}: {LABELS_GROUP}/{name} has shape {dataset.shape}, but {raw.name} has {raw.shape}; "
                "crop or pad one of them so that both cover the same voxels"
            )
        if dataset.dtype.kind not in "ui":
            raise InputError(f"{path}: {LABELS_GROUP}/{name} has type {dataset.dtype}; ids must be integers")
    return labels


def _resolution(path: Path, file: Any, raw: Any) -> tuple[float, float, float]:
    import numpy as np

    value = raw.attrs.get("resolution", file.attrs.get("resolution"))
    if value is None:
        raise InputError(
            f"{path}: {raw.name} has no attribute `resolution`; write the voxel size (z, y, x) in nanometres, "
            f'e.g. h5py.File("{path.name}", "a")["{raw.name.lstrip("/")}"].attrs["resolution"] = (30, 6, 6)'
        )
    try:
        numbers = np.asarray(value, dtype=float).ravel()
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if numbers.shape != (3,) or not np.isfinite(numbers).all() or (numbers <= 0).any():
        raise InputError(
            f"{path}: attribute `resolution` is {value!r}; three lengths above 0 (z, y, x) in nm are needed"
        )
    return float(numbers[0]), float(numbers[1]), float(numbers[2])
