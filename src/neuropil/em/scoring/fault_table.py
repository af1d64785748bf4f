"""The worst merges and splits as a table: which ids, how many voxels, where to look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neuropil.em.metrics import Contingency, Fault, faults
from neuropil.em.scoring.held_out import HeldOut
from neuropil.em.scoring.measures import FAULT

WORST = 25
"""Faults named, of each kind and volume."""

_LEAST_NM, _MOST_NM = 800.0, 3000.0
_SEEN = 1 << 20  # voxels looked at around a fault

COLUMNS = {
    "volume": "str", "kind": "str", "whole": "uint64", "main": "uint64", "part": "uint64", "voxels": "int64",
    "share": "float64", "z": "int64", "y": "int64", "x": "int64", "main_z": "int64", "main_y": "int64",
    "main_x": "int64",
}  # fmt: skip
"""volume: its name.
kind: merge (a segment covers two true objects) or split (a true object lies in two segments).
whole: id of the segment that merges, or of the true object that is cut.
main: id of its largest part, a true object of a merge, a segment of a split.
part: id of the part that is one too many.
voxels: of that part in the whole.
share: of the whole's voxels, where the truth is annotated.
z, y, x: a voxel of the volume in the overlap of whole and part: the nearest to that of whole and main where they come
    near each other, so that one sees the fault. main_z ...: a voxel in the overlap of whole and main.
Ids are those in the files of the volume and of the segmentation. A whole, main or part is one connected component
inside the held-out part; two components of one id are told apart by their places.
"""


def fault_rows(part: HeldOut, table: Contingency, *, worst: int = WORST) -> list[dict[str, Any]]:
    """Rows of the table `COLUMNS`: the largest parts that are one too many, merges first.

    Args:
        part: the held-out part.
        table: of its components with the network's; it holds places.
        worst: faults named, of each kind.
    """
    return [_row(part, table, fault) for fault in faults(table, smallest=FAULT, worst=worst).worst]


def crop_nm(voxels: int, resolution_nm: Sequence[float]) -> float:
    """Side of the surroundings of a fault, nanometres: three times that of a cube as large as the fault."""
    return float(np.clip(3 * (voxels * np.prod(resolution_nm)) ** (1 / 3), _LEAST_NM, _MOST_NM))


def _row(part: HeldOut, table: Contingency, fault: Fault) -> dict[str, Any]:
    truth, segment = (fault.main, fault.whole) if fault.kind == "merge" else (fault.whole, fault.main)
    assert table.places is not None and fault.place is not None  # counted by `Contingency.of`
    pair = int(np.flatnonzero((table.truth == truth) & (table.predicted == segment))[0])
    main = tuple(int(value) for value in table.places[pair])
    place = _meeting(part, fault)
    wholes, parts = (part.network_ids, part.true_ids) if fault.kind == "merge" else (part.true_ids, part.network_ids)
    side = table.predicted if fault.kind == "merge" else table.truth
    size = int(table.voxels[(side == fault.whole) & (table.truth > 0)].sum())
    return {
        "volume": part.name,
        "kind": fault.kind,
        "whole": int(wholes[place]),
        "main": int(parts[main]),
        "part": int(parts[place]),
        "voxels": fault.voxels,
        "share": fault.voxels / size,
        **{axis: a + start for axis, a, (start, _) in zip("zyx", place, part.box, strict=True)},
        **{f"main_{axis}": a + start for axis, a, (start, _) in zip("zyx", main, part.box, strict=True)},
    }


def _meeting(part: HeldOut, fault: Fault) -> tuple[int, ...]:
    """The voxel of the part too many that is nearest to the main one, among the surroundings of the fault's place.

    The fault's place itself where the main part does not come so near. Of large surroundings every n-th voxel is seen.
    """
    import edt

    assert fault.place is not None
    reach = crop_nm(fault.voxels, part.resolution_nm)
    box = []
    for at, length, size in zip(fault.place, part.resolution_nm, part.shape, strict=True):
        half = max(1, round(reach / length))
        box.append((max(0, at - half), min(size, at + half + 1)))
    step = max(1, round((np.prod([stop - start for start, stop in box]) / _SEEN) ** (1 / 3)))
    steps = [min(step, max(1, (stop - start) // 8)) for start, stop in box]
    where = tuple(slice(start, stop) for start, stop in box)
    every = tuple(slice(None, None, one) for one in steps)
    truth, found = (np.asarray(array[where])[every] for array in (part.truth, part.network))
    wholes, parts = (found, truth) if fault.kind == "merge" else (truth, found)
    here, there = ((wholes == fault.whole) & (parts == value) for value in (fault.part, fault.main))
    if not here.any() or not there.any():
        return fault.place
    anisotropy = tuple(length * one for length, one in zip(part.resolution_nm, steps, strict=True))
    away = np.where(here, edt.edt(np.ascontiguousarray(~there), anisotropy=anisotropy), np.inf)
    nearest = np.unravel_index(int(away.argmin()), away.shape)
    return tuple(int(at) * one + start for at, one, (start, _) in zip(nearest, steps, box, strict=True))
