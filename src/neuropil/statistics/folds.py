"""Folds: which items are trained on and which are asked about, several times over."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Fold:
    """One division of items.

    Attributes:
        name: says which ("repeat 1, fold 3", "without Staiger").
        train: places of the items that are fitted on.
        test: places of the items that are asked about; none is in `train`.
    """

    name: str
    train: Places
    test: Places


def repeated_kfold(
    labels: Sequence[str | None],
    groups: Sequence[str | None] | None = None,
    *,
    k: int = 5,
    repeats: int = 1,
    seed: int = 0,
) -> list[Fold]:
    """k folds, every class in about the same proportion, `repeats` times over; each item is asked about once a repeat.

    Args:
        labels: the class of each item; items without one are in no fold.
        groups: what must not be on both sides (a recording day), of each item; an item without one is a group of its
            own. None: items are divided one by one.
        k: folds.
        repeats: times, each divided anew.
        seed: decides the divisions.

    Raises:
        ValueError: a class has fewer than k items (or groups): merge it or leave it out first (`rare.fold_rare`).
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    known = np.array([place for place, label in enumerate(labels) if label is not None], np.int64)
    classes = np.array([str(labels[place]) for place in known])
    units = _units(groups, len(labels))[known]
    for name in np.unique(classes):
        have = len(np.unique(units[classes == name]))
        if have < k:
            what = "items" if groups is None else "groups"
            raise ValueError(
                f"class {str(name)!r} has {have} {what}, fewer than the {k} folds; merge it or leave it out"
            )
    folds = []
    for repeat in range(repeats):
        state = int(np.random.default_rng([seed, repeat]).integers(2**31))
        kind = StratifiedKFold if groups is None else StratifiedGroupKFold
        divider = kind(k, shuffle=True, random_state=state)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a class has few groups was looked at above
            for number, (train, test) in enumerate(divider.split(classes, classes, units), start=1):
                folds.append(Fold(f"repeat {repeat + 1}, fold {number}", known[train], known[test]))
    return folds


def inside(
    labels: Sequence[str | None],
    groups: Sequence[str | None],
    group: str,
    units: Sequence[str | None] | None = None,
    *,
    k: int = 5,
    repeats: int = 1,
    seed: int = 0,
) -> list[Fold]:
    """Repeated k-fold among the items of one group (a laboratory): what tells laboratories apart is of no use there.

    Args:
        labels: the class of each item.
        groups: the group of each item.
        group: the one that is divided.
        units: what must not be on both sides within it (a recording day).
        k, repeats, seed: as in `repeated_kfold`.
    """
    chosen = [label if one == group else None for label, one in zip(labels, groups, strict=True)]
    folds = repeated_kfold(chosen, units, k=k, repeats=repeats, seed=seed)
    return [Fold(f"inside {group}, {fold.name}", fold.train, fold.test) for fold in folds]


def leave_one_group_out(labels: Sequence[str | None], groups: Sequence[str | None], *, least: int = 1) -> list[Fold]:
    """Train without one group, ask about it: whether what was learnt holds for an unseen laboratory.

    A class takes part in a fold where it has at least `least` items in the group and in the others together; a class
    that only one group has cannot be learnt from the others. Folds with fewer than two such classes are left out, as
    are items without a class or a group.

    Args:
        labels: the class of each item.
        groups: the group of each item.
        least: items of a class on each side.
    """
    whole = [place for place in range(len(labels)) if labels[place] is not None and groups[place] is not None]
    folds = []
    for group in sorted({str(groups[place]) for place in whole}):
        here = [place for place in whole if groups[place] == group]
        there = [place for place in whole if groups[place] != group]
        counts = Counter(labels[place] for place in here), Counter(labels[place] for place in there)
        both = {label for label in counts[0] if min(of[label] for of in counts) >= least}
        if len(both) < 2:
            continue
        train, test = (np.array([place for place in side if labels[place] in both], np.int64) for side in (there, here))
        folds.append(Fold(f"without {group}", train, test))
    return folds


def pooled_answers(folds: Sequence[Fold], answers: Sequence[NDArray[np.int64]]) -> Iterator[tuple[Places, Places]]:
    """Group answers by repeat: (items, answers) for each set of folds that asks about every item once.

    Intervals are taken over items, so an item's answers of several repeats must not count as several items; score
    each repeat and average.

    Args:
        folds: of `repeated_kfold`, `inside` or `leave_one_group_out`.
        answers: one array a fold, for its test items.
    """
    sets: dict[str, tuple[list[Places], list[Places]]] = {}
    for fold, answer in zip(folds, answers, strict=True):
        repeat = fold.name.rsplit(", fold", 1)[0] if ", fold" in fold.name else ""
        items, given = sets.setdefault(repeat, ([], []))
        items.append(fold.test)
        given.append(answer)
    for items, given in sets.values():
        yield np.concatenate(items), np.concatenate(given)


def _units(groups: Sequence[str | None] | None, n: int) -> NDArray[np.int64]:
    """A number for each item, equal where items must stay together."""
    if groups is None:
        return np.arange(n)
    names = [f"item {place}" if group is None else f"group {group}" for place, group in enumerate(groups)]
    return np.unique(names, return_inverse=True)[1].astype(np.int64)
