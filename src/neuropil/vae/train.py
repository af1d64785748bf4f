"""Train a SegVAE2D on views of neurons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader

from neuropil.errors import InputError
from neuropil.training.fit import Trained, fit
from neuropil.training.seeding import seeded
from neuropil.vae.module import VaeModule
from neuropil.vae.parameters import VaeParameters
from neuropil.views.access import ViewAccess
from neuropil.views.parameters import ViewsParameters
from neuropil.work.keys import content_key

VERSION = 1

Records = Sequence[Mapping[str, Any]]


def train_vae(
    train: Records, validation: Records, *, views: ViewAccess, folder: Path, parameters: VaeParameters, seed: int
) -> Trained:
    """Train, or return the finished training, or go on with a killed one (see `training.fit.fit`).

    Args:
        train: manifest records of the training views.
        validation: of the views that choose the best epoch; none keeps the last epoch as the best.
        views: where the views come from.
        folder: where the training is kept.
        parameters: the section `vae_pretrain`.
        seed: the root seed: weights, order, augmentation, draws of the latents.

    Raises:
        InputError: there are no training views, or they are of several sizes.
    """
    check_views(train, "manifest_train")
    with seeded(seed, "vae", "weights"):
        module = VaeModule(parameters)
    return fit(
        module,
        _loader(train, views, parameters, seed, training=True),
        _loader(validation, views, parameters, seed, training=False) if validation else None,
        folder=folder,
        key=training_key(train, validation, parameters, views.parameters),
        seed=seed,
        training=parameters.training(),
        label="training vae_pretrain",
    )


def training_key(
    train: Records, validation: Records, parameters: VaeParameters, views: ViewsParameters | None = None
) -> str:
    """Content key of a training: the manifests (which name every view and how it was rendered) and the sections."""
    section = parameters.model_dump(mode="json", exclude={"num_workers", "accelerator"})
    seen = (views or ViewsParameters()).training_section()
    return content_key(VERSION, list(train), list(validation), section, seen)


def check_views(records: Records, manifest: str) -> None:
    """Raise InputError where there are no views, or views of several sizes, which no batch can hold."""
    if not records:
        raise InputError(f"{manifest}: no views; run the rendering pipeline, or lower rendering.min_qc")
    sizes = {(record.get("height"), record.get("width")) for record in records}
    if len(sizes) > 1:
        raise InputError(
            f"{manifest}: views of {len(sizes)} sizes; render them all with one rendering.width and height"
        )


def _loader(
    records: Records, views: ViewAccess, parameters: VaeParameters, seed: int, *, training: bool
) -> DataLoader[dict[str, Any]]:
    augmentation = parameters.augmentation if training else None
    return DataLoader(
        views.open(records, augmentation=augmentation, seed=seed),
        batch_size=parameters.batch_size,
        shuffle=training,
        num_workers=parameters.num_workers,
    )
