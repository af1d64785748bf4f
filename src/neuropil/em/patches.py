"""Random patches of the training volumes, each a function of (seed, epoch, index)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from neuropil.em.arrays import Part
from neuropil.em.augmentation import augment, margin, prepare
from neuropil.em.crops import Crops
from neuropil.em.labels import BACKGROUND, CLASSES, UNKNOWN, annotated_mask, id_bases
from neuropil.em.offsets import true_affinities
from neuropil.em.parameters import EmDataParameters, EmLossParameters
from neuropil.em.sampling import PlaceSampler, box_start, part_shares
from neuropil.em.shape_descriptors import shape_descriptors
from neuropil.em.weights import voxel_weights

_TRAIN, _VALIDATION = 0, 1


class PatchDataset(Dataset[dict[str, torch.Tensor]]):
    """Patches of the parts, drawn by the weights of the volumes and by `data.sampling`.

    Args:
        parts: decoded, of the training parts or of the validation parts.
        offsets: voxel pairs of the affinity head.
        data: patch size and so on.
        loss: weights of edges and medial axes, the class that means unknown.
        seed: of all that is drawn.
        validation: the same `validation_samples` patches at every epoch, drawn as the training's, not augmented.
        spacing_nm: voxel size of the network, (z, y, x); parts of another are resampled. None: each as it is.
        num_classes: of the semantic head.

    An item, without the axis z in slice mode:
        raw          float32 (1, z, y, x), mean 0 and deviation 1 over the volume's training part
        ids          int64 (z, y, x), 1..n: the instances to be segmented, each one connected component of the patch
        objects      int64 (z, y, x), 1..m: the innermost instances (a mitochondrion, not its neuron), alike
        class_ids    int64 (z, y, x), the class of each voxel's object, 0 = no object
        classes      int64 (z, y, x), the class of each voxel, `labels.OTHER` or `loss.ignore_index`
        annotated    bool (num_classes,), the classes that somebody looked for in this volume
        weights      float32 (z, y, x), edge weight times bone weight of the objects
        affinities, known   uint8 (offset, z, y, x), of `ids`
        descriptors  float16 (descriptor, z, y, x), of `ids` (`shape_descriptors`); only with `loss.weight_lsd`
        described    uint8 (z, y, x), 1 where they are known; only with `loss.weight_lsd`
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
        spacing_nm: Sequence[float] | None = None,
        num_classes: int = CLASSES,
    ) -> None:
        self.parts = list(parts)
        self.offsets = [tuple(offset) for offset in offsets]
        self.size: tuple[int, int, int] = (1, *data.patch_size[1:]) if data.slice_mode else data.patch_size
        self.data, self.loss = data, loss
        self.validation = validation
        self._seed, self._epoch = seed, 0
        self._shares = part_shares(self.parts, data.volume_weights)
        self._places = PlaceSampler(self.parts, data.sampling, data.min_instance_voxels)
        self._crops = Crops(self.parts, spacing_nm, 2 if data.slice_mode else 3, data.cache_rate)
        self._bases = id_bases(part.instances for part in self.parts)
        self._annotated = [annotated_mask(part.annotated, num_classes) for part in self.parts]

    def __len__(self) -> int:
        return self.data.validation_samples if self.validation else self.data.samples_per_epoch

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch the next items belong to; what is to be held in memory is read at the first call."""
        self._epoch = epoch
        if not self.validation:
            prepare(self.data.augmentation)  # imported once, here: workers are forked anew for every epoch
        self._crops.load()

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        purpose = (_VALIDATION, 0) if self.validation else (_TRAIN, self._epoch)
        rng = np.random.default_rng([self._seed, *purpose, index])
        chosen = int(rng.choice(len(self.parts), p=self._shares))
        arrays = self._patch(chosen, rng)
        ids = self._instances(arrays["ids"])
        same = arrays["objects"] is arrays["ids"]
        objects = ids if same else self._instances(arrays["objects"])
        unknown = arrays["classes"] == UNKNOWN
        affinities, known = true_affinities(ids, self.offsets, unknown=unknown)
        classes = arrays["classes"]
        if BACKGROUND in self.parts[chosen].annotated:
            classes = eroded(classes, arrays["ids"], self.data.erode_labels)
        item = {
            "raw": arrays["raw"][None],
            "ids": ids,
            "objects": objects,
            "class_ids": np.where(objects > 0, arrays["class_ids"], 0).astype(np.int64),
            "classes": np.where(classes == UNKNOWN, self.loss.ignore_index, classes.astype(np.int64)),
            "affinities": affinities,
            "known": known,
            "weights": self._weights(objects, self._crops.resolution_nm(chosen)),
            **self._shapes(ids, unknown, self._crops.resolution_nm(chosen)),
        }
        flat = {name: torch.from_numpy(self._flat(array)) for name, array in item.items()}
        return {**flat, "annotated": torch.from_numpy(self._annotated[chosen].copy())}

    def _instances(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        number = components if self.data.relabel_components else renumbered
        return number(ids, self.data.min_instance_voxels)

    def _patch(self, chosen: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        """Arrays of the patch's size: one crop, augmented where the patch is for training."""
        augmentation, resolution = self.data.augmentation, self._crops.resolution_nm(chosen)
        if self.validation or not augmentation.enabled:
            return self._crop(chosen, self.size, rng, (0, 0, 0))
        beyond = margin(augmentation, self.size, resolution)
        arrays = self._crop(chosen, self.size, rng, beyond)
        same = arrays["objects"] is arrays["ids"]
        if same:
            del arrays["objects"]
        changed = augment(
            arrays,
            self.size,
            resolution,
            augmentation,
            rng,
            partner=lambda: self._crop(chosen, self.size, rng, (0, 0, 0)),
            unknown={"classes": UNKNOWN},
        )
        return {**changed, "objects": changed["ids"]} if same else changed

    def _crop(
        self, chosen: int, size: tuple[int, int, int], rng: np.random.Generator, beyond: Sequence[int]
    ) -> dict[str, NDArray[Any]]:
        """A random crop, `beyond` voxels wider on each side; ids are unique over all parts."""
        place = self._places.draw(chosen, rng)
        taken = self._crops.source_size(chosen, size)
        start = box_start(place, self.parts[chosen].shape, taken, rng)
        arrays = self._crops.read(chosen, start, size, beyond)
        base = self._bases[chosen]
        ids = _based(arrays["ids"], base)
        inner = arrays["objects"] is not arrays["ids"]
        part = self.parts[chosen]
        return {
            "raw": (arrays["raw"] - np.float32(part.mean)) / np.float32(part.std),
            "ids": ids,
            "objects": _based(arrays["objects"], base) if inner else ids,
            "class_ids": self._crops.classes_of(chosen)[arrays["objects"]],
            "classes": arrays["classes"],
        }

    def _weights(self, objects: NDArray[np.int64], resolution_nm: Sequence[float]) -> NDArray[np.float32]:
        if self.loss.weight_embedding == 0:  # nobody reads them
            return np.zeros(objects.shape, np.float32)
        return voxel_weights(
            objects, resolution_nm, weight_edge=self.loss.weight_edge, weight_bone=self.loss.weight_bone
        )

    def _shapes(
        self, ids: NDArray[np.int64], unknown: NDArray[np.bool_], resolution_nm: Sequence[float]
    ) -> dict[str, NDArray[Any]]:
        """The descriptors where they are trained: making them takes as long as the weights do."""
        if self.loss.weight_lsd == 0:
            return {}
        descriptors, described = shape_descriptors(
            ids, resolution_nm, self.loss.lsd_sigma_nm, spatial_dims=2 if self.data.slice_mode else 3, unknown=unknown
        )
        return {"descriptors": descriptors.astype(np.float16), "described": described}

    def _flat(self, array: NDArray[Any]) -> NDArray[Any]:
        return np.ascontiguousarray(array.squeeze(-3) if self.data.slice_mode else array)


def _based(rows: NDArray[np.int32], base: int) -> NDArray[np.int64]:
    ids = rows.astype(np.int64)
    return np.where(ids > 0, ids + base, 0) if base else ids


def components(ids: NDArray[np.int64], smallest: int) -> NDArray[np.int64]:
    """Ids 1..n of the connected components of equal ids; those under `smallest` voxels become 0.

    A neurite that leaves the patch and comes back is two instances here: nothing in the patch tells that they
    are one, and the decoder cannot join what does not touch.
    """
    import cc3d

    return _large(cc3d.connected_components(ids, connectivity=6), smallest)


def renumbered(ids: NDArray[np.int64], smallest: int) -> NDArray[np.int64]:
    """Ids 1..n of the instances, each whole, wherever its pieces lie; those under `smallest` voxels become 0."""
    import fastremap

    return _large(fastremap.renumber(ids, preserve_zero=True, in_place=False)[0], smallest)


def _large(ids: NDArray[np.integer], smallest: int) -> NDArray[np.int64]:
    sizes = np.bincount(ids.ravel())
    keep = sizes >= smallest
    keep[0] = False
    new = np.where(keep, np.cumsum(keep), 0).astype(np.int64)
    return np.asarray(new[ids])


def eroded(classes: NDArray[np.integer], ids: NDArray[np.integer], voxels: int) -> NDArray[np.integer]:
    """Classes with background where, within `voxels` in plane, another instance or none begins.

    What borders on voxels where nobody looked for instances stays as it is.

    Args:
        classes: codes of the label space, (z, y, x).
        ids: instances, (z, y, x), 0 = none.
        voxels: how far, in plane; 0 changes nothing.
    """
    if voxels == 0:
        return classes
    from scipy.ndimage import maximum_filter, minimum_filter

    size = (1, 2 * voxels + 1, 2 * voxels + 1)
    boundary = (maximum_filter(ids, size) != minimum_filter(ids, size)) & (ids > 0) & (classes > BACKGROUND)
    unknown = classes == UNKNOWN
    if unknown.any():
        boundary &= ~maximum_filter(unknown, size)
    return np.where(boundary, classes.dtype.type(BACKGROUND), classes)
