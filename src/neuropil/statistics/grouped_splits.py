"""Splits that keep groups whole: all cells of a laboratory, say, on one side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.errors import InputError
from neuropil.statistics.splits import PARTS, UNKNOWN
from neuropil.work.keys import content_key

_SIZE_WEIGHT = 2.0  # of the size of a part, against all classes together with 1
_ROUNDS = 20  # of improvement; each ends early when no move helps


def split_groups(
    names: Sequence[str],
    strata: Sequence[str | None],
    groups: Sequence[str | None],
    *,
    by: str,
    val_ratio: float,
    test_ratio: float,
    seed: int,
) -> dict[str, Any]:
    """Split neurons into training, validation and test, no group on two sides.

    Sizes and class proportions can only be approached: groups are given out from the largest to the smallest, each to
    the part where it brings sizes and classes nearest to the ratios (squared deviations, as in scikit-learn's
    StratifiedGroupKFold); then groups are moved, one at a time, as long as that comes nearer. Every part with a ratio
    above 0 gets at least one group. The seed decides among equals only: of few groups there is one best
    split.

    Args:
        names: the neurons, each once, in any order.
        strata: the class of each, None where it is unknown (the unknown are a class of their own).
        groups: the group of each; the neurons of no known group are one group together, as any of them may share one.
        by: what the groups are, for the record and for messages.
        val_ratio, test_ratio: shares of the neurons, each at least 0, below 1 together; 0 leaves a part empty.
        seed: the root seed.

    Returns:
        What `split_neurons` returns, with `by` and, besides, `groups`: for each group its part and its size.

    Raises:
        InputError: there are fewer groups than parts.
    """
    if not len(names) == len(strata) == len(groups) or len(set(names)) != len(names):
        raise ValueError("split_groups: names must be unique, with one stratum and one group each")
    members = sorted(zip(names, _known(strata), _known(groups), strict=True))
    ratios = {"val": val_ratio, "test": test_ratio}
    shares = np.array([1 - val_ratio - test_ratio, val_ratio, test_ratio])
    sizes = Counter(group for _, _, group in members)
    wanted = int((shares > 0).sum())
    if members and len(sizes) < wanted:
        raise InputError(
            f"rendering.split_by={by}: {len(sizes)} group{'s' * (len(sizes) > 1)} ({', '.join(sorted(sizes))}) cannot "
            f"fill {wanted} parts; set rendering.val_ratio or rendering.test_ratio to 0, or split by neuron"
        )
    # From the largest to the smallest, equals in an order that the seed decides.
    order = sorted(sizes, key=lambda group: (-sizes[group], content_key(seed, group)))
    classes = sorted({stratum for _, stratum, _ in members})
    place, column = ({name: i for i, name in enumerate(of)} for of in (order, classes))
    counts = np.zeros((len(order), len(classes)))
    for _, stratum, group in members:
        counts[place[group], column[stratum]] += 1
    chosen = _assign(counts, shares) if members else np.zeros(0, np.int64)
    part_of = {group: PARTS[chosen[place[group]]] for group in order}
    parts: dict[str, list[str]] = {part: [] for part in PARTS}
    counted = {stratum: dict.fromkeys(PARTS, 0) for stratum in classes}
    for name, stratum, group in members:
        parts[part_of[group]].append(name)
        counted[stratum][part_of[group]] += 1
    split = {
        "seed": seed,
        "by": by,
        "ratios": ratios,
        "stratified": len(classes) > 1,
        "parts": parts,
        "classes": counted,
        "train_only": {
            stratum: of["train"] for stratum, of in counted.items() if wanted > 1 and not of["val"] and not of["test"]
        },
        "groups": {group: {"part": part_of[group], "neurons": sizes[group]} for group in sorted(sizes)},
    }
    return {"hash": content_key(split), **split}


def _known(values: Sequence[str | None]) -> list[str]:
    return [UNKNOWN if value is None else value for value in values]


class _Parts:
    """The parts while groups are given out, and how far they are from what is wanted of them.

    Args:
        counts: (groups, classes), how many neurons of each class a group has.
        shares: (3,), of train, val and test.
    """

    def __init__(self, counts: NDArray[np.float64], shares: NDArray[np.float64]) -> None:
        self.rows = np.hstack([counts, counts.sum(axis=1, keepdims=True)])
        self.part_of = np.full(len(counts), -1)
        self._weights = np.append(1 / np.maximum(counts.sum(axis=0), 1), _SIZE_WEIGHT / counts.sum() * counts.shape[1])
        self._target = shares[:, None] * self.rows.sum(axis=0)
        self._held = np.zeros_like(self._target)

    def change(self, part: int, row: NDArray[np.float64]) -> float:
        """By how much the weighted squared deviation changes where `row` is added to a part."""
        return float((self._weights * row * (2 * (self._held[part] - self._target[part]) + row)).sum())

    def put(self, group: int, part: int) -> None:
        """Give a group to a part, from where it was."""
        if self.part_of[group] >= 0:
            self._held[self.part_of[group]] -= self.rows[group]
        self._held[part] += self.rows[group]
        self.part_of[group] = part


def _assign(counts: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """The part of each group, (groups,) places in `PARTS`; `counts` as in `_Parts`, larger groups first."""
    parts = _Parts(counts, shares)
    among = np.flatnonzero(shares > 0).tolist()
    for group, row in enumerate(parts.rows):
        empty = [part for part in among if part not in parts.part_of]
        # The last groups go where there is none yet.
        choice = empty if len(empty) >= len(counts) - group else among
        parts.put(group, min(choice, key=lambda part: parts.change(part, row)))
    for _ in range(_ROUNDS):
        if not sum(_move(parts, group, among) for group in range(len(counts))):
            break
    return parts.part_of


def _move(parts: _Parts, group: int, among: list[int]) -> bool:
    """Move a group where it fits better, unless its part would be empty; say whether it moved."""
    row, at = parts.rows[group], int(parts.part_of[group])
    others = [part for part in among if part != at]
    if not others or (parts.part_of == at).sum() < 2:
        return False
    best = min(others, key=lambda part: parts.change(part, row))
    if parts.change(at, -row) + parts.change(best, row) > -1e-9:
        return False
    parts.put(group, best)
    return True
