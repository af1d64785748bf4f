"""Manifests: the views of each part of a split."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from neuropil.errors import InputError
from neuropil.work.index import Index, Record

logger = logging.getLogger(__name__)


def make_manifests(views: Iterable[Record], split: Mapping[str, Any], *, min_qc: float) -> tuple[Index, Index, Index]:
    """Share the views out among training, validation and test, as the split says of their neurons.

    A view of which less than `min_qc` of the cable lies inside the frame is in no manifest; its files and its
    record in the index of all views stay, and a warning says how many there are and which neurons lose all.

    Returns:
        (train, val, test). A part without neurons is an index with the reason.

    Raises:
        InputError: a neuron is in no part (split and views are of different runs).
    """
    part_of = {name: part for part, names in split["parts"].items() for name in names}
    records: dict[str, list[Record]] = {part: [] for part in ("train", "val", "test")}
    kept: set[str] = set()
    dropped: dict[str, int] = {}
    for view in views:
        name = view["neuron_name"]
        if view["qc"] < min_qc:
            dropped[name] = dropped.get(name, 0) + 1
            continue
        if name not in part_of:
            raise InputError(f"{name}: rendered, but not in the split; run the rendering pipeline as a whole")
        kept.add(name)
        records[part_of[name]].append(view)
    if dropped:
        lost = sorted(set(dropped) - kept)
        logger.warning(
            "%d views of %d neurons show less than rendering.min_qc=%g of the cable and are in no manifest%s",
            sum(dropped.values()),
            len(dropped),
            min_qc,
            f"; {len(lost)} neurons have no view left: {', '.join(lost[:10])}" if lost else "",
        )
    return (
        _index("train", records, split, min_qc),
        _index("val", records, split, min_qc),
        _index("test", records, split, min_qc),
    )


def _index(part: str, records: Mapping[str, list[Record]], split: Mapping[str, Any], min_qc: float) -> Index:
    if records[part]:
        return Index(records[part])
    if split["ratios"].get(part) == 0:
        return Index.skipped(f"no {part} views: rendering.{part}_ratio is 0")
    if not split["parts"][part]:
        count = sum(len(names) for names in split["parts"].values())
        return Index.skipped(f"no {part} views: {count} neurons are too few to hold some back")
    return Index.skipped(f"no {part} views: none was rendered with at least rendering.min_qc={min_qc:g} in its frame")
