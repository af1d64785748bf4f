"""The links from child to parent: resolved, freed of cycles, and sorted. Nothing recurs, however deep the tree."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def parent_rows(ids: Ints, parent_ids: NDArray[np.float64], repairs: Counter[str]) -> Ints:
    """For each row the row of its parent, -1 for a root.

    Where an id is taken more than once (files put one behind the other), a child belongs to the nearest such row
    above it, else to the first below. A parent that is not there, or is no number, makes its child a root
    (`missing_parent`); any negative parent is a root as it stands.
    """
    order = np.argsort(ids, kind="stable")
    known = ids[order]
    wanted = np.where(np.isfinite(parent_ids), parent_ids, -2.0)
    low = np.searchsorted(known, wanted, side="left")
    high = np.searchsorted(known, wanted, side="right")
    there = high > low
    parents = np.where(there, order[np.minimum(low, len(ids) - 1)], -1)
    taken = np.bincount(np.searchsorted(known, ids), minlength=len(ids))
    if taken.max() > 1:
        repairs["duplicate_id"] += int(len(ids) - (taken > 0).sum())
        for row in np.flatnonzero(high - low > 1).tolist():
            rows = order[low[row] : high[row]]
            above = int(np.searchsorted(rows, row)) - 1
            parents[row] = rows[max(above, 0)]
    root = ~there & (parent_ids == -1)
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
    n = len(parents)
    if (parents < np.arange(n)).all():
        return np.arange(n)
    by_parent = np.argsort(parents, kind="stable")
    starts = np.searchsorted(parents[by_parent], np.arange(-1, n + 1))
    children = [by_parent[starts[i] : starts[i + 1]][::-1].tolist() for i in range(n + 1)]
    order: list[int] = []
    waiting: list[int] = children[0]
    while waiting:
        node = waiting.pop()
        order.append(node)
        waiting.extend(children[node + 1])
    return np.array(order, np.int64)


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


def first_child(parents: Ints) -> Ints:
    """For each node its first child, -1 for a tip."""
    child = np.full(len(parents), -1, np.int64)
    nodes = np.flatnonzero(parents >= 0)[::-1]
    child[parents[nodes]] = nodes
    return child
