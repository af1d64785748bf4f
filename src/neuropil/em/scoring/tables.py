"""Contingency tables of the sub-volumes of a part, and what can be made of them without another look at the voxels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.em.metrics import Contingency
from neuropil.em.scoring.held_out import BLOCK
from neuropil.em.windows import Spans, blocks, slices

TILES = 4
"""Sub-volumes along each of the two longest axes."""


def tile_tables(truth: Any, predicted: Any, *, block: Sequence[int] = BLOCK) -> list[Contingency]:
    """One table for each sub-volume, four by four over the two longest axes; memory holds one block of voxels.

    Args:
        truth: ids (z, y, x), read when sliced.
        predicted: the same, of one shape.
        block: voxels counted at once.
    """
    tables = []
    for tile in tiles(truth.shape):
        found = []
        for box in blocks(tile, block):
            where = slices(box)
            origin = [start for start, _ in box]
            found.append(Contingency.of(np.asarray(truth[where]), np.asarray(predicted[where]), origin=origin))
        tables.append(Contingency.total(found))
    return tables


def tiles(shape: Sequence[int]) -> Iterator[Spans]:
    """The sub-volumes of a part; they fill it and do not overlap."""
    longest = sorted(range(3), key=lambda axis: -shape[axis])[:2]
    axes = []
    for axis, size in enumerate(shape):
        cuts = np.linspace(0, size, (min(TILES, size) if axis in longest else 1) + 1).astype(int).tolist()
        axes.append(list(pairwise(cuts)))
    yield from product(*axes)


def one_segment(tables: Sequence[Contingency]) -> list[Contingency]:
    """The tables of a segmentation that calls everything one segment."""
    return [_renamed(table, np.ones(len(table.predicted), np.uint64)) for table in tables]


def merged_by_oracle(tables: Sequence[Contingency], *, background_counts: bool) -> list[Contingency]:
    """The tables after every segment was given to the true object that it shares most voxels with.

    No method: it knows the truth. It says how far joining segments could lead without cutting any of them: what error
    is left is merges.

    Args:
        tables: of sub-volumes.
        background_counts: whether truth 0 means "no object", so that a segment may be given up (becomes 0).
    """
    segments, target = _majority(Contingency.total(tables), background_counts=background_counts)
    return [_renamed(table, target[np.searchsorted(segments, table.predicted)]) for table in tables]


def _majority(table: Contingency, *, background_counts: bool) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Segments, ascending, and the true object of each; 0 stays 0, one that meets no object gets a number of its own.

    Args:
        table: of the whole part.
        background_counts: see `merged_by_oracle`.
    """
    pairs = table if background_counts else table.without_background()
    order = np.lexsort((pairs.truth, -pairs.voxels, pairs.predicted))
    first = np.ones(len(order), bool)
    first[1:] = pairs.predicted[order][1:] != pairs.predicted[order][:-1]
    best = order[first]
    segments = np.unique(table.predicted)
    own = np.uint64(table.truth.max(initial=0)) + np.arange(1, len(segments) + 1, dtype=np.uint64)
    target = own
    target[np.searchsorted(segments, pairs.predicted[best])] = pairs.truth[best]
    target[segments == 0] = 0
    return segments, target


def _renamed(table: Contingency, predicted: NDArray[np.uint64]) -> Contingency:
    """The table with other ids of segments; pairs that became equal are added up."""
    renamed = Contingency(table.truth, predicted, table.voxels, table.runs, table.places)
    return Contingency.total((renamed, Contingency.total(())))
