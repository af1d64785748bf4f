"""From the rows of an SWC file to a tree: every repair by name, nothing dropped in silence.

The list follows the SWC+ and xyz2swc checklists (Mehta et al., Nature Communications 2023), with cycles and duplicate
ids, which most readers accept, added.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuropil.errors import InputError
from neuropil.morphology import links, values
from neuropil.morphology.rows import Rows
from neuropil.morphology.tree import SOMA, Neuron

VERSION = 1
_FEW = 20


@dataclass(frozen=True)
class Repaired:
    """A neuron with what was done to it.

    Attributes:
        neuron: the tree.
        repairs: what was changed, by name, with the number of nodes (1 for the whole file).
        remarks: what was noticed and left as it is: `few_rows`, `no_soma`, `several_roots`.
    """

    neuron: Neuron
    repairs: dict[str, int]
    remarks: dict[str, int]


def repair(rows: Rows, *, name: str, file: Path) -> Repaired:
    """Make a tree of the rows.

    Repairs, by name, in order: `repeated_row` (the same row again: left out), `duplicate_id` (another node with an id
    that is taken: numbered anew, each child keeps the nearest such node above it), `missing_parent` (made a root),
    `cycle` (cut at its soma node, else at its first row), `position` (not a number: put between its neighbours),
    `radius` (not above 0: the nearest parent's, else the nearest child's, else 0.5 micrometres), `type` (not a type:
    the header's meaning, else the parent's), `row_order` (parents moved before children), `renumbered` (ids made
    1..n).

    Args:
        rows: what stands in the file.
        name: the neuron's name.
        file: the file, for messages.

    Raises:
        InputError: an id is no whole number, a position cannot be told, or the neuron has no length.
    """
    repairs = Counter(rows.repairs)
    table = _without_repeats(rows.table, repairs)
    if not _whole(table[:, 0]).all():
        raise InputError(f"{file}: an id is not a whole number ({table[~_whole(table[:, 0]), 0][0]:g})")
    ids = table[:, 0].astype(np.int64)
    parents = links.cut_cycles(links.parent_rows(ids, table[:, 6], repairs), table[:, 1] == SOMA, repairs)
    order = links.parents_first(parents)
    if not np.array_equal(order, np.arange(len(order))):
        repairs["row_order"] += 1
    if not np.array_equal(ids, np.arange(1, len(ids) + 1)):
        repairs["renumbered"] += 1
    parents = links.reordered(parents, order)
    table = table[order]
    points = values.mend_positions(table[:, 2:5], parents, repairs, file)
    radii = values.mend_radii(table[:, 5], parents, repairs)
    types = values.mend_types(table[:, 1], parents, rows.comments, repairs)
    neuron = Neuron(name, points, radii, types, parents, rows.comments)
    return Repaired(neuron, dict(repairs), _remarks(neuron, file))


def _without_repeats(table: NDArray[np.float64], repairs: Counter[str]) -> NDArray[np.float64]:
    """Leave out rows that say again what an earlier row says."""
    if len(np.unique(table[:, 0])) == len(table):
        return table
    first = np.sort(np.unique(table, axis=0, return_index=True)[1])
    if len(first) < len(table):
        repairs["repeated_row"] += len(table) - len(first)
    return table[first]


def _whole(numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.isfinite(numbers) & (np.abs(numbers) < 2**53) & (np.floor(numbers) == numbers)


def _remarks(neuron: Neuron, file: Path) -> dict[str, int]:
    children, parents = neuron.edges
    if not (neuron.points[children] != neuron.points[parents]).any():
        raise InputError(f"{file}: no neurite; its {len(neuron)} nodes lie at one place or are not connected")
    remarks = {"few_rows": int(len(neuron) < _FEW), "no_soma": int(not (neuron.types == SOMA).any())}
    roots = int((neuron.parents < 0).sum())
    remarks["several_roots"] = roots if roots > 1 else 0
    return {name: count for name, count in remarks.items() if count}
