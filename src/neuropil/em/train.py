"""Training of the segmentation network on the training parts of the volumes."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import DataLoader

from neuropil.em.arrays import Part, prepare_part, remove_other_parts
from neuropil.em.module import EmModule
from neuropil.em.offsets import affinity_offsets
from neuropil.em.parameters import EmDataParameters, EmLossParameters, EmModelParameters, EmOptimizerParameters
from neuropil.em.patches import PatchDataset
from neuropil.em.places import CLASS_VOXELS
from neuropil.em.resampling import needs_resampling
from neuropil.em.sampling import drawn_volumes
from neuropil.errors import InputError
from neuropil.training.fit import Trained, fit
from neuropil.training.parameters import TrainingParameters
from neuropil.training.seeding import seeded
from neuropil.work.keys import content_key

logger = logging.getLogger(__name__)

VERSION = 2


def train_network(
    volumes: Sequence[Mapping[str, Any]],
    volume_folder: Path,
    split: Mapping[str, Any],
    *,
    model: EmModelParameters,
    data: EmDataParameters,
    loss: EmLossParameters,
    optimizer: EmOptimizerParameters,
    training: TrainingParameters,
    folder: Path,
    seed: int,
) -> Trained:
    """Train on the training parts; the validation parts choose the best epoch; the test parts are not read.

    Args:
        volumes: records of the annotated volumes.
        volume_folder: what their paths are relative to.
        split: the parts of each volume (`neuropil.statistics.volumes.split_volumes`); a volume may lack some.
        model: the network.
        data: the patches.
        loss: the losses.
        optimizer: the optimizer.
        training: length, precision, device.
        folder: keeps the decoded parts and, in `training`, the checkpoints.
        seed: the root seed.

    Raises:
        InputError: no volume has a training part, the weights name no volume, a class or the patch size does not
            fit the network, or the memory or the disk is too small.
    """
    parts = _prepared(drawn_volumes(volumes, data.volume_weights), volume_folder, split, folder / "parts")
    if loss.weight_semantic > 0:
        _check_classes([*parts["train"], *parts["val"]], model.num_classes)
    network = network_options(model, parts["train"], data.voxel_nm, lsd=loss.weight_lsd > 0)
    with seeded(seed, "em_segmentation", "weights"):
        module = EmModule(network, loss.model_dump(mode="json"), optimizer.model_dump(mode="json"))
    _check_size(module.network.multiple, data)
    loaders = {
        name: DataLoader(
            PatchDataset(
                parts[name],
                offsets=network["offsets"],
                data=data,
                loss=loss,
                seed=seed,
                validation=name == "val",
                spacing_nm=network["spacing_nm"],
                num_classes=model.num_classes,
            ),
            batch_size=data.batch_size,
            num_workers=data.num_workers,
        )
        for name in ("train", "val")
        if parts[name]
    }
    described = data.model_dump(mode="json", exclude={"num_workers", "split", "cache_rate"})
    decoded = {name: [[part.folder.name, part.source] for part in some] for name, some in parts.items()}
    return fit(
        module,
        loaders["train"],
        loaders.get("val"),
        folder=folder / "training",
        key=content_key(decoded, split["hash"], network, described, loss, optimizer, VERSION),
        seed=seed,
        training=training,
        label="training em_segmentation",
    )


def _prepared(
    records: Sequence[Mapping[str, Any]], volume_folder: Path, split: Mapping[str, Any], folder: Path
) -> dict[str, list[Part]]:
    """The decoded training and validation parts of those volumes that have them; others in the folder are removed."""
    parts: dict[str, list[Part]] = {}
    for name in ("train", "val"):
        boxes = {record["name"]: split["volumes"].get(record["name"], {}).get(name) for record in records}
        parts[name] = [
            prepare_part(
                record, volume_folder, boxes[record["name"]], folder,
                grey_box=split["volumes"][record["name"]].get("train"),
            )
            for record in records
            if boxes[record["name"]] is not None
        ]  # fmt: skip
    if not parts["train"]:
        raise InputError(
            "no volume has a part for training; change em_segmentation.data.split.protocol or "
            "em_segmentation.data.volume_weights"
        )
    remove_other_parts(folder, [*parts["train"], *parts["val"]])
    logger.info(disk_note(folder))
    return parts


def disk_note(folder: Path) -> str:
    """A line that says how much disk the decoded parts in `folder` take."""
    parts = [place for place in folder.iterdir() if place.is_dir()] if folder.is_dir() else []
    size = sum(file.stat().st_size for place in parts for file in place.iterdir())
    return f"Decoded for training: {len(parts)} parts of volumes, {size / 1e9:.2f} GB of disk"


def network_options(
    model: EmModelParameters, parts: Sequence[Part], voxel_nm: Sequence[float] | None = None, *, lsd: bool = False
) -> dict[str, Any]:
    """Keyword arguments of `EmNetwork`, with offsets for its voxel size.

    Args:
        model: the network.
        parts: the training parts.
        voxel_nm: voxel size of the network, (z, y, x); None = that of the largest part.
        lsd: whether it has a head of local shape descriptors.
    """
    largest = max(parts, key=lambda part: part.voxels)
    spacing = tuple(voxel_nm) if voxel_nm is not None else largest.resolution_nm
    for part in parts:
        if needs_resampling(part.resolution_nm, spacing, model.spatial_dims):
            logger.info(
                "volume %s has voxels of %s nm: its patches are resampled to the network's %s nm",
                part.volume, _times(part.resolution_nm), _times(spacing),
            )  # fmt: skip
    return {
        "encoder_name": model.encoder_name,
        "feature_size": model.feature_size,
        "num_classes": model.num_classes,
        "emb_dim": model.emb_dim,
        "offsets": [list(o) for o in affinity_offsets(model.affinity_reach_nm, spacing, model.spatial_dims)],
        "spacing_nm": list(spacing),
        "spatial_dims": model.spatial_dims,
        **({"lsd": True} if lsd else {}),
    }


def _times(lengths: Sequence[float]) -> str:
    return " x ".join(f"{length:g}" for length in lengths)


def _check_classes(parts: Sequence[Part], num_classes: int) -> None:
    for part in parts:
        highest = int(np.max(np.flatnonzero(np.load(part.folder / CLASS_VOXELS)), initial=0))
        if highest >= num_classes:
            raise InputError(
                f"volume {part.volume} holds class {highest}, but em_segmentation.model.num_classes={num_classes}; "
                f"raise it to {highest + 1} or more"
            )


def _check_size(multiple: Sequence[int], data: EmDataParameters) -> None:
    size = data.patch_size[-len(multiple) :]
    if any(length % step for length, step in zip(size, multiple, strict=True)):
        raise InputError(
            f"em_segmentation.data.patch_size={'x'.join(map(str, data.patch_size))}: with this network and voxel size "
            f"it must be a multiple of {'x'.join(map(str, multiple))} ({'y, x' if len(multiple) == 2 else 'z, y, x'})"
        )
