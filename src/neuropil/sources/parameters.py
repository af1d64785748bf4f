"""Where neurons and volumes come from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from neuropil.parameters import Section, Words
from neuropil.sources.allen.parameters import AllenNeurons
from neuropil.sources.http.parameters import HttpParameters
from neuropil.sources.neuromorpho.parameters import NeuromorphoNeurons
from neuropil.sources.volume_parameters import FolderVolumes, VolumeSources

__all__ = [
    "AllenNeurons",
    "DuplicateHandling",
    "FolderNeurons",
    "FolderVolumes",
    "IngestionParameters",
    "NeuromorphoNeurons",
    "NeuronSources",
    "SampleNeurons",
    "SourceName",
    "VolumeSources",
]

SourceName = Literal["sample", "folder", "neuromorpho", "allen", "snemi3d", "cremi3d", "mitoem2", "microns"]
DuplicateHandling = Literal["report", "drop_later"]


class SampleNeurons(Section):
    """The procedural neurons."""

    cells_per_class: int = Field(20, ge=1, le=10_000, description="neurons grown of each of the eight classes")


class FolderNeurons(Section):
    """SWC files of your own."""

    path: Path | None = Field(
        None, description="folder of SWC files or archives of them at any depth, or one such file; null = no neurons"
    )
    metadata: Path | None = Field(
        None, description="table of facts (.jsonl or .csv); null = metadata.jsonl or .csv in the folder or above it"
    )


class NeuronSources(Section):
    """Neurons, by source."""

    sample: SampleNeurons = Field(default_factory=SampleNeurons)
    folder: FolderNeurons = Field(default_factory=FolderNeurons)
    neuromorpho: NeuromorphoNeurons = Field(default_factory=NeuromorphoNeurons)
    allen: AllenNeurons = Field(default_factory=AllenNeurons)
    duplicates: DuplicateHandling = Field(
        "report",
        description="neurons that repeat the tracing of an earlier one, found by geometry: report = told, all are "
        "kept; drop_later = told, only the first is kept",
    )
    show: str | None = Field(
        None,
        coerce_numbers_to_str=True,  # the command line reads 525011903 as a number
        description="name of the neuron that is drawn; null = one of median size",
    )


class IngestionParameters(Section):
    """What `ingestion` reads."""

    sources: Annotated[tuple[SourceName, ...], Words] = Field(
        ("sample",), min_length=1, description="sources read, in this order; on the command line joined by +"
    )
    http: HttpParameters = Field(default_factory=HttpParameters)
    neurons: NeuronSources = Field(default_factory=NeuronSources)
    volumes: VolumeSources = Field(default_factory=VolumeSources)
