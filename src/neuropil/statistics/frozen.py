"""Folds and splits frozen to a file, with a hash that every score names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from neuropil.errors import InputError
from neuropil.statistics.folds import Fold
from neuropil.work.keys import content_key


def frozen_folds(names: Sequence[str], folds: Sequence[Fold], *, by: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Folds as plain values, by the names of the items, for a JSON file.

    Args:
        names: of the items, each once.
        folds: places in `names`.
        by: what they keep apart ("laboratory + recording date").
        facts: what else decided them (seed, rare classes), kept in the file.

    Returns:
        {"hash", "by", "facts", "folds": [{"name", "train": [names], "test": [names]}]}; the hash is of all the rest.
    """
    if len(set(names)) != len(names):
        raise ValueError("frozen_folds: names must be unique")
    document = {
        "by": by,
        "facts": dict(facts),
        "folds": [
            {
                "name": fold.name,
                "train": sorted(names[place] for place in fold.train),
                "test": sorted(names[place] for place in fold.test),
            }
            for fold in folds
        ],
    }
    return {"hash": content_key(document), **document}


def thawed_folds(document: Mapping[str, Any], names: Sequence[str], *, label: str) -> list[Fold]:
    """The folds of a frozen file, as places in `names`.

    Args:
        document: as `frozen_folds` made it.
        names: the items of now.
        label: names the file in messages.

    Raises:
        InputError: the file was changed after it was frozen, an item of it is not there any more, or an item stands on
            both sides of a fold.
    """
    check_frozen(document, label=label)
    place = {name: index for index, name in enumerate(names)}
    folds = []
    for one in document["folds"]:
        missing = [name for name in (*one["train"], *one["test"]) if name not in place]
        if missing:
            raise InputError(
                f"{label}: {len(missing)} items are not there any more, the first {missing[0]}; freeze anew"
            )
        both = set(one["train"]) & set(one["test"])
        if both:
            raise InputError(f"{label}: fold {one['name']!r} trains on items that it tests, such as {min(both)}")
        train, test = (np.array([place[name] for name in one[side]], np.int64) for side in ("train", "test"))
        folds.append(Fold(one["name"], train, test))
    return folds


def check_frozen(document: Mapping[str, Any], *, label: str) -> None:
    """See that a frozen split or set of folds is as it was made.

    Raises:
        InputError: its hash is not that of its content.
    """
    rest = {name: value for name, value in document.items() if name != "hash"}
    if content_key(rest) != document.get("hash"):
        raise InputError(f"{label}: changed after it was frozen (its hash is of other content); make it anew")
