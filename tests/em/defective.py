"""A volume that looks like tissue to whoever measures it, made in a moment, and ways to spoil it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

Ids = NDArray[np.uint64]
Grey = NDArray[np.uint8]


def cells(shape: tuple[int, int, int], step: tuple[float, float, float] = (1, 1, 1), seed: int = 3) -> Ids:
    """Voronoi cells, some eighteen steps wide: ids from 1 on."""
    rng = np.random.default_rng(seed)
    size = np.array(shape) * step
    count = int(np.prod(size / 18)) + 8
    places = np.stack(np.indices(shape), -1).reshape(-1, 3) * step
    return (cKDTree(rng.random((count, 3)) * size).query(places)[1] + 1).reshape(shape).astype(np.uint64)


def image(ids: Ids, noise: float = 8.0, seed: int = 4) -> Grey:
    """Dark membranes between cells of slightly different grey, with texture and noise."""
    rng = np.random.default_rng(seed)
    inner = np.zeros(ids.shape, np.float32)
    for axis in (1, 2):
        inner += np.diff(ids.astype(np.int64), axis=axis, append=ids.take([-1], axis).astype(np.int64)) != 0
    tone = 150 + 12 * np.sin(ids.astype(np.float32))
    grey = tone - 90 * gaussian_filter((inner > 0).astype(np.float32), (0, 0.8, 0.8))
    texture = gaussian_filter(rng.normal(size=ids.shape).astype(np.float32), 2) * 60
    return np.clip(grey + texture + rng.normal(0, noise, ids.shape), 1, 254).astype(np.uint8)


def write_volume(
    path: Path, raw: NDArray[Any], labels: dict[str, NDArray[Any]], resolution_nm: tuple[float, float, float]
) -> Path:
    """HDF5 in the CREMI layout."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file.create_dataset("volumes/raw", data=raw).attrs["resolution"] = resolution_nm
        for name, ids in labels.items():
            file.create_dataset(f"volumes/labels/{name}", data=ids).attrs["resolution"] = resolution_nm
    return path
