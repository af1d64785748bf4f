"""Scores of a segmentation on the held-out part, beside the classical baseline and beside one segment for all."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from neuropil.em.baseline import METHOD as BASELINE
from neuropil.em.baseline import Threshold, threshold_watershed
from neuropil.em.export import LABELS
from neuropil.em.labels import instance_name
from neuropil.em.metrics import Contingency, adapted_rand, objects_found, variation_of_information
from neuropil.em.network_checkpoint import load_checkpoint
from neuropil.em.patches import components
from neuropil.em.volume import open_volume
from neuropil.em.windows import slices
from neuropil.statistics.scores import Score

logger = logging.getLogger(__name__)

NETWORK = "network + mutex watershed"
ONE_SEGMENT = "one segment"
LARGE = 1000
_TILES = 4
_RESAMPLES = 500


@dataclass(frozen=True)
class HeldOut:
    """The test part of a volume: grey values, truth and segmentation, (z, y, x).

    Truth and segmentation carry ids of components that are connected inside the part: what joins them outside
    cannot be seen here, by no method.
    """

    name: str
    raw: NDArray[np.uint8]
    truth: NDArray[np.int64]
    segmentation: NDArray[np.int64]
    resolution_nm: tuple[float, float, float]


def held_out(
    volumes: Iterable[Mapping[str, Any]],
    volume_folder: Path,
    split: Mapping[str, Any],
    segmentations: Iterable[Mapping[str, Any]],
    output: Path,
) -> Iterable[HeldOut]:
    """The test parts of those annotated volumes that were segmented.

    Args:
        volumes: records of the annotated volumes.
        volume_folder: what their paths are relative to.
        split: parts of each volume.
        segmentations: records of the index `em_segmentation`.
        output: the folder (or the one file) that they were written to.
    """
    made = {(record["name"], record["digest"]): record for record in segmentations}
    for volume in volumes:
        record = made.get((volume["name"], volume["digest"]))
        if record is None:
            continue
        z, y, x = split["volumes"][volume["name"]]["test"]
        box = slices((tuple(z), tuple(y), tuple(x)))
        target = output / record["path"] if output.is_dir() else output
        with open_volume(volume_folder / volume["path"]) as opened, h5py.File(target, "r") as file:
            truth = opened.labels[str(instance_name(opened.labels))][box]
            yield HeldOut(
                volume["name"],
                opened.raw[box],
                components(truth.astype(np.int64), smallest=1),
                components(file[LABELS][box].astype(np.int64), smallest=1),
                opened.resolution_nm,
            )


def score_volumes(parts: Iterable[HeldOut], checkpoint: Path, split: Mapping[str, Any], *, seed: int) -> dict[str, Any]:
    """Score rows for each volume and method, and what is needed to read them.

    Args:
        parts: the held-out parts.
        checkpoint: calibrated; holds the baseline's threshold and the split it was calibrated on.
        split: parts of each volume.
        seed: of the bootstrap.

    Returns:
        {"scores": [...], "volumes": {name: {"voxels", "objects", "large_objects", "largest_share"}}, "note"}.
    """
    extra = load_checkpoint(checkpoint).extra
    threshold = Threshold(**extra["baseline"])
    foreign = extra["split"] != split["hash"]
    if foreign:
        logger.warning("the checkpoint was trained on another split: its scores here are not of held-out data alone")
    rows: list[dict[str, Any]] = []
    facts = {}
    for part in parts:
        methods: dict[str, NDArray[Any]] = {
            NETWORK: part.segmentation,
            BASELINE: threshold_watershed(part.raw, part.resolution_nm, threshold),
            ONE_SEGMENT: np.ones(part.truth.shape, np.int64),
        }
        scored = {name: _measures(part.truth, ids, seed) for name, ids in methods.items()}
        for method, measures in scored.items():
            rows += [
                _row(part, split["hash"], method, metric, values, scored[ONE_SEGMENT][metric][0])
                for metric, values in measures.items()
            ]
        facts[part.name] = _facts(part.truth)
    return {
        "scores": rows,
        "volumes": facts,
        "split": split["hash"],
        "checkpoint_split": extra["split"],
        "note": "adapted Rand error weighs objects by the square of their size: read it beside VOI and object recall",
    }


Measure = tuple[float, float | None, float | None, int, str]
"""Figure, low, high, n, unit."""


def _measures(truth: NDArray[np.int64], ids: NDArray[np.integer], seed: int) -> dict[str, Measure]:
    tables = [Contingency.of(truth[tile], ids[tile]) for tile in _tiles(truth.shape)]
    whole = sum(tables[1:], start=tables[0])
    objects = objects_found(whole, smallest=LARGE)
    drawn = list(_resampled(tables, seed))
    voxels = int(whole.voxels[whole.truth > 0].sum())
    split, merge = variation_of_information(whole)
    samples = [variation_of_information(table) for table in drawn]
    measures: dict[str, Measure] = {}
    for name, value, values in (
        ("adapted Rand error", adapted_rand(whole).error, [adapted_rand(table).error for table in drawn]),
        ("VOI", split + merge, [one + other for one, other in samples]),
        ("VOI split", split, [one for one, _ in samples]),
        ("VOI merge", merge, [other for _, other in samples]),
    ):
        measures[name] = (value, *_interval(values), voxels, "voxels")
    if len(objects.found):
        rng = np.random.default_rng([seed, 1])
        recalls = objects.found[rng.integers(len(objects.found), size=(_RESAMPLES, len(objects.found)))].mean(1)
        measures["object recall"] = (objects.recall, *_interval(list(recalls)), len(objects.found), "objects")
    return measures


def _tiles(shape: Sequence[int]) -> Iterable[tuple[slice, ...]]:
    """Sub-volumes: four by four over the two longest axes."""
    longest = sorted(range(3), key=lambda axis: -shape[axis])[:2]
    cuts = [
        np.linspace(0, size, min(_TILES, size) + 1).astype(int) if axis in longest else np.array([0, size])
        for axis, size in enumerate(shape)
    ]
    for z in range(len(cuts[0]) - 1):
        for y in range(len(cuts[1]) - 1):
            for x in range(len(cuts[2]) - 1):
                yield tuple(slice(int(c[i]), int(c[i + 1])) for c, i in zip(cuts, (z, y, x), strict=True))


def _resampled(tables: Sequence[Contingency], seed: int) -> Iterable[Contingency]:
    """Contingency tables of sub-volumes drawn with replacement: tables add up, so only counts are drawn."""
    pairs = np.concatenate([np.stack([table.truth, table.predicted], 1) for table in tables])
    unique, index = np.unique(pairs, axis=0, return_inverse=True)
    counts = np.zeros((len(tables), len(unique)))
    tile = np.repeat(np.arange(len(tables)), [len(table.voxels) for table in tables])
    np.add.at(counts, (tile, index.ravel()), np.concatenate([table.voxels for table in tables]))
    rng = np.random.default_rng([seed, 0])
    for _ in range(_RESAMPLES):
        times = np.bincount(rng.integers(len(tables), size=len(tables)), minlength=len(tables))
        voxels = (times @ counts).astype(np.int64)
        kept = voxels > 0
        yield Contingency(unique[kept, 0], unique[kept, 1], voxels[kept])


def _interval(values: Sequence[float]) -> tuple[float, float]:
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def _row(part: HeldOut, split: str, method: str, metric: str, values: Measure, chance: float) -> dict[str, Any]:
    score, low, high, n, unit = values
    better = "higher" if metric == "object recall" else "lower"
    return Score(
        task=f"instances in {part.name}", metric=metric, method=method, score=score, low=low, high=high,
        chance=chance, n=n, unit=unit, split=split, better=better,
        headline=method == NETWORK and metric in ("VOI", "adapted Rand error", "object recall"),
    ).record()  # fmt: skip


def _facts(truth: NDArray[np.int64]) -> dict[str, Any]:
    sizes = np.bincount(truth.ravel())[1:]
    return {
        "voxels": int(sizes.sum()),
        "objects": len(sizes),
        "large_objects": int((sizes > LARGE).sum()),
        "largest_share": float(sizes.max() / sizes.sum()) if len(sizes) else 0.0,
    }
