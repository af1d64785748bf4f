"""Nodes of the rendering pipeline."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from neuropil.compute import ComputeParameters
from neuropil.pipelines.skipping import skips
from neuropil.rendering.parameters import RenderingParameters
from neuropil.work.index import Index
from neuropil.work.skipped import Skipped

logger = logging.getLogger(__name__)


@skips
def split_neurons(neurons: Index, neuron_metadata: Index, rendering: RenderingParameters, seed: int) -> dict[str, Any]:
    """Decide, by neuron or by laboratory, who is trained on, who validates and who is held back."""
    from neuropil.rendering.grouping import NEURON, group_keys
    from neuropil.statistics.grouped_splits import split_groups
    from neuropil.statistics.splits import split_neurons, split_sizes

    classes = _classes(neuron_metadata)
    names = [record["neuron_name"] for record in neurons]
    strata = [classes.get(name) for name in names]
    ratios = {"val_ratio": rendering.val_ratio, "test_ratio": rendering.test_ratio}
    if rendering.split_by == NEURON:
        split = split_neurons(names, strata, **ratios, seed=seed)
    else:
        groups = group_keys(names, neuron_metadata, rendering.split_by)
        split = split_groups(names, strata, groups, by=rendering.split_by, **ratios, seed=seed)
    logger.info("split by %s: %s", rendering.split_by, split_sizes(split))
    return split


@skips
def render_neurons(
    neurons: Index,
    neuron_metadata: Index,
    neuron_split: dict[str, Any],
    neuron_store: Path,
    view_store: Path,
    rendering: RenderingParameters,
    compute: ComputeParameters,
    seed: int,
) -> Index:
    """Draw every neuron from all its cameras: silhouette, compartments, colours and depth, as PNG files.

    The split decides nothing here: it is an input so that one that cannot be made is told before hours of rendering.
    """
    from neuropil.rendering.store import render_neurons
    from neuropil.rendering.upright import METADATA_FIELD

    views = render_neurons(
        neurons,
        neuron_store=neuron_store,
        view_store=view_store,
        parameters=rendering,
        compute=compute,
        seed=seed,
        ups={record["neuron_name"]: record[METADATA_FIELD] for record in neuron_metadata if METADATA_FIELD in record},
        total=len(neurons),
    )
    if not views.neurons:
        return Index.skipped(f"no views: none of {len(neurons)} neurons could be rendered")
    return Index(views)


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
    from neuropil.rendering.contact_sheet import draw_sheet, select_cells
    from neuropil.work.apart import apart

    return apart(draw_sheet, select_cells(views, _classes(neuron_metadata).get), neuron_store)


@skips
def draw_view_strips(
    views: Index, neuron_store: Path, neuron_metadata: Index, rendering: RenderingParameters
) -> bytes | Skipped:
    """Draw all views of some neurons, a strip a neuron, as their cameras and frames show them."""
    from neuropil.rendering.view_strips import draw_strips, select_strips
    from neuropil.work.apart import apart

    if rendering.strips == 0 and not rendering.strip_neurons:
        return Skipped("no view strips: rendering.strips is 0")
    classes = _classes(neuron_metadata)
    chosen = select_strips(views, classes.get, count=rendering.strips, names=rendering.strip_neurons)
    shown = {views[0]["neuron_name"]: classes.get(views[0]["neuron_name"]) for views in chosen}
    return apart(draw_strips, chosen, neuron_store, shown.get)


def _classes(neuron_metadata: Index) -> dict[str, str]:
    """The class of each neuron that has one."""
    from neuropil.captions.adapters import neuromorpho

    found = ((record["neuron_name"], neuromorpho(record).cell_class) for record in neuron_metadata)
    return {name: cell_class for name, cell_class in found if cell_class is not None}
