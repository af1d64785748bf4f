"""Growth of neurites that fill a territory: wire through given points, short in all and short to the soma."""

from __future__ import annotations

import numpy as np

from neuropil.morphology.synthesis.arbor import Arbor, Ids, Points


def wire(
    arbor: Arbor, start: int, targets: Points, kind: int, *, balance: float, step: float, rng: np.random.Generator
) -> Ids:
    """Connect the targets to a node by a tree that minimises cable + balance * path to the start.

    The greedy tree of Cuntz, Forstner, Borst and Haeusser ("One rule to grow them all", PLoS Computational Biology
    2010), each node with at most two daughters; branches are then given nodes, unevenness and smooth bends.

    Args:
        arbor: what grows.
        start: the node to start from.
        targets: (k, 3), micrometres.
        kind: SWC type.
        balance: 0 = least cable (a minimal spanning tree), 1 = nearly straight to each target.
        step: distance between nodes, micrometres.
        rng: the only source of chance.

    Returns:
        The numbers of the new nodes.
    """
    points = np.vstack([arbor.points[start], targets])
    order, parents = _greedy_tree(points, balance)
    return _draw(arbor, start, points, order, parents, kind, step, rng)


def scatter(candidates: Points, apart: float) -> Points:
    """The candidates, (k, 3), in their order, that keep a distance from all taken before (blue noise)."""
    chosen = []
    while len(candidates):
        chosen.append(candidates[0])
        candidates = candidates[((candidates - candidates[0]) ** 2).sum(axis=1) >= apart**2]
    return np.array(chosen)


def _greedy_tree(points: Points, balance: float) -> tuple[list[int], Ids]:
    """The order in which points join the tree of point 0, and the parent of each."""
    n = len(points)
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    path, daughters, parents = np.zeros(n), np.zeros(n, np.int64), np.full(n, -1)
    open_, joined = np.ones(n, bool), np.zeros(n, bool)
    cost, best = np.full(n, np.inf), np.zeros(n, np.int64)
    order, new = [0], 0
    joined[0] = True
    for _ in range(n - 1):
        candidate = distance[new] + balance * path[new]
        better = ~joined & (candidate < cost)
        cost[better], best[better] = candidate[better], new
        new = int(np.argmin(np.where(joined, np.inf, cost)))
        parent = int(best[new])
        parents[new], path[new] = parent, path[parent] + distance[parent, new]
        joined[new] = True
        order.append(new)
        daughters[parent] += 1
        if daughters[parent] == 2:
            open_[parent] = False
            orphans = np.flatnonzero(~joined & (best == parent))
            hosts = np.flatnonzero(joined & open_)
            offers = distance[np.ix_(orphans, hosts)] + balance * path[hosts]
            best[orphans], cost[orphans] = hosts[np.argmin(offers, axis=1)], offers.min(axis=1)
    return order, parents


def _draw(
    arbor: Arbor,
    start: int,
    points: Points,
    order: list[int],
    parents: Ids,
    kind: int,
    step: float,
    rng: np.random.Generator,
) -> Ids:
    """Add the branches of the tree as chains of nodes."""
    first = len(arbor)
    node_of = {0: start}
    for target in order[1:]:
        a, b = points[parents[target]], points[target]
        count = max(1, round(float(np.linalg.norm(b - a)) / step))
        share = np.arange(1, count + 1)[:, None] / count
        sway = np.cumsum(rng.normal(0, 0.36 * step, (count, 3)), axis=0)
        chain = a + (b - a) * share + sway - share * sway[-1]
        before = node_of[int(parents[target])]
        links = np.arange(len(arbor) - 1, len(arbor) + count - 1)
        links[0] = before
        node_of[target] = int(arbor.add(chain, links, kind)[-1])
    new = np.arange(first, len(arbor))
    _smooth(arbor, new)
    return new


def _smooth(arbor: Arbor, nodes: Ids, rounds: int = 2) -> None:
    """Draw each node that is no tip towards the middle between its parent and its children."""
    parents = arbor.parents[nodes]
    count = np.bincount(parents, minlength=len(arbor))
    inner = nodes[count[nodes] > 0]
    for _ in range(rounds):
        total = np.zeros((len(arbor), 3))
        np.add.at(total, parents, arbor.points[nodes])
        middle = (arbor.points[arbor.parents[inner]] + total[inner] / count[inner][:, None]) / 2
        arbor.points[inner] += 0.5 * (middle - arbor.points[inner])
