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
from neuropil.morphology import links
from neuropil.morphology.reading import values
from neuropil.morphology.reading.rows import Rows
from neuropil.morphology.tree import SOMA, Neuron

VERSION = 2
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


def repair(rows: Rows, *, name: str, file: Path | str) -> Repaired:
    """Make a tree of the rows.

    Repairs, by name, in order: `repeated_row` (the same row again: left out), `duplicate_id` (another node with an id
    that is taken: numbered anew, each child keeps the nearest such node above it), `missing_parent` (made a root),
    `cycle` (also a node that is its own parent: cut at its soma node, else at its first row), `row_order` (parents
    moved before children), `renumbered` (ids made 1..n), `position` (not a number, or farther out than a kilometre:
    put between its neighbours), `type` (not a type: the header's meaning, else the parent's), `radius` (not above 0:
    the nearest parent's, else the nearest child's, else 0.5 micrometres; a neurite never takes the soma's).

    A tree that was repaired needs no repair again.

    Args:
        rows: what stands in the file.
        name: the neuron's name.
        file: the file, for messages.

    Raises:
        InputError: an id is no whole number, a position cannot be told, or the neuron has no length.
    """
    repairs = Counter(rows.repairs)
    table, comments = rows.table, rows.comments
    parents = links.given_links(table[:, 0], table[:, 6])
    if parents is None:
        table, parents, order = _mended_links(table, repairs, file)
        comments += _placed(rows.notes, order)
    else:
        comments += _placed(rows.notes, np.arange(len(table)))
    points = values.mend_positions(table[:, 2:5], parents, repairs, table[:, 0], file)
    types = values.mend_types(table[:, 1], parents, comments, repairs)
    radii = values.mend_radii(table[:, 5], parents, types, repairs)
    neuron = Neuron(name, points, radii, types, parents, comments)
    return Repaired(neuron, dict(repairs), _remarks(neuron, file))


def _mended_links(
    table: NDArray[np.float64], repairs: Counter[str], file: Path | str
) -> tuple[NDArray[np.float64], links.Ints, links.Ints]:
    """The table with parents before children, the links of its rows, and for each row its place in the file."""
    ids = table[:, 0]
    whole = np.isfinite(ids) & (np.abs(ids) < 2**53) & (np.floor(ids) == ids)
    if not whole.all():
        raise InputError(f"{file}: an id is not a whole number below 2^53 ({ids[~whole][0]:.17g})")
    kept = _without_repeats(table, repairs)
    table, numbers = table[kept], ids[kept].astype(np.int64)
    parents = links.cut_cycles(links.parent_rows(numbers, table[:, 6], repairs), table[:, 1] == SOMA, repairs)
    order = links.parents_first(parents)
    if not np.array_equal(order, np.arange(len(order))):
        repairs["row_order"] += 1
    if not np.array_equal(numbers, np.arange(1, len(numbers) + 1)):
        repairs["renumbered"] += 1
    return table[order], links.reordered(parents, order), kept[order]


def _without_repeats(table: NDArray[np.float64], repairs: Counter[str]) -> links.Ints:
    """The places of the rows that do not say again what an earlier row says."""
    if len(np.unique(table[:, 0])) == len(table):
        return np.arange(len(table))
    first = np.sort(np.unique(table, axis=0, return_index=True)[1])
    if len(first) < len(table):
        repairs["repeated_row"] += len(table) - len(first)
    return first


def _placed(notes: dict[int, str], order: links.Ints) -> tuple[str, ...]:
    """The comments behind rows as comments that name their node; `order` has each node's place in the file."""
    if not notes:
        return ()
    node = dict(zip(order.tolist(), range(1, len(order) + 1), strict=True))
    return tuple(f"node {node[row]}: {text}" if row in node else f"repeated row: {text}" for row, text in notes.items())


def _remarks(neuron: Neuron, file: Path | str) -> dict[str, int]:
    if not _has_length(neuron):
        raise InputError(f"{file}: no neurite; its {len(neuron)} nodes lie at one place or are not connected")
    remarks = {"few_rows": int(len(neuron) < _FEW), "no_soma": int(not (neuron.types == SOMA).any())}
    roots = int((neuron.parents < 0).sum())
    remarks["several_roots"] = roots if roots > 1 else 0
    return {name: count for name, count in remarks.items() if count}


def _has_length(neuron: Neuron) -> bool:
    children, parents = neuron.edges
    some = slice(0, 100)  # nearly always enough
    return any((neuron.points[children[part]] != neuron.points[parents[part]]).any() for part in (some, slice(None)))
