"""Nodes of em_segmentation: thin functions around the engine `neuropil.em`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pandas as pd  # at the top: Kedro resolves the type hints of nodes (its plugins load pandas anyway)

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
_NO_TEST = "no volume has a test part in this split: nothing to score"
_NO_OBJECTS = "no labelled instance in the held-out parts: nothing to score"
_NO_FAULTS = "no merge or split of 200 voxels or more in the held-out parts"

logger = logging.getLogger(__name__)


@skips
def split_em_volumes(
    volumes: Index, volume_store: Path, split: EmSplitParameters, volume_split_store: Path
) -> dict[str, Any] | Skipped:
    """Say which voxels train, validate and test, as published or with gaps, and which instances run through parts."""
    from neuropil.em.labels import annotated
    from neuropil.em.shared_ids import sentence, shared_ids
    from neuropil.statistics.volumes import split_volumes

    records = annotated(volumes)
    if not records:
        return Skipped(_NO_LABELS)
    parts = split_volumes(
        records,
        val_fraction=split.val_fraction,
        test_fraction=split.test_fraction,
        gap_nm=split.gap_nm,
        axis=split.axis,
        protocol=split.protocol,
    )
    shared = shared_ids(records, volume_store, parts, volume_split_store / "shared_ids.jsonl")
    for note in parts["notes"]:
        logger.warning("%s", note)
    if line := sentence(shared):
        logger.info("%s", line)
    return {**parts, "shared_ids": shared}


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
    from neuropil.em.train import disk_note, train_network

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
    return trained.best, Index(trained.history, note=disk_note(em_training_store / "parts"))


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
    """Choose the decoder's settings and the baseline's threshold on the validation parts; `learned` is taught on the
    training parts."""
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
        return Index.skipped(f"no EM volumes in {em_input}")
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
    """Turn affinities into instances by the calibrated method, block by block, and write them as HDF5."""
    from neuropil.em.segment import decode_volumes

    return Index(
        decode_volumes(
            em_affinities, em_affinity_store, em_checkpoint, em_output, inference, compute=compute, seed=seed
        )
    )


@skips
def connect_held_out(
    volumes: Index,
    volume_store: Path,
    volume_split: dict[str, Any],
    em_segmentation: Index,
    em_output: Path,
    em_checkpoint: Path,
    em_held_out_store: Path,
    compute: ComputeParameters,
) -> Index:
    """Write truth, instances and baseline of the held-out parts side by side, as components connected inside them."""
    from neuropil.em.labels import annotated
    from neuropil.em.scoring import connect_held_out
    from neuropil.statistics.volumes import having

    records = annotated(volumes)
    if not having(records, volume_split, "test"):
        return Index.skipped(_NO_TEST)
    found = connect_held_out(
        records,
        volume_store,
        volume_split,
        list(em_segmentation),
        em_output,
        em_checkpoint,
        em_held_out_store,
        compute=compute,
    )
    parts = list(found)
    return Index(parts) if parts else Index.skipped(_NOT_SEGMENTED)


@skips(outputs=2)
def score_segmentation(
    em_held_out: Index,
    em_held_out_store: Path,
    volume_store: Path,
    em_output: Path,
    volume_split: dict[str, Any],
    em_checkpoint: Path,
    seed: int,
) -> tuple[dict[str, Any] | Skipped, pd.DataFrame]:
    """Score the held-out parts beside a baseline, one segment and an oracle; list the worst merges and splits."""
    from neuropil.em.scoring import open_held_out, score_volumes
    from neuropil.em.scoring.fault_table import COLUMNS
    from neuropil.work.keys import file_digest

    parts = open_held_out(em_held_out, em_held_out_store, volume_store, em_output)
    scores, worst = score_volumes(parts, em_checkpoint, volume_split, seed=seed)
    faults = pd.DataFrame(worst, columns=list(COLUMNS)).astype(COLUMNS)
    scores["checkpoint"] = file_digest(em_checkpoint)
    return (scores if scores["scores"] else Skipped(_NO_OBJECTS)), faults


@skips
def draw_em_overlay(em_held_out: Index, em_held_out_store: Path, volume_store: Path, em_output: Path) -> bytes:
    """Draw raw data, truth and prediction of the held-out parts side by side."""
    from neuropil.em.overlay import draw_overlay
    from neuropil.em.scoring import open_held_out

    return draw_overlay(open_held_out(em_held_out, em_held_out_store, volume_store, em_output))


@skips
def draw_em_faults(
    em_held_out: Index, em_held_out_store: Path, volume_store: Path, em_output: Path, em_faults: pd.DataFrame
) -> bytes | Skipped:
    """Draw the places of the worst merges and splits: raw data, truth and prediction."""
    from neuropil.em.scoring import open_held_out
    from neuropil.em.scoring.fault_picture import draw_faults

    parts = open_held_out(em_held_out, em_held_out_store, volume_store, em_output)
    rows: list[Any] = em_faults.to_dict("records")
    return draw_faults(parts, rows) or Skipped(_NO_FAULTS)
