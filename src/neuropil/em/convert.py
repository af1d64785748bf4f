"""Any readable volume to the project's own HDF5: CREMI layout, uint8 grey values, uint64 ids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.em.container import new_container, new_dataset, slabs
from neuropil.em.volume import LABELS_GROUP, Volume, open_volume
from neuropil.errors import InputError
from neuropil.work.keys import file_digest

VERSION = 1


def convert_volume(
    source: Path, target: Path, *, name: str, resolution_nm: tuple[float, float, float] | None = None
) -> dict[str, Any]:
    """Stream a volume to HDF5 in the CREMI layout, sixteen sections at a time.

    Grey values of another type than uint8 are scaled linearly from their minimum and maximum to 0..255.

    Args:
        source: an HDF5 file as `open_volume` reads it.
        target: the file to make; it is whole or not there.
        name: the volume's name in the project.
        resolution_nm: voxel size (z, y, x) in nanometres, where the file has none.

    Returns:
        A record of the index `volumes`: name, path (the target's file name), shape, resolution_nm, labels,
        digest (SHA-256 of the new file), source (the old file's name).

    Raises:
        InputError: the source cannot be used; names the file, the field and what to do.
        MachineError: the disk is full.
    """
    with open_volume(Path(source), resolution_nm=resolution_nm) as volume:
        low, high = _range(volume)
        provenance = {"name": name, "source": Path(source).name, "source_dtype": str(volume.raw.dtype),
                      "grey_range": (low, high), "converter": VERSION}  # fmt: skip
        with new_container(Path(target), provenance) as file:
            _copy_raw(volume, file, low, high)
            for label in volume.labels:
                _copy_labels(volume, file, label)
        record = {
            "name": name,
            "path": Path(target).name,
            "shape": list(volume.shape),
            "resolution_nm": list(volume.resolution_nm),
            "labels": list(volume.labels),
        }
    return {**record, "digest": file_digest(Path(target)), "source": Path(source).name}


def _range(volume: Volume) -> tuple[float, float]:
    """The grey values that become 0 and 255."""
    if volume.raw.dtype == np.uint8:
        return 0.0, 255.0
    low, high = np.inf, -np.inf
    for part in slabs(volume.shape[0]):
        values = _read(volume, volume.raw, part)
        if not np.isfinite(values).all():
            raise InputError(f"{volume.path}: {volume.raw.name} holds values that are not finite; replace them first")
        low, high = min(low, float(values.min())), max(high, float(values.max()))
    if low == high:
        raise InputError(f"{volume.path}: {volume.raw.name} is {low:g} everywhere; there is no image in it")
    return low, high


def _copy_raw(volume: Volume, file: Any, low: float, high: float) -> None:
    dataset = new_dataset(file, "volumes/raw", volume.shape, "uint8", volume.resolution_nm)
    for part in slabs(volume.shape[0]):
        values = _read(volume, volume.raw, part)
        if values.dtype != np.uint8:
            values = np.rint((values.astype(np.float64) - low) * (255 / (high - low))).astype(np.uint8)
        dataset[part] = values


def _copy_labels(volume: Volume, file: Any, label: str) -> None:
    dataset = new_dataset(file, f"{LABELS_GROUP}/{label}", volume.shape, "uint64", volume.resolution_nm)
    for part in slabs(volume.shape[0]):
        values = _read(volume, volume.labels[label], part)
        if values.dtype.kind == "i" and values.size and values.min() < 0:
            raise InputError(f"{volume.path}: {LABELS_GROUP}/{label} holds negative ids; write 0 for background")
        dataset[part] = values


def _read(volume: Volume, dataset: Any, part: slice) -> NDArray[Any]:
    """Sections of a dataset; a damaged chunk in the source is the source's fault, not the disk's."""
    try:
        return dataset[part]
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"{volume.path}: {dataset.name}, sections {part.start} to {part.stop - 1} cannot be read, "
            "the file is damaged; copy or download it again"
        ) from error
