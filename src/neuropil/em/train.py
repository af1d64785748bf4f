"""Training of the segmentation network on the training parts of the volumes."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader

from neuropil.em.arrays import Part, prepare_part
from neuropil.em.module import EmModule
from neuropil.em.offsets import affinity_offsets
from neuropil.em.parameters import EmDataParameters, EmLossParameters, EmModelParameters, EmOptimizerParameters
from neuropil.em.patches import PatchDataset
from neuropil.errors import InputError
from neuropil.training.fit import Trained, fit
from neuropil.training.parameters import TrainingParameters
from neuropil.training.seeding import seeded
from neuropil.work.keys import content_key

logger = logging.getLogger(__name__)

VERSION = 1


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
        split: the parts of each volume (`neuropil.statistics.volumes.split_volumes`).
        model: the network.
        data: the patches.
        loss: the losses.
        optimizer: the optimizer.
        training: length, precision, device.
        folder: keeps the decoded parts and, in `training`, the checkpoints.
        seed: the root seed.
    """
    parts = {
        name: [
            prepare_part(record, volume_folder, split["volumes"][record["name"]][name], folder / "parts",
                         ignore_index=loss.ignore_index)
            for record in volumes
        ]
        for name in ("train", "val")
    }  # fmt: skip
    network = network_options(model, parts["train"])
    with seeded(seed, "em_segmentation", "weights"):
        module = EmModule(network, loss.model_dump(mode="json"), optimizer.model_dump(mode="json"))
    _check_size(module.network.multiple, data)
    loaders = {
        name: DataLoader(
            PatchDataset(
                parts[name], offsets=network["offsets"], data=data, loss=loss, seed=seed, validation=name == "val"
            ),
            batch_size=data.batch_size,
            num_workers=data.num_workers,
        )
        for name in ("train", "val")
    }
    described = data.model_dump(mode="json", exclude={"num_workers", "split"})
    digests = [record["digest"] for record in volumes]
    return fit(
        module,
        loaders["train"],
        loaders["val"],
        folder=folder / "training",
        key=content_key(digests, split["hash"], network, described, loss, optimizer, VERSION),
        seed=seed,
        training=training,
        label="training em_segmentation",
    )


def network_options(model: EmModelParameters, parts: Sequence[Part]) -> dict[str, Any]:
    """Keyword arguments of `EmNetwork`, with offsets for the voxel size of the largest part."""
    largest = max(parts, key=lambda part: part.shape[0] * part.shape[1] * part.shape[2])
    spacing = largest.resolution_nm
    for part in parts:
        ratios = [a / b for a, b in zip(part.resolution_nm, spacing, strict=True)]
        if max(ratios) > 1.5 or min(ratios) < 1 / 1.5:
            logger.warning(
                "volume %s has voxels of %s nm, but the network is planned for %s nm (%s)",
                part.volume, part.resolution_nm, spacing, largest.volume,
            )  # fmt: skip
    return {
        "encoder_name": model.encoder_name,
        "feature_size": model.feature_size,
        "num_classes": model.num_classes,
        "emb_dim": model.emb_dim,
        "offsets": [list(o) for o in affinity_offsets(model.affinity_reach_nm, spacing, model.spatial_dims)],
        "spacing_nm": list(spacing),
        "spatial_dims": model.spatial_dims,
    }


def _check_size(multiple: Sequence[int], data: EmDataParameters) -> None:
    size = data.patch_size[-len(multiple) :]
    if any(length % step for length, step in zip(size, multiple, strict=True)):
        raise InputError(
            f"em_segmentation.data.patch_size={'x'.join(map(str, data.patch_size))}: with this network and voxel size "
            f"it must be a multiple of {'x'.join(map(str, multiple))} ({'y, x' if len(multiple) == 2 else 'z, y, x'})"
        )
