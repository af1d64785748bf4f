"""Rendered views as a dataset for training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from neuropil.views.augmentation import Planes, augment
from neuropil.views.parameters import AugmentationParameters
from neuropil.views.pictures import read_planes

_CACHE_BYTES = 1 << 30  # of one process; views beyond it are read from their files each time
_FARTHEST = np.float32(65535)


class ViewDataset(Dataset):
    """Views of a manifest as tensors.

    Item i is a dictionary:

    - `image`: float32 [1, H, W] in {0, 1}, the silhouette (`mask_bw`), the model's input;
    - `mask`: int64 [H, W], classes 0 background, 1 soma, 2 axon, 3 basal, 4 apical, 5 other;
    - `depth`: float32 [H, W], 0 background, (0, 1] from the nearest to the farthest point of the neuron;
    - `um_per_px`: float32 scalar, micrometres per pixel of this view;
    - `index`: i.

    Args:
        records: manifest records (`read_manifest`).
        root: the view store, to which the paths of the records are relative.
        augmentation: what may happen to a view; None for validation and test.
        seed: with the epoch and the index it decides the augmentation.
        cache: keep what was read in memory, at most 1 GiB a process (a view takes 7 bytes a foreground pixel).
    """

    def __init__(
        self,
        records: Sequence[Mapping[str, Any]],
        root: Path,
        *,
        augmentation: AugmentationParameters | None = None,
        seed: int = 0,
        cache: bool = True,
    ) -> None:
        self.records = records
        self.root = Path(root)
        self._augmentation = augmentation
        self._seed = seed
        self._epoch = 0
        self._cache: dict[int, _Packed] | None = {} if cache else None
        self._cached_bytes = 0

    def __len__(self) -> int:
        return len(self.records)

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes: augmentation changes with it."""
        self._epoch = epoch

    def __getitem__(self, index: int) -> dict[str, Any]:
        planes = self._planes(index)
        if self._augmentation is not None:
            planes = augment(planes, self._augmentation, seed=self._seed, epoch=self._epoch, index=index)
        classes, depth = planes
        return {
            "image": torch.from_numpy((classes > 0).astype(np.float32)[None]),
            "mask": torch.from_numpy(classes.astype(np.int64)),
            "depth": torch.from_numpy(depth.astype(np.float32) / _FARTHEST),
            "um_per_px": torch.tensor(float(self.records[index]["um_per_px"]), dtype=torch.float32),
            "index": index,
        }

    def _planes(self, index: int) -> Planes:
        if self._cache is None:
            return read_planes(self.records[index], self.root)
        packed = self._cache.get(index)
        if packed is not None:
            return packed.unpack()
        planes = read_planes(self.records[index], self.root)
        packed = _Packed(planes)
        if self._cached_bytes + packed.size <= _CACHE_BYTES:
            self._cache[index] = packed
            self._cached_bytes += packed.size
        return planes


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
