"""The wiring of `ingestion`."""

from __future__ import annotations

from typing import Any

from kedro.pipeline import Node, Pipeline

from neuropil.pipelines.ingestion.nodes import (
    convert_volumes,
    gather_neurons,
    gather_volumes,
    measure_neurons,
    repair_neurons,
    show_neuron,
)


def create_pipeline(**kwargs: Any) -> Pipeline:
    """Neurons: gathered, repaired, measured, one of them drawn. Volumes: gathered, converted."""
    return Pipeline(
        [
            Node(
                gather_neurons,
                inputs=[
                    "params:ingestion.sources",
                    "params:ingestion.neurons",
                    "params:seed",
                    "params:compute",
                    "raw_neuron_store",
                ],
                outputs="raw_neurons",
                name="gather_neurons",
            ),
            Node(
                repair_neurons,
                inputs=["raw_neurons", "raw_neuron_store", "params:compute", "neuron_store"],
                outputs=["neurons", "neuron_metadata", "repair_log", "repair_summary"],
                name="repair_neurons",
            ),
            Node(
                measure_neurons,
                inputs=["neurons", "neuron_store", "params:compute"],
                outputs=["morphometry", "morphometry_profiles"],
                name="measure_neurons",
            ),
            Node(
                show_neuron,
                inputs=["neurons", "neuron_store", "params:ingestion.neurons.show"],
                outputs="neuron_figure",
                name="show_neuron",
            ),
            Node(
                gather_volumes,
                inputs=[
                    "params:ingestion.sources",
                    "params:ingestion.volumes",
                    "params:seed",
                    "params:compute",
                    "raw_volume_store",
                ],
                outputs="raw_volumes",
                name="gather_volumes",
            ),
            Node(
                convert_volumes,
                inputs=["raw_volumes", "raw_volume_store", "params:compute", "volume_store"],
                outputs="volumes",
                name="convert_volumes",
            ),
        ],
        tags=["train", "infer"],
        namespace="ingestion",
        prefix_datasets_with_namespace=False,
    )
