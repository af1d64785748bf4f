"""All sources of a run, one after the other, under names that are told apart."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from neuropil.compute import ComputeParameters
from neuropil.sources.folder import FIELD, VOLUME_FIELD, folder_neurons, folder_volumes
from neuropil.sources.names import told_apart
from neuropil.sources.parameters import NeuronSources, SourceName, VolumeSources
from neuropil.sources.sample import sample_neurons, sample_volumes
from neuropil.work.index import Index


def gather_neurons(
    sources: Sequence[SourceName], parameters: NeuronSources, store: Path, *, seed: int, compute: ComputeParameters
) -> Index:
    """The raw records of all sources' neurons (see `sample_neurons`), or the reason why there are none."""

    def records() -> Iterator[dict[str, Any]]:
        for source in sources:
            if source == "sample":
                yield from sample_neurons(parameters.sample, store, seed=seed, compute=compute)
            else:
                yield from folder_neurons(parameters.folder, store)

    return _streamed(told_apart(records(), "neuron_name"), f"no neurons: {FIELD} is not set")


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

    return _streamed(told_apart(records(), "name"), f"no volumes: {VOLUME_FIELD} is not set")


def _streamed(records: Iterator[dict[str, Any]], reason: str) -> Index:
    """The records as an index that is not held in memory; empty with a reason where there are none."""
    first = next(records, None)
    return Index.skipped(reason) if first is None else Index(itertools.chain([first], records))
