"""A walk over the links of a tree node by node, compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuropil.compiled import compiled


@compiled
def depth_first(parents: NDArray[np.int64]) -> NDArray[np.int64]:
    """The nodes depth first, (n,), roots and children in the order of their rows; -1 for what leads to no root."""
    n = len(parents)
    first = np.full(n + 1, -1)  # the first child of each node, of the roots at n
    following = np.full(n, -1)  # the next child of the same parent
    for node in range(n - 1, -1, -1):
        parent = parents[node] if parents[node] >= 0 else n
        following[node] = first[parent]
        first[parent] = node
    order = np.full(n, -1)
    waiting = np.empty(n, np.int64)  # behind each node that was left downwards, its next sibling
    place, depth, node = 0, 0, first[n]
    while node >= 0:
        order[place] = node
        place += 1
        if following[node] >= 0:
            waiting[depth] = following[node]
            depth += 1
        if first[node] >= 0:
            node = first[node]
        elif depth:
            depth -= 1
            node = waiting[depth]
        else:
            node = -1
    return order
