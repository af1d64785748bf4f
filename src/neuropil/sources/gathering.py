"""All sources of a run, one after the other, under names that are told apart."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from neuropil.compute import ComputeParameters
from neuropil.sources.folder import FIELD, VOLUME_FIELD, folder_neurons, folder_volumes
from neuropil.sources.parameters import NeuronSources, SourceName, VolumeSources
from neuropil.sources.sample import sample_neurons, sample_volumes
from neuropil.work.index import Index

logger = logging.getLogger(__name__)

_UNSAFE = re.compile(r"[^\w.+() -]")  # what has no place in a file name on some system


def gather_neurons(
    sources: Sequence[SourceName], parameters: NeuronSources, store: Path, *, seed: int, compute: ComputeParameters
) -> Index:
    """The raw records of all sources' neurons (see `sample_neurons`), or the reason why there are none."""

    def records() -> Iterator[dict[str, Any]]:
        for source in sources:
            if source == "sample":
                yield from sample_neurons(parameters.sample, store, seed=seed, compute=compute)
            else:
                yield from folder_neurons(parameters.folder)

    found = list(_told_apart(records(), "neuron_name"))
    return Index(found) if found else Index.skipped(f"no neurons: {FIELD} is not set")


def gather_volumes(
    sources: Sequence[SourceName], parameters: VolumeSources, store: Path, *, seed: int, compute: ComputeParameters
) -> Index:
    """The raw records of all sources' volumes (see `sample_volumes`), or the reason why there are none."""

    def records() -> Iterator[dict[str, Any]]:
        for source in sources:
            if source == "sample":
                yield from sample_volumes(parameters.sample, store, seed=seed, compute=compute)
            else:
                yield from folder_volumes(parameters.folder)

    found = list(_told_apart(records(), "name"))
    return Index(found) if found else Index.skipped(f"no volumes: {VOLUME_FIELD} is not set")


def _told_apart(records: Iterable[dict[str, Any]], field: str) -> Iterator[dict[str, Any]]:
    """Give the second record of a name its source or a number besides, so that neither overwrites the other.

    Names are compared without regard to case, as some file systems do, and made safe as file names.
    """
    taken: set[str] = set()
    numbers: Counter[str] = Counter()
    for record in records:
        name = unique = _UNSAFE.sub("_", record[field]).lstrip(".") or "unnamed"
        while unique.casefold() in taken:
            base = f"{name}__{record['source']}"
            unique = f"{base}{numbers[base] or ''}"
            numbers[base] += 1
        taken.add(unique.casefold())
        if unique != record[field]:
            logger.warning("%s is kept as %s: its name is taken or no file name", record.get("swc", name), unique)
        yield {**record, field: unique}
