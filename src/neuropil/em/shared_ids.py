"""How much of a held-out part belongs to instances that the training part holds too.

A gap keeps voxels apart, not neurons: one that runs through the whole volume is in every part of it. What is said of
such a part holds for new places, less for new neurons, so the share is stated beside the split.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.em.container import CHUNK
from neuropil.em.labels import instance_name, is_instance
from neuropil.em.volume import open_volume
from neuropil.statistics.volume_touching import ONE_FRAME
from neuropil.work.keys import content_key
from neuropil.work.ledger import Entry, Ledger
from neuropil.work.progress import Progress

VERSION = 1

_TILE = 1 << 22  # voxels read together
_LONG = 1 << 28  # voxels from which on a progress bar is shown
_EARLIER = {"val": ("train",), "test": ("train", "val")}

Box = Sequence[Sequence[int]]
Counts = tuple[NDArray[np.uint64], NDArray[np.int64]]
"""Ids, ascending, and the voxels of each."""


def shared_ids(
    volumes: Sequence[Mapping[str, Any]], volume_folder: Path, split: Mapping[str, Any], ledger: Path
) -> dict[str, dict[str, dict[str, int]]]:
    """For each held-out part, what `val` shares with `train`, and `test` with both.

    Ids name the same instance within one volume, and in all crops of MICrONS. Where they could be shared, every label
    of the parts is read once, in bounded memory; a second run finds the result in the ledger.

    Args:
        volumes: records of the annotated volumes.
        volume_folder: what their paths are relative to.
        split: the parts of each volume.
        ledger: the file that keeps what was counted.

    Returns:
        {volume: {part: {"ids": in the part, "shared_ids": of these also in an earlier part, "voxels": that carry an
        id, "shared_voxels": that carry a shared one}}}, without volumes that share ids with no earlier part.
    """
    spaces: dict[str, list[Mapping[str, Any]]] = {}
    for record in volumes:
        spaces.setdefault(_space(record), []).append(record)
    known, found = Ledger(ledger), {}
    for space, records in spaces.items():
        boxes = {record["name"]: split["volumes"].get(record["name"], {}) for record in records}
        if len({part for parts in boxes.values() for part in parts}) < 2:
            continue
        key = content_key([record["digest"] for record in records], boxes, VERSION)
        entry = known.find(space, key)
        if entry is None:
            entry = Entry(space, key, "done", _shared(records, volume_folder, boxes))
            known.add(entry)
        found.update(entry.result)
    return found


def sentence(shared: Mapping[str, Mapping[str, Mapping[str, int]]], part: str = "test") -> str | None:
    """What to say of the parts `part` of all volumes in one line; None where there is nothing to say."""
    shares = [
        found[part]["shared_voxels"] / found[part]["voxels"]
        for found in shared.values()
        if part in found and found[part]["voxels"]
    ]
    if not shares:
        return None
    low, high = (f"{100 * share:.0f}" for share in (min(shares), max(shares)))
    what = {"val": "validation", "test": "test"}[part]
    return (
        f"{low if low == high else f'{low} to {high}'} % of the labelled voxels of the {what} part"
        f"{'s' if len(shares) > 1 else ''} belong to instances that earlier parts hold too"
    )


def _space(record: Mapping[str, Any]) -> str:
    """What volumes have in common if one id names one instance in all of them."""
    return f"source {record['source']}" if record.get("source") in ONE_FRAME else f"volume {record['name']}"


def _shared(
    records: Sequence[Mapping[str, Any]], folder: Path, boxes: Mapping[str, Mapping[str, Box]]
) -> dict[str, dict[str, dict[str, int]]]:
    counted: dict[str, dict[str, Counts]] = {}
    long = sum(math.prod(record["shape"]) for record in records) >= _LONG
    with Progress("counting ids of the parts", len(records)) if long else nullcontext() as progress:
        for record in records:
            with open_volume(folder / record["path"]) as volume:
                labels = volume.labels[str(instance_name(volume.labels))]
                counted[record["name"]] = {part: _counts(labels, box) for part, box in boxes[record["name"]].items()}
            if progress is not None:
                progress.advance()
    held = {
        part: [ids for parts in counted.values() for name in earlier if name in parts for ids in parts[name][:1]]
        for part, earlier in _EARLIER.items()
    }
    found = {
        name: {part: _compared(parts[part], held[part]) for part in _EARLIER if part in parts and held[part]}
        for name, parts in counted.items()
    }
    return {name: parts for name, parts in found.items() if parts}


def _compared(counts: Counts, earlier: Sequence[NDArray[np.uint64]]) -> dict[str, int]:
    ids, voxels = counts
    also = np.isin(ids, np.concatenate(earlier))
    return {
        "ids": len(ids),
        "shared_ids": int(also.sum()),
        "voxels": int(voxels.sum()),
        "shared_voxels": int(voxels[also].sum()),
    }


def _counts(dataset: Any, box: Box) -> Counts:
    """The ids in a box and the voxels of each."""
    ids, voxels = np.empty(0, np.uint64), np.empty(0, np.int64)
    for tile in _tiles(box):
        values = np.asarray(dataset[tile]).ravel()
        starts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))  # runs of one id
        lengths = np.diff(np.append(starts, values.size))
        keep = is_instance(values[starts])
        ids, voxels = _summed(
            np.concatenate([ids, values[starts][keep].astype(np.uint64)]), np.concatenate([voxels, lengths[keep]])
        )
    return ids, voxels


def _summed(ids: NDArray[np.uint64], voxels: NDArray[np.int64]) -> Counts:
    present, index = np.unique(ids, return_inverse=True)
    totals = np.zeros(len(present), np.int64)
    np.add.at(totals, index, voxels)
    return present, totals


def _tiles(box: Box) -> Iterator[tuple[slice, ...]]:
    """Tiles of a box, cut where the chunks of a converted volume are."""
    (z0, z1), (y0, y1), (x0, x1) = box
    rows = max(CHUNK[1], _TILE // (CHUNK[0] * max(1, x1 - x0)) // CHUNK[1] * CHUNK[1])
    for z in range(z0 - z0 % CHUNK[0], z1, CHUNK[0]):
        for y in range(y0 - y0 % CHUNK[1], y1, rows):
            yield slice(max(z, z0), min(z + CHUNK[0], z1)), slice(max(y, y0), min(y + rows, y1)), slice(x0, x1)
