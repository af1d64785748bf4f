"""All sources of a run, one after the other, under names that are told apart."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from neuropil.compute import ComputeParameters
from neuropil.sources.folder import FIELD, folder_neurons
from neuropil.sources.folder_volumes import VOLUME_FIELD, folder_volumes
from neuropil.sources.http.parameters import HttpParameters
from neuropil.sources.names import told_apart
from neuropil.sources.parameters import IngestionParameters, NeuronSources, SourceName, VolumeSources
from neuropil.sources.sample import sample_neurons, sample_volumes
from neuropil.work.index import Index

OF_NEURONS: tuple[SourceName, ...] = ("sample", "folder")
FETCHED: tuple[SourceName, ...] = ("snemi3d", "cremi3d", "mitoem2", "microns")
"""Sources whose files may come from a server."""


def gather_neurons(
    sources: Sequence[SourceName], parameters: NeuronSources, store: Path, *, seed: int, compute: ComputeParameters
) -> Index:
    """The raw records of all sources' neurons (see `sample_neurons`), or the reason why there are none."""

    def records() -> Iterator[dict[str, Any]]:
        for source in sources:
            if source == "sample":
                yield from sample_neurons(parameters.sample, store, seed=seed, compute=compute)
            elif source == "folder":
                yield from folder_neurons(parameters.folder, store)

    sources = listed(sources)
    if not set(sources) & set(OF_NEURONS):
        return Index.skipped(f"no neurons: ingestion.sources={'+'.join(sources)} has none")
    return _streamed(told_apart(records(), "neuron_name"), f"no neurons: {FIELD} is not set")


def gather_volumes(
    sources: Sequence[SourceName],
    parameters: VolumeSources,
    http: HttpParameters,
    store: Path,
    *,
    seed: int,
    compute: ComputeParameters,
) -> Index:
    """The raw records of all sources' volumes, or the reason why there are none.

    What a source publishes is fetched into the raw store where it is not on disk already; see `em.records.raw_record`
    for the records.
    """

    def records() -> Iterator[dict[str, Any]]:
        for source in sources:
            yield from _volumes(source, parameters, http, store, seed=seed, compute=compute)

    sources = listed(sources)
    fetched = set(sources) & set(FETCHED)
    note = http.warning if any(getattr(parameters, source).path is None for source in fetched) else None
    return _streamed(told_apart(records(), "name"), f"no volumes: {VOLUME_FIELD} is not set", note)


def listed(sources: Sequence[SourceName] | str) -> tuple[SourceName, ...]:
    """The names of sources, which the command line joins by `+` and hands to the nodes as it is."""
    return IngestionParameters.model_validate({"sources": sources}).sources


def _volumes(
    source: SourceName,
    parameters: VolumeSources,
    http: HttpParameters,
    store: Path,
    *,
    seed: int,
    compute: ComputeParameters,
) -> Iterator[dict[str, Any]]:
    from neuropil.sources.em.cremi3d import cremi_volumes
    from neuropil.sources.em.microns import microns_volumes
    from neuropil.sources.em.mitoem2 import mitoem_volumes
    from neuropil.sources.em.snemi3d import snemi_volumes

    match source:
        case "sample":
            return sample_volumes(parameters.sample, store, seed=seed, compute=compute)
        case "folder":
            return folder_volumes(parameters.folder)
        case "snemi3d":
            return snemi_volumes(parameters.snemi3d, http, store)
        case "cremi3d":
            return cremi_volumes(parameters.cremi3d, http, store)
        case "mitoem2":
            return mitoem_volumes(parameters.mitoem2, http, store)
        case "microns":
            return microns_volumes(parameters.microns, http, store, compute=compute)


def _streamed(records: Iterator[dict[str, Any]], reason: str, note: str | None = None) -> Index:
    """The records as an index that is not held in memory; empty with a reason where there are none."""
    first = next(records, None)
    return Index.skipped(reason) if first is None else Index(itertools.chain([first], records), note=note)
