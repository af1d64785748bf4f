"""The nodes of `ingestion`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neuropil.compute import ComputeParameters
from neuropil.pipelines.skipping import skips
from neuropil.sources.http.parameters import HttpParameters
from neuropil.sources.parameters import DuplicateHandling, NeuronSources, SourceName, VolumeSources
from neuropil.work.index import Index


def gather_neurons(
    sources: list[SourceName],
    neurons: NeuronSources,
    http: HttpParameters,
    seed: int,
    compute: ComputeParameters,
    raw_neuron_store: Path,
    neuromorpho_store: Path,
    allen_store: Path,
) -> Index:
    """List the SWC files of every source, those in archives among them, with what is known of each; fetch what is
    published and not there yet; grow the sample."""
    from neuropil.sources.gathering import NeuronStores, gather_neurons

    stores = NeuronStores(raw_neuron_store, neuromorpho_store, allen_store)
    return gather_neurons(sources, neurons, http, stores, seed=seed, compute=compute)


@skips(outputs=4)
def repair_neurons(
    raw_neurons: Index, raw_neuron_store: Path, compute: ComputeParameters, neuron_store: Path
) -> tuple[Index, Index, Index, Index]:
    """Read each SWC file, repair it by name or quarantine it with its reason, and write it in one form.

    Four records of it: the neurons, what the source says of each, what became of every file, and the same summed up
    by repair, remark and reason.
    """
    from neuropil.sources.neuron_intake import take_in_neurons

    return tuple(take_in_neurons(raw_neurons, raw_neuron_store, neuron_store, compute))  # type: ignore[return-value]


@skips(outputs=3)
def find_duplicates(
    repaired_neurons: Index,
    repaired_metadata: Index,
    duplicates: DuplicateHandling,
    compute: ComputeParameters,
    neuron_store: Path,
) -> tuple[Index, Index, Index]:
    """Find neurons that hold the same tracing under other names, by geometry; drop the later ones only where
    `ingestion.neurons.duplicates` says so. The neurons that go on, their metadata, and the table of the copies."""
    from neuropil.sources.duplicates import find_duplicates

    return tuple(find_duplicates(repaired_neurons, repaired_metadata, neuron_store, duplicates, compute))  # type: ignore[return-value]


@skips(outputs=2)
def cite_neurons(neuron_metadata: Index) -> tuple[str, str]:
    """Write whom to cite for the neurons of this run: repositories, archives, papers; to read and as BibTeX."""
    from neuropil.sources.citations import cite

    return tuple(cite(neuron_metadata))  # type: ignore[return-value]


@skips(outputs=2)
def measure_neurons(neurons: Index, neuron_store: Path, compute: ComputeParameters) -> tuple[Index, Index]:
    """Measure each neuron: length, branches, extents, compartments, under L-Measure's conventions, as a table;
    with its Sholl and Strahler profiles and its persistence image as JSON lines."""
    from neuropil.sources.measuring import measured

    return tuple(measured(neurons, neuron_store, compute))  # type: ignore[return-value]


@skips
def show_neuron(neurons: Index, neuron_store: Path, show: str | None) -> Any:
    """Draw one neuron in three dimensions, coloured by compartment: the one that `ingestion.neurons.show` names,
    else one of median size with the most compartments."""
    from neuropil.sources.showing import shown_neuron

    return shown_neuron(neurons, neuron_store, show)


def gather_volumes(
    sources: list[SourceName],
    volumes: VolumeSources,
    http: HttpParameters,
    seed: int,
    compute: ComputeParameters,
    raw_volume_store: Path,
) -> Index:
    """List the EM volumes of every source, fetched where they are not on disk; grow that of the sample."""
    from neuropil.sources.gathering import gather_volumes

    return gather_volumes(sources, volumes, http, raw_volume_store, seed=seed, compute=compute)


@skips(outputs=2)
def convert_volumes(
    raw_volumes: Index, raw_volume_store: Path, compute: ComputeParameters, volume_store: Path
) -> tuple[Index, Index]:
    """Write each volume as HDF5 in the CREMI layout, with its voxel size, its labels and where they come from.

    Two records of it: the volumes, and what became of every one that a source named.
    """
    from neuropil.sources.volume_intake import take_in_volumes

    return tuple(take_in_volumes(raw_volumes, raw_volume_store, volume_store, compute))  # type: ignore[return-value]


@skips
def inspect_volumes(volumes: Index, volume_store: Path, compute: ComputeParameters) -> Index:
    """Measure each volume: grey values, structure and repeats of its sections, proportions, fit of its labels."""
    from neuropil.em.inspection.inspect import inspect_volumes

    return inspect_volumes(volumes, volume_store, compute)


@skips(outputs=2)
def report_volume_defects(
    volumes: Index,
    volume_inspections: Index,
    volume_log: Index,
    raw_volumes: Index,
    raw_volume_store: Path,
    volume_store: Path,
) -> tuple[Index, bytes]:
    """Name the defects of every volume, those that were refused among them, with what to do; show them in pictures.

    Noise, labels that are transposed or misplaced, voxel sizes that cannot be, sections that are empty or repeated,
    poor contrast, shapes that do not fit; and what others reported of published files.
    """
    from neuropil.em.defects.report import report_defects
    from neuropil.em.defects.sheet import draw_defect_sheet

    table, shown = report_defects(volumes, volume_inspections, volume_log, raw_volumes, raw_volume_store)
    return table, draw_defect_sheet(shown, len(volume_log), volume_store, raw_volume_store)


@skips(outputs=2)
def draw_volume_cards(
    volumes: Index, volume_inspections: Index, volume_store: Path, compute: ComputeParameters, volume_card_store: Path
) -> tuple[Index, bytes]:
    """Draw a card of each volume: size, classes, instances, histogram, defects, three slices with outlined labels."""
    from neuropil.em.cards.sheet import draw_cards

    return draw_cards(volumes, volume_inspections, volume_store, volume_card_store, compute)
