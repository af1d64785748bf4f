"""The links from child to parent: resolved, freed of cycles, and sorted. Nothing recurs, however deep the tree."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def given_links(ids: NDArray[np.float64], parent_ids: NDArray[np.float64]) -> Ints | None:
    """The links where ids are 1..n and parents stand before their children, as most files have it; else None."""
    numbers = np.arange(1, len(ids) + 1)
    parents = parent_ids.astype(np.int64) if np.abs(parent_ids).max() < 2**53 else None  # false for NaN too
    if parents is None or not (np.array_equal(ids, numbers) and np.array_equal(parents, parent_ids)):
        return None
    root = parents == -1
    if not (root | ((parents > 0) & (parents < numbers))).all():
        return None
    return np.where(root, -1, parents - 1)


def parent_rows(ids: Ints, parent_ids: NDArray[np.float64], repairs: Counter[str]) -> Ints:
    """For each row the row of its parent, -1 for a root.

    A parent of -1 makes a root, whatever ids there are. Where an id is taken more than once (files put one behind the
    other), a child belongs to the nearest such row above it, else to the first below. A parent that is not there, or
    is no number, makes its child a root (`missing_parent`).
    """
    order = np.argsort(ids, kind="stable")
    known = ids[order]
    root = parent_ids == -1
    sought = np.isfinite(parent_ids) & ~root
    wanted = np.where(sought, parent_ids, 0.0)
    low = np.searchsorted(known, wanted, side="left")
    high = np.searchsorted(known, wanted, side="right")
    there = sought & (high > low)
    parents = np.where(there, order[np.minimum(low, len(ids) - 1)], -1)
    taken = np.bincount(np.searchsorted(known, ids), minlength=len(ids))
    if taken.max() > 1:
        repairs["duplicate_id"] += int(len(ids) - (taken > 0).sum())
        for row in np.flatnonzero(there & (high - low > 1)).tolist():
            rows = order[low[row] : high[row]]
            parents[row] = rows[max(int(np.searchsorted(rows, row)) - 1, 0)]
    missing = int((~there & ~root).sum())
    if missing:
        repairs["missing_parent"] += missing
    return parents


def cut_cycles(parents: Ints, soma: NDArray[np.bool_], repairs: Counter[str]) -> Ints:
    """Make one node of each cycle a root: its first soma node, else its first row."""
    inside = _leads_to_no_root(parents)
    if not inside.any():
        return parents
    parents = parents.copy()
    seen = np.zeros(len(parents), bool)
    for start in np.flatnonzero(inside):
        path: list[int] = []
        node = int(start)
        while node >= 0 and not seen[node]:
            seen[node] = True
            path.append(node)
            node = int(parents[node])
        if node in path:
            cycle = sorted(path[path.index(node) :])
            parents[next((member for member in cycle if soma[member]), cycle[0])] = -1
            repairs["cycle"] += 1
    return parents


def _leads_to_no_root(parents: Ints) -> NDArray[np.bool_]:
    """Which nodes never come to a root, by doubling the length of the jumps."""
    n = len(parents)
    jump = np.append(np.where(parents < 0, n, parents), n)
    for _ in range(int(n).bit_length()):
        jump = jump[jump]
    return jump[:n] != n


def parents_first(parents: Ints) -> Ints:
    """An order of the rows in which parents stand before children: the given one where it does.

    Otherwise depth first, roots and children in the order of the rows, so that branches stay in one piece.
    """
    if (parents < np.arange(len(parents))).all():
        return np.arange(len(parents))
    from neuropil.morphology.links_kernels import depth_first

    return depth_first(parents)


def reordered(parents: Ints, order: Ints) -> Ints:
    """The links of the rows taken in `order`."""
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    moved = parents[order]
    return np.where(moved >= 0, place[moved], -1)


def nearest(following: Ints, good: NDArray[np.bool_]) -> Ints:
    """For each node the first good one along the links from it (itself, if it is good); -1 where there is none."""
    n = len(following)
    jump = np.append(np.where(good, np.arange(n), np.where(following < 0, n, following)), n)
    while not np.array_equal(jump[jump], jump):
        jump = jump[jump]
    return np.where(jump[:n] < n, jump[:n], -1)


def sum_to_root(parents: Ints, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum of the values of each node and all its ancestors, by doubling the length of the jumps."""
    n = len(parents)
    jump = np.append(np.where(parents < 0, n, parents), n)
    total = np.append(values, 0.0)
    while (jump != n).any():
        total += total[jump]
        jump = jump[jump]
    return total[:n]


def first_child(parents: Ints, among: NDArray[np.bool_] | None = None) -> Ints:
    """For each node its first child (of those in `among`), -1 where there is none."""
    child = np.full(len(parents), -1, np.int64)
    nodes = np.flatnonzero(parents >= 0 if among is None else (parents >= 0) & among)[::-1]
    child[parents[nodes]] = nodes
    return child
