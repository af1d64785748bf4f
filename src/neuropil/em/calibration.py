"""Choosing how affinities are decoded, on validation data only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from neuropil.em.agglomeration import VERSION as AGGLOMERATION
from neuropil.em.baseline import candidates, threshold_watershed
from neuropil.em.calibration_blocks import BlockReader
from neuropil.em.calibration_trials import Trial, trial_of
from neuropil.em.decoding import VERSION as DECODER
from neuropil.em.decoding import best_calibration
from neuropil.em.inference import VERSION as INFERENCE
from neuropil.em.inference import check_trained
from neuropil.em.metrics import Contingency, variation_of_information
from neuropil.em.network_checkpoint import load_checkpoint, save_calibrated
from neuropil.em.parameters import EmInferenceParameters
from neuropil.errors import InputError
from neuropil.statistics.volumes import having
from neuropil.work.keys import content_key, file_digest
from neuropil.work.ledger import Entry, Ledger
from neuropil.work.progress import Progress

VERSION = 3

Row = dict[str, Any]


def calibrate(
    volumes: Sequence[Mapping[str, Any]],
    volume_folder: Path,
    split: Mapping[str, Any],
    network: Path,
    target: Path,
    parameters: EmInferenceParameters,
    *,
    seed: int,
) -> Path:
    """Try the settings of the decoding method on the validation parts and store the best with the weights.

    The baseline's threshold is chosen on the same voxels, so that both methods were told as much. Only the boxes
    `val` of the split are read, and for `method: learned` the boxes `train`, from which its classifier is taught; of a
    large one `calibration_blocks` blocks of the size that is decoded at once, spread over it. Grey values are
    normalised by what is known of that box.

    Args:
        volumes: records of the annotated volumes.
        volume_folder: what their paths are relative to.
        split: parts of each volume.
        network: checkpoint of the training.
        target: the calibrated checkpoint to write.
        parameters: windows, the decoding method, and the settings to be tried.
        seed: the root seed.

    Returns:
        `target`.

    Raises:
        InputError: no volume has a validation part.
    """
    loaded = load_checkpoint(network).network
    check_trained(network, parameters)
    chosen = having(volumes, split, "val")
    if not chosen:
        raise InputError("the split has no validation part; em_segmentation.data.split.protocol=gap makes one")
    digests = [record["digest"] for record in chosen]
    key = content_key(
        file_digest(network),
        split["hash"],
        digests,
        parameters,
        seed,
        VERSION,
        DECODER,
        INFERENCE,
        AGGLOMERATION,
    )
    ledger = Ledger(target.with_suffix(".jsonl"))
    if ledger.find("calibration", key) is not None and target.exists():
        return target
    reader = BlockReader(loaded, parameters, volume_folder, split)
    trial = trial_of(parameters.decoding, reader, having(volumes, split, "train"), seed)
    rows = _try_all(chosen, reader, trial)
    found = {kind: best_calibration(list(_of(rows, kind))) for kind in ("decoding", "baseline")}
    calibration = {
        "decoding": trial.calibration(found["decoding"]["setting"]).record(),
        "baseline": dict(zip(("quantile", "seed_nm"), found["baseline"]["setting"], strict=True)),
        "split": split["hash"],
        "tried": [{**row, "setting": list(row["setting"]), "kind": key[0]} for key, row in rows.items()],
    }
    save_calibrated(network, target, calibration)
    ledger.add(Entry("calibration", key, "done"))
    return target


def _try_all(
    volumes: Sequence[Mapping[str, Any]], reader: BlockReader, trial: Trial
) -> dict[tuple[str, tuple[float, ...]], Row]:
    """VOI of every setting of the decoder and of the baseline over the validation parts, weighed by their voxels."""
    rows: dict[tuple[str, tuple[float, ...]], Row] = {}
    thresholds = list(candidates())
    total = sum(len(reader.boxes(record, "val")) for record in volumes)
    voxels = 0
    with Progress("calibrating decoding", total) as progress:
        for record in volumes:
            for block in reader.blocks(record, "val"):
                weight = int((block.truth > 0).sum())
                voxels += weight
                for setting, table in trial.tables(block):
                    _note(rows, ("decoding", setting), table, weight)
                for threshold in thresholds:
                    cells = threshold_watershed(block.raw, block.spacing_nm, threshold)
                    setting = (threshold.quantile, threshold.seed_nm)
                    _note(rows, ("baseline", setting), Contingency.of(block.truth, cells), weight)
                progress.advance()
    for row in rows.values():  # instances of two blocks are never one, so the shares of both add up by their voxels
        row["voi_split"] /= max(voxels, 1)
        row["voi_merge"] /= max(voxels, 1)
    return rows


def _note(
    rows: dict[tuple[str, tuple[float, ...]], Row],
    key: tuple[str, tuple[float, ...]],
    table: Contingency,
    weight: int,
) -> None:
    split, merge = variation_of_information(table)
    row = rows.setdefault(key, {"setting": key[1], "voi_split": 0.0, "voi_merge": 0.0})
    row["voi_split"] += weight * split
    row["voi_merge"] += weight * merge


def _of(rows: Mapping[tuple[str, tuple[float, ...]], Row], kind: str) -> Iterator[Row]:
    return (row for key, row in rows.items() if key[0] == kind)
