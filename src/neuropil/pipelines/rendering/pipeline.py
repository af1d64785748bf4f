"""Wiring of the rendering pipeline."""

from __future__ import annotations

from typing import Any

from kedro.pipeline import Node, Pipeline

from neuropil.pipelines.rendering.nodes import (
    draw_contact_sheet,
    draw_view_strips,
    render_neurons,
    split_neurons,
    write_manifests,
)


def create_pipeline(**kwargs: Any) -> Pipeline:
    """Neurons to views, manifests and pictures to look at."""
    return Pipeline(
        [
            Node(
                split_neurons,
                inputs=["neurons", "neuron_metadata", "params:rendering", "params:seed"],
                outputs="neuron_split",
                name="split_neurons",
                tags=["train", "infer"],
            ),
            Node(
                render_neurons,
                inputs=[
                    "neurons",
                    "neuron_metadata",
                    "neuron_split",
                    "neuron_store",
                    "view_store",
                    "params:rendering",
                    "params:compute",
                    "params:seed",
                ],
                outputs="views",
                name="render_neurons",
                tags=["train", "infer"],
            ),
            Node(
                write_manifests,
                inputs=["views", "neuron_split", "params:rendering"],
                outputs=["manifest_train", "manifest_val", "manifest_test"],
                name="write_manifests",
                tags=["train", "infer"],
            ),
            Node(
                draw_contact_sheet,
                inputs=["views", "neuron_store", "neuron_metadata"],
                outputs="contact_sheet",
                name="draw_contact_sheet",
                tags=["train", "infer"],
            ),
            Node(
                draw_view_strips,
                inputs=["views", "neuron_store", "neuron_metadata", "params:rendering"],
                outputs="view_strips",
                name="draw_view_strips",
                tags=["train", "infer"],
            ),
        ],
        namespace="rendering",
        prefix_datasets_with_namespace=False,
    )
