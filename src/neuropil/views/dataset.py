"""Views as a dataset for training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from neuropil.views.augmentation import augment
from neuropil.views.parameters import AugmentationParameters
from neuropil.views.sources import Moment, PlaneSource, PngViews

_FARTHEST = np.float32(65535)


class ViewDataset(Dataset):
    """Views of a manifest as tensors.

    Item i is a dictionary:

    - `image`: float32 [1, H, W] in {0, 1}, the silhouette (`mask_bw`), the model's input;
    - `mask`: int64 [H, W], classes 0 background, 1 soma, 2 axon, 3 basal, 4 apical, 5 other;
    - `depth`: float32 [H, W], 0 background, (0, 1] from the nearest to the farthest point of the neuron;
    - `um_per_px`: float32 scalar, micrometres per pixel of this view;
    - `index`: i.

    It can be sent to data workers; what it has in memory stays behind.

    Args:
        records: manifest records (`read_manifest`).
        source: gives their planes (`access.ViewAccess` makes it); a path stands for the files of a view store.
        augmentation: what may happen to a view; None for validation and test, where the neuron is not changed either.
        seed: with the epoch and the index it decides every random change.
    """

    def __init__(
        self,
        records: Sequence[Mapping[str, Any]],
        source: PlaneSource | Path,
        *,
        augmentation: AugmentationParameters | None = None,
        seed: int = 0,
    ) -> None:
        self.records = records
        self._source = PngViews(source) if isinstance(source, Path) else source
        self._augmentation = augmentation
        self._seed = seed
        self._epoch = 0

    def __len__(self) -> int:
        return len(self.records)

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes: augmentation changes with it."""
        self._epoch = epoch

    def __getitem__(self, index: int) -> dict[str, Any]:
        moment = None if self._augmentation is None else Moment(self._seed, self._epoch, index)
        planes, um_per_px = self._source.view(self.records[index], moment)
        if self._augmentation is not None:
            planes = augment(planes, self._augmentation, seed=self._seed, epoch=self._epoch, index=index)
        classes, depth = planes
        return {
            "image": torch.from_numpy((classes > 0).astype(np.float32)[None]),
            "mask": torch.from_numpy(classes.astype(np.int64)),
            "depth": torch.from_numpy(depth.astype(np.float32) / _FARTHEST),
            "um_per_px": torch.tensor(um_per_px, dtype=torch.float32),
            "index": index,
        }
