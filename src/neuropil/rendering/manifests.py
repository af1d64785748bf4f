"""Manifests: the views of each part of a split."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from neuropil.errors import InputError
from neuropil.work.index import Index, Record

logger = logging.getLogger(__name__)

_PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class _Part:
    """The views of one part, chosen anew from all of them at each iteration: none is held."""

    views: Iterable[Record]
    part_of: Mapping[str, str]
    part: str
    min_qc: float

    def __iter__(self) -> Iterator[Record]:
        for view in self.views:
            if view["qc"] >= self.min_qc and self.part_of[view["neuron_name"]] == self.part:
                yield view


def make_manifests(views: Iterable[Record], split: Mapping[str, Any], *, min_qc: float) -> tuple[Index, Index, Index]:
    """Share the views out among training, validation and test, as the split says of their neurons.

    A view of which less than `min_qc` of the cable lies inside the frame is in no manifest; its files and its
    record in the index of all views stay, and a warning says how many there are and which neurons lose all.

    Args:
        views: records of all views; read several times, never held (an iterator is taken into an `Index` first).
        split: what `statistics.splits` made.
        min_qc: the least share of the cable.

    Returns:
        (train, val, test). A part without neurons is an index with the reason.

    Raises:
        InputError: a neuron is in no part (split and views are of different runs).
    """
    views = Index(views) if isinstance(views, Iterator) else views
    part_of = {name: part for part, names in split["parts"].items() for name in names}
    kept: dict[str, int] = {}
    dropped: Counter[str] = Counter()
    fixed = False
    for view in views:
        name = view["neuron_name"]
        if view["qc"] < min_qc:
            dropped[name] += 1
            fixed |= view.get("frame_um") is not None
            continue
        if name not in part_of:
            raise InputError(f"{name}: rendered, but not in the split; run the rendering pipeline as a whole")
        kept[name] = kept.get(name, 0) + 1
    if dropped:
        _warn(dropped, sorted(set(dropped) - set(kept)), min_qc, fixed)
    held = {part_of[name] for name in kept}
    train, val, test = (
        Index(_Part(views, part_of, part, min_qc)) if part in held else _none(part, split, min_qc) for part in _PARTS
    )
    return train, val, test


def _warn(dropped: Counter[str], lost: list[str], min_qc: float, fixed: bool) -> None:
    logger.warning(
        "%d views of %d neurons show less than rendering.min_qc=%g of the cable and are in no manifest%s%s",
        dropped.total(),
        len(dropped),
        min_qc,
        f"; {len(lost)} neurons have no view left: {', '.join(lost[:10])}" if lost else "",
        "; rendering.frame_um cuts larger neurons: enlarge it or lower min_qc" if fixed else "",
    )


def _none(part: str, split: Mapping[str, Any], min_qc: float) -> Index:
    if split["ratios"].get(part) == 0:
        return Index.skipped(f"no {part} views: rendering.{part}_ratio is 0")
    if not split["parts"][part]:
        count = sum(len(names) for names in split["parts"].values())
        return Index.skipped(f"no {part} views: {count} neurons are too few to hold some back")
    return Index.skipped(f"no {part} views: none was rendered with at least rendering.min_qc={min_qc:g} in its frame")
