"""Nodes of the rendering pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neuropil.compute import ComputeParameters
from neuropil.pipelines.skipping import skips
from neuropil.rendering.parameters import RenderingParameters
from neuropil.work.index import Index


@skips
def split_neurons(neurons: Index, neuron_metadata: Index, rendering: RenderingParameters, seed: int) -> dict[str, Any]:
    """Decide by neuron who is trained on, who validates and who is held back, each cell class in proportion."""
    from neuropil.captions.adapters import neuromorpho
    from neuropil.statistics.splits import split_neurons

    classes = {record["neuron_name"]: neuromorpho(record).cell_class for record in neuron_metadata}
    names = [record["neuron_name"] for record in neurons]
    return split_neurons(
        names,
        [classes.get(name) for name in names],
        val_ratio=rendering.val_ratio,
        test_ratio=rendering.test_ratio,
        seed=seed,
    )


@skips
def render_neurons(
    neurons: Index,
    neuron_store: Path,
    view_store: Path,
    rendering: RenderingParameters,
    compute: ComputeParameters,
    seed: int,
) -> Index:
    """Draw every neuron from all its cameras: silhouette, compartments, colours and depth, as PNG files."""
    from neuropil.rendering.store import render_neurons

    views = render_neurons(
        neurons,
        neuron_store=neuron_store,
        view_store=view_store,
        parameters=rendering,
        compute=compute,
        seed=seed,
        total=len(neurons),
    )
    index = Index(views)
    return index if len(index) else Index.skipped(f"no views: none of {len(neurons)} neurons could be rendered")


@skips(outputs=3)
def write_manifests(
    views: Index, neuron_split: dict[str, Any], rendering: RenderingParameters
) -> tuple[Index, Index, Index]:
    """List the views of each part of the split, without those that show too little of their neuron."""
    from neuropil.rendering.manifests import make_manifests

    return make_manifests(views, neuron_split, min_qc=rendering.min_qc)


@skips
def draw_contact_sheet(views: Index, neuron_store: Path, neuron_metadata: Index) -> bytes:
    """Draw some neurons of each class side by side, in the colours of their compartments."""
    from neuropil.captions.adapters import neuromorpho
    from neuropil.rendering.contact_sheet import draw_sheet, select_cells

    classes = {record["neuron_name"]: neuromorpho(record).cell_class for record in neuron_metadata}
    return draw_sheet(select_cells(views, classes.get), neuron_store)
