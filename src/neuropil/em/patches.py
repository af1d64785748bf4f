"""Random patches of the training volumes, each a function of (seed, epoch, index)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from neuropil.em.arrays import Part
from neuropil.em.augmentation import shaded, symmetric
from neuropil.em.labels import BACKGROUND
from neuropil.em.offsets import true_affinities
from neuropil.em.parameters import EmDataParameters, EmLossParameters
from neuropil.em.weights import voxel_weights

_TRAIN, _VALIDATION = 0, 1


class PatchDataset(Dataset[dict[str, torch.Tensor]]):
    """Patches drawn evenly over the voxels of the parts.

    Args:
        parts: memory maps, of the training parts or of the validation parts.
        offsets: voxel pairs of the affinity head.
        data: patch size and so on.
        loss: weights of edges and medial axes, the class that means unknown.
        seed: of all that is drawn.
        validation: the same `validation_samples` patches at every epoch, not augmented.

    An item, without the axis z in slice mode: `raw` float32 (1, z, y, x), mean 0 and deviation 1; `ids` int64
    (z, y, x), consecutive, an instance being one connected component of the patch; `classes` int64; `weights`
    float32; `affinities` and `known` uint8 (offset, z, y, x).
    """

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        offsets: Sequence[Sequence[int]],
        data: EmDataParameters,
        loss: EmLossParameters,
        seed: int,
        validation: bool,
    ) -> None:
        self.parts = list(parts)
        self.offsets = [tuple(offset) for offset in offsets]
        self.size = (1, *data.patch_size[1:]) if data.slice_mode else data.patch_size
        self.data, self.loss = data, loss
        self.validation = validation
        self._seed, self._epoch = seed, 0
        voxels = np.array([np.prod(part.shape) for part in self.parts], float)
        self._shares = voxels / voxels.sum()
        self._open: dict[tuple[int, str], NDArray[Any]] = {}

    def __len__(self) -> int:
        return self.data.validation_samples if self.validation else self.data.samples_per_epoch

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch the next items belong to."""
        self._epoch = epoch

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        purpose = (_VALIDATION, 0) if self.validation else (_TRAIN, self._epoch)
        rng = np.random.default_rng([self._seed, *purpose, index])
        chosen = int(rng.choice(len(self.parts), p=self._shares))
        part = self.parts[chosen]
        arrays = self._crop(chosen, rng)
        augmentation = self.data.augmentation
        if augmentation.symmetries and not self.validation:
            arrays = symmetric(arrays, part.resolution_nm, rng)
        raw = (arrays["raw"].astype(np.float32) - part.mean) / part.std
        if not self.validation:
            raw = shaded(raw, augmentation, rng)
        ids = components(arrays["ids"], self.data.min_instance_voxels)
        affinities, known = true_affinities(ids, self.offsets)
        item = {
            "raw": raw[None],
            "ids": ids,
            "classes": eroded(arrays["classes"].astype(np.int64), arrays["ids"], self.data.erode_labels),
            "affinities": affinities,
            "known": known,
            "weights": self._weights(ids, part),
        }
        return {name: torch.from_numpy(self._flat(array)) for name, array in item.items()}

    def _weights(self, ids: NDArray[np.int64], part: Part) -> NDArray[np.float32]:
        if self.loss.weight_embedding == 0:  # nobody reads them
            return np.zeros(ids.shape, np.float32)
        return voxel_weights(
            ids, part.resolution_nm, weight_edge=self.loss.weight_edge, weight_bone=self.loss.weight_bone
        )

    def _flat(self, array: NDArray[Any]) -> NDArray[Any]:
        return np.ascontiguousarray(array.squeeze(-3) if self.data.slice_mode else array)

    def _crop(self, chosen: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        """A box of each array; where the part is thinner than the patch, grey is mirrored and labels are unknown."""
        shape = self.parts[chosen].shape
        taken = [min(size, whole) for size, whole in zip(self.size, shape, strict=True)]
        start = [int(rng.integers(whole - size + 1)) for size, whole in zip(taken, shape, strict=True)]
        box = tuple(slice(a, a + size) for a, size in zip(start, taken, strict=True))
        arrays = {name: np.asarray(self._array(chosen, name)[box]) for name in ("raw", "ids", "classes")}
        missing = [(0, size - part) for size, part in zip(self.size, taken, strict=True)]
        if not any(after for _, after in missing):
            return arrays
        return {
            "raw": np.pad(arrays["raw"], missing, mode="symmetric"),
            "ids": np.pad(arrays["ids"], missing),
            "classes": np.pad(arrays["classes"], missing, constant_values=self.loss.ignore_index),
        }

    def _array(self, chosen: int, name: str) -> NDArray[Any]:
        if (chosen, name) not in self._open:
            self._open[chosen, name] = self.parts[chosen].open(name)
        return self._open[chosen, name]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": {}}  # workers open their own maps


def components(ids: NDArray[np.int64], smallest: int) -> NDArray[np.int64]:
    """Ids 1..n of the connected components of equal ids; those under `smallest` voxels become 0.

    A neurite that leaves the patch and comes back is two instances here: nothing in the patch tells that they
    are one, and the decoder cannot join what does not touch.
    """
    import cc3d

    pieces = cc3d.connected_components(ids, connectivity=6).astype(np.int64)
    sizes = np.bincount(pieces.ravel())
    keep = sizes >= smallest
    keep[0] = False
    new = np.where(keep, np.cumsum(keep), 0).astype(np.int64)
    return new[pieces]


def eroded(classes: NDArray[np.int64], ids: NDArray[np.int64], voxels: int) -> NDArray[np.int64]:
    """Classes with background where, within `voxels` in plane, another instance begins."""
    if voxels == 0:
        return classes
    from scipy.ndimage import maximum_filter, minimum_filter

    size = (1, 2 * voxels + 1, 2 * voxels + 1)
    boundary = (maximum_filter(ids, size) != minimum_filter(ids, size)) & (ids > 0) & (classes > BACKGROUND)
    return np.where(boundary, BACKGROUND, classes)
