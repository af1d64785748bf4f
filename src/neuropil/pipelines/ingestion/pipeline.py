"""The wiring of `ingestion`."""

from __future__ import annotations

from typing import Any

from kedro.pipeline import Node, Pipeline

from neuropil.pipelines.ingestion.nodes import (
    cite_neurons,
    convert_volumes,
    draw_volume_cards,
    find_duplicates,
    gather_neurons,
    gather_volumes,
    inspect_volumes,
    measure_neurons,
    repair_neurons,
    report_volume_defects,
    show_neuron,
)


def create_pipeline(**kwargs: Any) -> Pipeline:
    """Neurons: gathered, repaired, compared, cited, measured, one of them drawn. Volumes: gathered, converted,
    inspected, shown."""
    return Pipeline(
        [
            Node(
                gather_neurons,
                inputs=[
                    "params:ingestion.sources",
                    "params:ingestion.neurons",
                    "params:ingestion.http",
                    "params:seed",
                    "params:compute",
                    "raw_neuron_store",
                    "neuromorpho_store",
                    "allen_store",
                ],
                outputs="raw_neurons",
                name="gather_neurons",
            ),
            Node(
                repair_neurons,
                inputs=["raw_neurons", "raw_neuron_store", "params:compute", "neuron_store"],
                outputs=["repaired_neurons", "repaired_metadata", "repair_log", "repair_summary"],
                name="repair_neurons",
            ),
            Node(
                find_duplicates,
                inputs=[
                    "repaired_neurons",
                    "repaired_metadata",
                    "params:ingestion.neurons.duplicates",
                    "params:compute",
                    "neuron_store",
                ],
                outputs=["neurons", "neuron_metadata", "neuron_duplicates"],
                name="find_duplicates",
            ),
            Node(
                cite_neurons,
                inputs="neuron_metadata",
                outputs=["citations", "citations_bibtex"],
                name="cite_neurons",
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
                    "params:ingestion.http",
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
                outputs=["volumes", "volume_log"],
                name="convert_volumes",
            ),
            Node(
                inspect_volumes,
                inputs=["volumes", "volume_store", "params:compute"],
                outputs="volume_inspections",
                name="inspect_volumes",
            ),
            Node(
                report_volume_defects,
                inputs=[
                    "volumes",
                    "volume_inspections",
                    "volume_log",
                    "raw_volumes",
                    "raw_volume_store",
                    "volume_store",
                ],
                outputs=["volume_defects", "volume_defect_sheet"],
                name="report_volume_defects",
            ),
            Node(
                draw_volume_cards,
                inputs=["volumes", "volume_inspections", "volume_store", "params:compute", "volume_card_store"],
                outputs=["volume_card_index", "volume_cards"],
                name="draw_volume_cards",
            ),
        ],
        tags=["train", "infer"],
        namespace="ingestion",
        prefix_datasets_with_namespace=False,
    )
