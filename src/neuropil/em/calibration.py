"""Choosing how affinities are decoded, on validation data only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.em.arrays import grey_statistics
from neuropil.em.baseline import candidates, threshold_watershed
from neuropil.em.decoding import VERSION as DECODER
from neuropil.em.decoding import Calibration, best_calibration, decode
from neuropil.em.inference import VERSION as INFERENCE
from neuropil.em.inference import Predictor
from neuropil.em.labels import instance_name
from neuropil.em.metrics import Contingency, variation_of_information
from neuropil.em.network import EmNetwork
from neuropil.em.network_checkpoint import load_checkpoint, save_calibrated
from neuropil.em.parameters import EmDecodingParameters, EmInferenceParameters
from neuropil.em.patches import components
from neuropil.em.regridding import grid_box, on_grid
from neuropil.em.volume import open_volume
from neuropil.em.windows import Spans, slices
from neuropil.errors import InputError
from neuropil.statistics.volumes import having
from neuropil.work.keys import content_key, file_digest
from neuropil.work.ledger import Entry, Ledger
from neuropil.work.progress import Progress

VERSION = 2

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
    """Try each pair of biases on the validation parts and store the best with the weights.

    The baseline's threshold is chosen on the same voxels, so that both methods were told as much. Only the boxes
    `val` of the split are read, of a large one its middle, as much as one decoding block. Volumes whose voxels are of
    another size than the network's count only where there are no others.

    Args:
        volumes: records of the annotated volumes.
        volume_folder: what their paths are relative to.
        split: parts of each volume.
        network: checkpoint of the training.
        target: the calibrated checkpoint to write.
        parameters: windows, and the biases to be tried.
        seed: the root seed.

    Returns:
        `target`.

    Raises:
        InputError: no volume has a validation part.
    """
    loaded = load_checkpoint(network).network
    chosen = having(volumes, split, "val")
    if not chosen:
        raise InputError("the split has no validation part; em_segmentation.data.split.protocol=gap makes one")
    digests = [record["digest"] for record in chosen]
    key = content_key(file_digest(network), split["hash"], digests, parameters, seed, VERSION, DECODER, INFERENCE)
    ledger = Ledger(target.with_suffix(".jsonl"))
    if ledger.find("calibration", key) is not None and target.exists():
        return target
    rows = _try_all(chosen, volume_folder, split, loaded, parameters, seed)
    found = {kind: best_calibration(list(_of(rows, kind))) for kind in ("decoding", "baseline")}
    calibration = {
        "decoding": Calibration(*found["decoding"]["setting"]).record(),
        "baseline": dict(zip(("quantile", "seed_nm"), found["baseline"]["setting"], strict=True)),
        "split": split["hash"],
        "tried": [{**row, "setting": list(row["setting"]), "kind": key[0]} for key, row in rows.items()],
    }
    save_calibrated(network, target, calibration)
    ledger.add(Entry("calibration", key, "done"))
    return target


def _try_all(
    volumes: Sequence[Mapping[str, Any]],
    volume_folder: Path,
    split: Mapping[str, Any],
    network: EmNetwork,
    parameters: EmInferenceParameters,
    seed: int,
) -> dict[tuple[str, float, float], Row]:
    """VOI of every setting of the decoder and of the baseline, summed over the validation parts."""
    offsets = network.hyperparameters["offsets"]
    predictor = Predictor(network, parameters)
    decoding = parameters.decoding
    rows: dict[tuple[str, float, float], Row] = {}
    pairs = list(product(decoding.bias_near, decoding.bias_far))
    thresholds = list(candidates())
    with Progress("calibrating decoding", len(volumes) * (len(pairs) + len(thresholds))) as progress:
        for record in volumes:
            box = split["volumes"][record["name"]]["val"]
            raw, truth, affinities, spacing = _validation(record, volume_folder, box, predictor, network, decoding)
            for near, far in pairs:
                labels = decode(
                    affinities, offsets, Calibration(near, far),
                    stride=decoding.stride, min_size=decoding.min_size, seed=seed,
                )  # fmt: skip
                _note(rows, ("decoding", near, far), truth, labels)
                progress.advance()
            for threshold in thresholds:
                cells = threshold_watershed(raw, spacing, threshold)
                _note(rows, ("baseline", threshold.quantile, threshold.seed_nm), truth, cells)
                progress.advance()
    return rows


def _middle(box: Sequence[Sequence[int]], most: Sequence[int]) -> Spans:
    """The box, or as much of its middle as `most` voxels along each axis."""
    z, y, x = (
        (start + max(0, stop - start - size) // 2, stop - (max(0, stop - start - size) + 1) // 2)
        for (start, stop), size in zip(box, most, strict=True)
    )
    return z, y, x


def _validation(
    record: Mapping[str, Any],
    folder: Path,
    part: Sequence[Sequence[int]],
    predictor: Predictor,
    network: EmNetwork,
    decoding: EmDecodingParameters,
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8], tuple[float, float, float]]:
    """Grey values, true instances (connected inside the box), affinities (uint8), voxel size: the middle of a part.

    All on the network's grid, as inference sees the volume: biases found on another grid would be of other affinities.
    """
    spacing, dims = network.hyperparameters["spacing_nm"], int(network.hyperparameters["spatial_dims"])
    with open_volume(folder / record["path"]) as volume:
        mean, std = grey_statistics(volume)
        seen = on_grid(volume, spacing, dims)
        box = _middle(grid_box(part, volume.shape, seen.shape), decoding.block_size)
        prediction = predictor.predict(seen, box, bounds=box, mean=mean, std=std)
        name = instance_name(seen.labels)
        truth = components(np.asarray(seen.labels[str(name)][slices(box)]).astype(np.int64), smallest=1)
        raw = np.rint(np.asarray(seen.raw[slices(box)])).astype(np.uint8)
        return raw, truth, np.rint(prediction.affinities * 255).astype(np.uint8), seen.resolution_nm


def _note(
    rows: dict[tuple[str, float, float], Row], key: tuple[str, float, float], truth: NDArray[Any], labels: NDArray[Any]
) -> None:
    split, merge = variation_of_information(Contingency.of(truth, labels))
    row = rows.setdefault(key, {"setting": key[1:], "voi_split": 0.0, "voi_merge": 0.0})
    row["voi_split"] += split
    row["voi_merge"] += merge


def _of(rows: Mapping[tuple[str, float, float], Row], kind: str) -> Iterator[Row]:
    return (row for key, row in rows.items() if key[0] == kind)
