"""Which items are trained on, which choose, which are held back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from neuropil.work.keys import content_key

PARTS = ("train", "val", "test")
UNKNOWN = "unknown"
"""The stratum of a neuron without a class."""


def split_neurons(
    names: Sequence[str],
    strata: Sequence[str | None],
    *,
    val_ratio: float,
    test_ratio: float,
    seed: int,
) -> dict[str, Any]:
    """Split neurons into training, validation and test, every class in the same proportion.

    The split is by neuron, never by view: views of one neuron are never on both sides. Within a class the neurons
    are drawn at random; of n neurons round(n * ratio) go to a part, but at least one, and at least one stays in
    training. A class with fewer neurons than there are parts cannot be in all of them and is trained on only
    (`train_only` names it with its count). If no class is large enough, the classes are left out of account and
    all neurons are drawn as one.

    Args:
        names: the neurons, each once, in any order.
        strata: the class of each, None where it is unknown (the unknown are a class of their own).
        val_ratio, test_ratio: shares of the neurons, each at least 0, below 1 together; 0 leaves a part empty.
        seed: with the names, classes and ratios it decides the split.

    Returns:
        `hash` (of everything that follows), `seed`, `by` ("neuron"), `ratios`, `stratified` (bool), `parts` (the
        sorted names of each), `classes` (for each class its count in each part), `train_only`.
    """
    if len(names) != len(strata) or len(set(names)) != len(names):
        raise ValueError("split_neurons: names must be unique, with one stratum each")
    classes: dict[str, list[str]] = defaultdict(list)
    for name, stratum in sorted(zip(names, strata, strict=True)):
        classes[UNKNOWN if stratum is None else stratum].append(name)
    ratios = {"val": val_ratio, "test": test_ratio}
    least = 1 + sum(ratio > 0 for ratio in ratios.values())
    stratified = any(len(members) >= least for members in classes.values())
    groups = classes if stratified else {"": sorted(names)}
    parts: dict[str, list[str]] = {part: [] for part in PARTS}
    for group in sorted(groups):
        drawn = _draw(groups[group], ratios, least, seed, group)
        for part in PARTS:
            parts[part].extend(drawn[part])
    split = {
        "seed": seed,
        "by": "neuron",
        "ratios": ratios,
        "stratified": stratified,
        "parts": {part: sorted(members) for part, members in parts.items()},
        "classes": {name: _counts(members, parts) for name, members in sorted(classes.items())},
        "train_only": {
            name: len(members)
            for name, members in sorted(classes.items())
            if stratified and least > 1 and len(members) < least
        },
    }
    return {"hash": content_key(split), **split}


def split_sizes(split: Mapping[str, Any]) -> str:
    """The sizes of the parts as a person reads them: "train 240 (69 %), val 54 (16 %), test 54 (16 %)"."""
    total = max(1, sum(len(members) for members in split["parts"].values()))
    sizes = [f"{part} {len(split['parts'][part])} ({len(split['parts'][part]) / total:.0%})" for part in PARTS]
    return ", ".join(size.replace("%", " %") for size in sizes)


def _draw(
    members: Sequence[str], ratios: dict[str, float], least: int, seed: int, group: str
) -> dict[str, Sequence[str]]:
    """Draw the parts of one class; too small a class goes to training whole."""
    if len(members) < least:
        return {"train": members, "val": [], "test": []}
    digits = int(content_key(group)[:12], 16)
    shuffled = [members[place] for place in np.random.default_rng([seed, digits]).permutation(len(members))]
    counts = {part: max(1, int(len(members) * ratio + 0.5)) if ratio > 0 else 0 for part, ratio in ratios.items()}
    while sum(counts.values()) >= len(members):
        counts[max(counts, key=counts.__getitem__)] -= 1
    test, val = counts["test"], counts["val"]
    return {"test": shuffled[:test], "val": shuffled[test : test + val], "train": shuffled[test + val :]}


def _counts(members: Iterable[str], parts: dict[str, list[str]]) -> dict[str, int]:
    wanted = set(members)
    return {part: len(wanted.intersection(parts[part])) for part in PARTS}
