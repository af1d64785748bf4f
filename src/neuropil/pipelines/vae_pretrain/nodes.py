"""Nodes of the vae_pretrain pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neuropil.pipelines.skipping import reason_to_skip, skips
from neuropil.vae.parameters import VaeParameters
from neuropil.views.parameters import ViewsParameters
from neuropil.work.index import Index
from neuropil.work.skipped import Skipped

_TRAINING = "training"  # below the training store, so that its files never meet the catalog's


def train_vae(
    manifest_train: Index,
    manifest_val: Index,
    view_store: Path,
    neuron_store: Path,
    vae_training_store: Path,
    vae_pretrain: VaeParameters,
    views: ViewsParameters,
    seed: int,
) -> tuple[Path | Skipped, Index | Skipped]:
    """Train the SegVAE on the training views; the validation views, if there are any, choose the best epoch."""
    reason = reason_to_skip(manifest_train)
    if reason is not None:
        return Skipped(reason), Skipped(reason)
    from neuropil.vae.train import train_vae
    from neuropil.views.access import ViewAccess

    access = ViewAccess(view_store, neuron_store, views)
    trained = train_vae(
        access.read(manifest_train),
        [] if reason_to_skip(manifest_val) else access.read(manifest_val),
        views=access,
        folder=vae_training_store / _TRAINING,
        parameters=vae_pretrain,
        seed=seed,
    )
    return trained.best, Index(trained.history)


@skips
def draw_vae_curves(vae_history: Index) -> dict[str, Any]:
    """Draw losses and KL divergences over the epochs."""
    from neuropil.training.curves import curves

    return curves([dict(record) for record in vae_history], "Segmentation VAE: training")


@skips
def score_vae(
    vae_checkpoint: Path,
    manifest_test: Index,
    manifest_train: Index,
    neuron_split: dict[str, Any],
    view_store: Path,
    neuron_store: Path,
    views: ViewsParameters,
    seed: int,
) -> dict[str, Any] | Skipped:
    """Score compartments and depth on the neurons held back, beside two baselines, and the use of the latents."""
    from neuropil.vae.load import load_vae
    from neuropil.vae.scoring import score_vae
    from neuropil.views.access import ViewAccess
    from neuropil.work.keys import file_digest

    if len(manifest_test) == 0:
        return Skipped(_NO_TEST)
    access = ViewAccess(view_store, neuron_store, views)
    found = score_vae(
        load_vae(vae_checkpoint),
        access.read(manifest_test),
        access.read(manifest_train),
        views=access,
        split=str(neuron_split["hash"]),
        seed=seed,
    )
    return {**found, "checkpoint": file_digest(vae_checkpoint)}


@skips
def draw_vae_reconstructions(
    vae_checkpoint: Path, manifest_test: Index, view_store: Path, neuron_store: Path, views: ViewsParameters
) -> bytes | Skipped:
    """Draw held-out views beside what the network makes of their silhouettes."""
    from neuropil.vae.load import load_vae
    from neuropil.vae.picture import draw_reconstructions
    from neuropil.views.access import ViewAccess

    if len(manifest_test) == 0:
        return Skipped(_NO_TEST)
    access = ViewAccess(view_store, neuron_store, views)
    return draw_reconstructions(load_vae(vae_checkpoint), access.read(manifest_test), access)


_NO_TEST = "no test views: raise rendering.test_ratio to hold neurons back"
