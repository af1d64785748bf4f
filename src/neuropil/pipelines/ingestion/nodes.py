"""The nodes of `ingestion`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neuropil.compute import ComputeParameters
from neuropil.pipelines.skipping import skips
from neuropil.sources.parameters import NeuronSources, SourceName, VolumeSources
from neuropil.work.index import Index


def gather_neurons(
    sources: list[SourceName], neurons: NeuronSources, seed: int, compute: ComputeParameters, raw_neuron_store: Path
) -> Index:
    """List the SWC files of every source, with what each source knows of them; grow those of the sample."""
    from neuropil.sources.gathering import gather_neurons

    return gather_neurons(sources, neurons, raw_neuron_store, seed=seed, compute=compute)


@skips(outputs=3)
def repair_neurons(
    raw_neurons: Index, raw_neuron_store: Path, compute: ComputeParameters, neuron_store: Path
) -> tuple[Index, Index, Index]:
    """Read each SWC file, repair it by name or quarantine it with its reason, and write it in one form."""
    from neuropil.sources.neuron_intake import take_in_neurons

    return tuple(take_in_neurons(raw_neurons, raw_neuron_store, neuron_store, compute))  # type: ignore[return-value]


@skips
def measure_neurons(neurons: Index, neuron_store: Path, compute: ComputeParameters) -> Any:
    """Measure each neuron: length, branches, extents, compartments, under L-Measure's conventions; a table."""
    import pandas as pd

    from neuropil.sources.measuring import measured

    return pd.DataFrame(measured(neurons, neuron_store, compute))


def gather_volumes(
    sources: list[SourceName], volumes: VolumeSources, seed: int, compute: ComputeParameters, raw_volume_store: Path
) -> Index:
    """List the EM volumes of every source; grow that of the sample."""
    from neuropil.sources.gathering import gather_volumes

    return gather_volumes(sources, volumes, raw_volume_store, seed=seed, compute=compute)


@skips
def convert_volumes(
    raw_volumes: Index, raw_volume_store: Path, compute: ComputeParameters, volume_store: Path
) -> Index:
    """Write each volume as HDF5 in the CREMI layout, with its voxel size and its labels."""
    from neuropil.sources.volume_intake import take_in_volumes

    return take_in_volumes(raw_volumes, raw_volume_store, volume_store, compute)
