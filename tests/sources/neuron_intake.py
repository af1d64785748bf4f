"""Neurons taken in as the pipeline does, for tests: sources gathered into stores below a workspace."""

from collections.abc import Sequence
from pathlib import Path

from neuropil.compute import ComputeParameters
from neuropil.pipelines.ingestion.nodes import gather_neurons
from neuropil.sources.http.parameters import HttpParameters
from neuropil.sources.parameters import NeuronSources, SourceName
from neuropil.work.index import Index


def gathered(
    sources: Sequence[SourceName],
    neurons: NeuronSources,
    workspace: Path,
    *,
    compute: ComputeParameters | None = None,
    http: HttpParameters | None = None,
) -> Index:
    """The raw neurons of the sources, their stores `raw`, `neuromorpho` and `allen` below the workspace."""
    stores = [workspace / name for name in ("raw", "neuromorpho", "allen")]
    return gather_neurons(list(sources), neurons, http or HttpParameters(), 17, compute or ComputeParameters(), *stores)
