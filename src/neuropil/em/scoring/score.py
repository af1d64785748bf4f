"""Scores of the held-out parts: the network beside the classical baseline, one segment for all, and an oracle."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neuropil.em.baseline import METHOD as BASELINE
from neuropil.em.calibrations import MUTEX, NAMES, Calibrated
from neuropil.em.labels import NEURON
from neuropil.em.metrics import Contingency
from neuropil.em.network_checkpoint import load_checkpoint
from neuropil.em.scoring.fault_table import fault_rows
from neuropil.em.scoring.held_out import ClassPart, HeldOut
from neuropil.em.scoring.measures import LARGE, SPECK, Measure, agreement, class_iou, objects
from neuropil.em.scoring.runs import run_lengths, trace, under
from neuropil.em.scoring.tables import merged_by_oracle, one_segment, tile_tables
from neuropil.statistics.scores import Score

logger = logging.getLogger(__name__)

CLASSES = "network, class by class"
ONE_SEGMENT = "one segment"
ORACLE = "network, fragments merged by an oracle"

_HEADLINES = ("VOI", "adapted Rand error", "object recall")

Measures = dict[str, Measure]


def score_volumes(
    parts: Iterable[HeldOut], checkpoint: Path, split: Mapping[str, Any], *, seed: int
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Score rows for each volume and method, what is needed to read them, and the worst merges and splits.

    Args:
        parts: the held-out parts.
        checkpoint: calibrated; holds the split it was calibrated on.
        split: parts of each volume.
        seed: of the bootstrap.

    Returns:
        {"scores": [...], "volumes": {name: {"box", "complete", "voxels", "objects", "large_objects",
        "largest_share", "skeletons", "skeleton_step_nm", "shared_ids": see `neuropil.em.shared_ids`}}, "split",
        "protocol", "notes": what is not sound in the split or could not be scored, "note"}, and the rows of
        `fault_table.fault_rows`.
    """
    loaded = load_checkpoint(checkpoint)
    extra, network = loaded.extra, network_method(loaded.calibration)
    if extra["split"] != split["hash"]:
        logger.warning("the checkpoint was trained on another split: its scores here are not of held-out data alone")
    rows: list[dict[str, Any]] = []
    worst: list[dict[str, Any]] = []
    facts, notes = {}, list(split.get("notes", []))
    for part in parts:
        shared = split.get("shared_ids", {}).get(part.name, {}).get("test")
        tiles = tile_tables(part.truth, part.network)
        facts[part.name] = {**_facts(part, Contingency.total(tiles)), "shared_ids": shared}
        notes += [f"{label} in {part.name} not scored: {reason}" for label, reason in part.unscored.items()]
        if facts[part.name]["objects"]:  # without any object all errors would be 0, which says nothing
            scored, more = _instances(part, tiles, network, seed)
            facts[part.name] |= more
            rows += _rows(f"instances in {part.name}", scored, split["hash"], network)
            worst += fault_rows(part, Contingency.total(tiles))
        else:
            logger.warning("%s: no labelled instance in the test part, so it is not scored", part.name)
        for inner in part.classes:
            rows += _rows(f"{inner.name} in {part.name}", _class_measures(inner, seed), split["hash"], network)
    return {
        "scores": rows,
        "volumes": facts,
        "split": split["hash"],
        "checkpoint_split": extra["split"],
        "protocol": split.get("protocol", "gap"),
        "notes": notes,
        "note": "adapted Rand error weighs objects by the square of their size: read it beside VOI and object recall",
    }, worst


def network_method(calibration: Calibrated | None) -> str:
    """What the network with its decoder is called in tables."""
    return f"network + {NAMES[MUTEX if calibration is None else calibration.method]}"


def _instances(
    part: HeldOut, tiles: Sequence[Contingency], network: str, seed: int
) -> tuple[dict[str, Measures], dict[str, Any]]:
    """Measures of each method, and what is to be told of the skeletons."""
    counts = part.background_counts
    tables = {
        network: list(tiles),
        BASELINE: tile_tables(part.truth, part.baseline),
        ONE_SEGMENT: one_segment(tiles),
        ORACLE: merged_by_oracle(tiles, background_counts=counts),
    }
    smallest = SPECK if counts else LARGE
    scored: dict[str, Measures] = {}
    for method, found in tables.items():
        together = Contingency.total(found)
        scored[method] = agreement(found) | objects(together, smallest=smallest, background_counts=counts, seed=seed)
    if part.class_id != NEURON:
        return scored, {}
    traced = trace(part.truth, part.resolution_nm)
    ids = under(part.network, traced.voxels)
    nodes = {  # no oracle: one that joins by majority is no limit here, where a single merger costs the whole run
        network: ids,
        BASELINE: under(part.baseline, traced.voxels),
        ONE_SEGMENT: np.ones(len(ids), np.uint64),
    }
    for method, segments in nodes.items():
        scored[method] |= run_lengths(traced, segments, seed)
    skeletons = len(np.unique(traced.skeletons.owner))
    return scored, {"skeletons": skeletons, "skeleton_step_nm": list(traced.step_nm)}


def _class_measures(part: ClassPart, seed: int) -> dict[str, Measures]:
    """Measures of instances of a class where 0 means "not of this class"."""
    tiles = tile_tables(part.truth, part.network)
    scored: dict[str, Measures] = {}
    for method, tables in ((CLASSES, tiles), (ONE_SEGMENT, one_segment(tiles))):
        found = objects(Contingency.total(tables), smallest=SPECK, background_counts=True, seed=seed)
        overlap = class_iou(tables)
        scored[method] = found | ({} if overlap is None else {"class IoU": overlap})
    return scored


def _rows(task: str, scored: Mapping[str, Measures], split: str, network: str) -> Iterator[dict[str, Any]]:
    for method, measures in scored.items():
        for metric, measure in measures.items():
            chance = scored[ONE_SEGMENT].get(metric)
            yield Score(
                task=task, metric=metric, method=method, score=measure.score, low=measure.low, high=measure.high,
                chance=None if chance is None else chance.score, n=measure.n, unit=measure.unit, split=split,
                better=measure.better, headline=method == network and metric in _HEADLINES,
                reference=method == ORACLE,
            ).record()  # fmt: skip


def _facts(part: HeldOut, table: Contingency) -> dict[str, Any]:
    ids, row = np.unique(table.truth[table.truth > 0], return_inverse=True)
    sizes = np.bincount(row, table.voxels[table.truth > 0], minlength=len(ids)).astype(np.int64)
    return {
        "box": [list(span) for span in part.box],
        "complete": True,
        "voxels": int(sizes.sum()),
        "objects": len(sizes),
        "large_objects": int((sizes > LARGE).sum()),
        "largest_share": float(sizes.max() / sizes.sum()) if len(sizes) else 0.0,
    }
