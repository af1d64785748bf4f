"""Trees for the tests of morphometry: by hand, and any by hypothesis."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from neuropil.morphology.tree import Neuron


def tree(points, parents, types=None, radii=1.0, name="tree") -> Neuron:
    """A neuron from lists; type 3 and radius 1 unless told."""
    n = len(points)
    points = np.asarray(points, float)
    points = np.column_stack([points, np.zeros((n, 3 - points.shape[1]))])
    return Neuron(
        name,
        points,
        np.broadcast_to(np.asarray(radii, float), n).copy(),
        np.asarray(types if types is not None else [3] * n, np.int32),
        np.asarray(parents, np.int64),
    )


@st.composite
def trees(draw, most: int = 40, roots: int = 1):
    """Any tree: links, types, radii; positions from a seed, so that no two distances are alike."""
    n = draw(st.integers(2, most))
    parents = [-1] + [draw(st.integers(max(-1 if roots > 1 else 0, i - 6), i - 1)) for i in range(1, n)]
    types = [draw(st.sampled_from([1, 3]))] + [draw(st.sampled_from([2, 3, 4, 7])) for _ in range(1, n)]
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return tree(generator.normal(scale=40, size=(n, 3)), parents, types=types, radii=generator.uniform(0.1, 3, size=n))


def perfect(depth: int, name: str = "perfect") -> Neuron:
    """A perfect binary tree of so many generations of bifurcations, without a soma, drawn as a fan."""
    parents = [-1] + [(i - 1) // 2 for i in range(1, 2 ** (depth + 1) - 1)]
    generation = np.floor(np.log2(np.arange(1, len(parents) + 1)))
    turn = np.arange(1, len(parents) + 1) / 2**generation * 2
    return tree(np.column_stack([10 * generation, turn]), parents, name=name)


def caterpillar(legs: int) -> Neuron:
    """A trunk that gives off one tip at each of so many bifurcations, without a soma."""
    points, parents = [[0.0, 0.0]], [-1]
    trunk = 0
    for leg in range(1, legs + 1):
        points.append([10.0 * leg, 0.0])
        parents.append(trunk)
        trunk = len(points) - 1
        points.append([10.0 * leg, 5.0])
        parents.append(trunk)
    points.append([10.0 * legs + 10, 0.0])
    parents.append(trunk)
    return tree(points, parents)


def shuffled(neuron: Neuron, seed: int) -> Neuron:
    """The same tree with its rows in another order, parents still first."""
    generator = np.random.default_rng(seed)
    children = [np.flatnonzero(neuron.parents == i).tolist() for i in range(len(neuron))]
    open_nodes, order = np.flatnonzero(neuron.parents < 0).tolist(), []
    while open_nodes:
        order.append(open_nodes.pop(int(generator.integers(len(open_nodes)))))
        open_nodes += children[order[-1]]
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    parents = neuron.parents[order]
    return Neuron(
        neuron.name, neuron.points[order], neuron.radii[order], neuron.types[order],
        np.where(parents >= 0, place[parents], -1),
    )  # fmt: skip


def moved(neuron: Neuron, seed: int) -> Neuron:
    """The same tree turned, mirrored perhaps, and shifted."""
    generator = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(generator.normal(size=(3, 3)))
    points = neuron.points @ turn + generator.normal(scale=100, size=3)
    return Neuron(neuron.name, points, neuron.radii, neuron.types, neuron.parents)


def scaled(neuron: Neuron, factor: float) -> Neuron:
    """The same tree so many times as large."""
    return Neuron(neuron.name, factor * neuron.points, factor * neuron.radii, neuron.types, neuron.parents)
