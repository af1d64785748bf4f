"""All sources of a run, one after the other, under names that are told apart."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from neuropil.compute import ComputeParameters
from neuropil.sources.folder import FIELD, folder_neurons
from neuropil.sources.folder_volumes import VOLUME_FIELD, folder_volumes
from neuropil.sources.http.parameters import HttpParameters
from neuropil.sources.names import told_apart
from neuropil.sources.parameters import IngestionParameters, NeuronSources, SourceName, VolumeSources
from neuropil.sources.sample import sample_neurons, sample_volumes
from neuropil.work.index import Index

OF_NEURONS: tuple[SourceName, ...] = ("sample", "folder", "neuromorpho", "allen")
OF_VOLUMES: tuple[SourceName, ...] = ("sample", "folder", "snemi3d", "cremi3d", "mitoem2", "microns")
FETCHED: tuple[SourceName, ...] = ("snemi3d", "cremi3d", "mitoem2", "microns")
"""Sources of volumes whose files may come from a server."""

_NONE = "no neurons: "


class NeuronStores(NamedTuple):
    """Where the sources of neurons keep their raw files.

    Attributes:
        raw: of those that have no store of their own; relative paths of raw records are relative to it.
        neuromorpho, allen: of these two.
    """

    raw: Path
    neuromorpho: Path
    allen: Path


def gather_neurons(
    sources: Sequence[SourceName],
    parameters: NeuronSources,
    http: HttpParameters,
    stores: NeuronStores,
    *,
    seed: int,
    compute: ComputeParameters,
) -> Index:
    """The raw records of all sources' neurons (see `sample_neurons`), or the reason why there are none.

    What a source publishes is fetched into its store where it is not there already. Files that lie elsewhere than in
    the raw store have absolute paths.
    """

    def records() -> Iterator[dict[str, Any]]:
        for source in sources:
            yield from _neurons(source, parameters, http, stores, seed=seed, compute=compute)

    sources = listed(sources)
    of_neurons = [source for source in sources if source in OF_NEURONS]
    if not of_neurons:
        return Index.skipped(f"no neurons: ingestion.sources={'+'.join(sources)} has none")
    reasons = [reason.removeprefix(_NONE) for source in of_neurons if (reason := _why_none(source, parameters))]
    fetched = "neuromorpho" in of_neurons or ("allen" in of_neurons and parameters.allen.path is None)
    return _streamed(
        told_apart(records(), "neuron_name"),
        _NONE + "; ".join(reasons),
        http.warning if fetched else None,
    )


def _neurons(
    source: SourceName,
    parameters: NeuronSources,
    http: HttpParameters,
    stores: NeuronStores,
    *,
    seed: int,
    compute: ComputeParameters,
) -> Iterator[dict[str, Any]]:
    from neuropil.sources.allen.neurons import allen_neurons
    from neuropil.sources.neuromorpho.neurons import neuromorpho_neurons

    match source:
        case "sample":
            return sample_neurons(parameters.sample, stores.raw, seed=seed, compute=compute)
        case "folder":
            return folder_neurons(parameters.folder, stores.raw)
        case "neuromorpho":
            return _placed(neuromorpho_neurons(parameters.neuromorpho, http, stores.neuromorpho), stores.neuromorpho)
        case "allen":
            return _placed(allen_neurons(parameters.allen, http, stores.allen), stores.allen)
        case _:
            return iter(())  # a source of volumes


def _placed(records: Iterator[dict[str, Any]], store: Path) -> Iterator[dict[str, Any]]:
    """The records of a source with a store of its own, their paths absolute."""
    return ({**record, "swc": str((store / record["swc"]).absolute())} for record in records)


def _why_none(source: SourceName, parameters: NeuronSources) -> str | None:
    """Why a source gives no neurons although nothing failed."""
    match source:
        case "folder":
            return f"{FIELD} is not set"
        case "neuromorpho":
            return parameters.neuromorpho.nothing
        case "allen":
            return parameters.allen.nothing
        case _:
            return None


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
    if not set(sources) & set(OF_VOLUMES):
        return Index.skipped(f"no volumes: ingestion.sources={'+'.join(sources)} has none")
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
        case _:
            return iter(())  # a source of neurons


def _streamed(records: Iterator[dict[str, Any]], reason: str, note: str | None = None) -> Index:
    """The records as an index that is not held in memory; empty with a reason where there are none."""
    first = next(records, None)
    return Index.skipped(reason) if first is None else Index(itertools.chain([first], records), note=note)
