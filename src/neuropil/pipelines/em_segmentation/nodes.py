"""Nodes of em_segmentation: thin functions around the engine `neuropil.em`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neuropil.compute import ComputeParameters
from neuropil.em.parameters import (
    EmDataParameters,
    EmInferenceParameters,
    EmLossParameters,
    EmModelParameters,
    EmOptimizerParameters,
    EmSplitParameters,
)
from neuropil.pipelines.skipping import skips
from neuropil.training.parameters import TrainingParameters
from neuropil.work.index import Index
from neuropil.work.skipped import Skipped

_NO_LABELS = "no volume with instance labels (volumes/labels/neuron_ids or mitochondria): nothing to learn from"
_NOT_SEGMENTED = "none of the volumes with labels was segmented in this run: nothing to score"


@skips
def split_em_volumes(volumes: Index, split: EmSplitParameters) -> dict[str, Any] | Skipped:
    """Divide every annotated volume into a training, a validation and a test part with gaps between them."""
    from neuropil.em.labels import annotated
    from neuropil.statistics.volumes import split_volumes

    records = annotated(volumes)
    if not records:
        return Skipped(_NO_LABELS)
    return split_volumes(
        records,
        val_fraction=split.val_fraction,
        test_fraction=split.test_fraction,
        gap_nm=split.gap_nm,
        axis=split.axis,
    )


@skips(outputs=2)
def train_em_network(
    volumes: Index,
    volume_store: Path,
    volume_split: dict[str, Any],
    model: EmModelParameters,
    data: EmDataParameters,
    loss: EmLossParameters,
    optimizer: EmOptimizerParameters,
    training: TrainingParameters,
    em_training_store: Path,
    seed: int,
) -> tuple[Path, Index]:
    """Train the network on the training parts; the validation parts choose the epoch; test parts are not read."""
    from neuropil.em.labels import annotated
    from neuropil.em.train import train_network

    trained = train_network(
        annotated(volumes),
        volume_store,
        volume_split,
        model=model,
        data=data,
        loss=loss,
        optimizer=optimizer,
        training=training,
        folder=em_training_store,
        seed=seed,
    )
    return trained.best, Index(trained.history)


@skips
def draw_em_curves(em_history: Index) -> dict[str, Any]:
    """Draw the losses over the epochs."""
    from neuropil.training.curves import curves

    return curves([dict(record) for record in em_history], "em_segmentation: training")


@skips
def calibrate_decoding(
    volumes: Index,
    volume_store: Path,
    volume_split: dict[str, Any],
    em_network: Path,
    em_training_store: Path,
    inference: EmInferenceParameters,
    seed: int,
) -> Path:
    """Choose the biases of the mutex watershed (and the baseline's threshold) on the validation parts only."""
    from neuropil.em.calibration import calibrate
    from neuropil.em.labels import annotated

    return calibrate(
        annotated(volumes),
        volume_store,
        volume_split,
        em_network,
        em_training_store / "calibration" / "calibrated.ckpt",
        inference,
        seed=seed,
    )


@skips
def predict_affinities(
    em_input: Path, em_checkpoint: Path, inference: EmInferenceParameters, em_affinity_store: Path
) -> Index:
    """Run the network over whole volumes, window by window, into Zarr; labels are not needed."""
    from neuropil.em.affinity_store import predict_volumes
    from neuropil.em.volume import find_volumes

    paths = find_volumes(em_input)
    if not paths:
        return Index.skipped(f"no HDF5 volumes in {em_input}")
    return Index(predict_volumes(paths, em_checkpoint, em_affinity_store, inference))


@skips
def decode_instances(
    em_affinities: Index,
    em_affinity_store: Path,
    em_checkpoint: Path,
    em_output: Path,
    inference: EmInferenceParameters,
    compute: ComputeParameters,
    seed: int,
) -> Index:
    """Turn affinities into instances by mutex watershed, block by block, and write them as HDF5."""
    from neuropil.em.segment import decode_volumes

    return Index(
        decode_volumes(
            em_affinities, em_affinity_store, em_checkpoint, em_output, inference, compute=compute, seed=seed
        )
    )


@skips
def score_segmentation(
    volumes: Index,
    volume_store: Path,
    volume_split: dict[str, Any],
    em_segmentation: Index,
    em_output: Path,
    em_checkpoint: Path,
    seed: int,
) -> dict[str, Any] | Skipped:
    """Score the held-out parts: adapted Rand error, VOI, objects found; beside the baseline and one segment."""
    from neuropil.em.labels import annotated
    from neuropil.em.scoring import held_out, score_volumes

    parts = held_out(annotated(volumes), volume_store, volume_split, em_segmentation, em_output)
    scores = score_volumes(parts, em_checkpoint, volume_split, seed=seed)
    return scores if scores["scores"] else Skipped(_NOT_SEGMENTED)


@skips
def draw_em_overlay(
    volumes: Index, volume_store: Path, volume_split: dict[str, Any], em_segmentation: Index, em_output: Path
) -> bytes | Skipped:
    """Draw raw data, truth and prediction of the held-out parts side by side."""
    from neuropil.em.labels import annotated
    from neuropil.em.overlay import draw_overlay
    from neuropil.em.scoring import held_out

    picture = draw_overlay(held_out(annotated(volumes), volume_store, volume_split, em_segmentation, em_output))
    return picture or Skipped(_NOT_SEGMENTED)
