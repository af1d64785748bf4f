"""Wiring of the evaluation pipeline."""

from __future__ import annotations

from typing import Any

from kedro.pipeline import Node, Pipeline

from neuropil.pipelines.evaluation.baseline_nodes import freeze_baseline_folds, score_baselines
from neuropil.pipelines.evaluation.nodes import (
    build_search_index,
    draw_confusion,
    draw_maps,
    embed_neurons,
    score,
    tabulate_scores,
    write_report,
)


def create_pipeline(**kwargs: Any) -> Pipeline:
    """Embeddings to a search index, scores, pictures and a report; beside them what features without learning reach."""
    return Pipeline(
        [
            Node(
                embed_neurons,
                inputs=[
                    "clip_checkpoint",
                    "manifest_train",
                    "manifest_val",
                    "manifest_test",
                    "view_store",
                    "neuron_store",
                    "neuron_split",
                    "params:evaluation",
                    "params:views",
                    "embedding_store",
                ],
                outputs="embeddings",
                name="embed_neurons",
                tags=["infer"],
            ),
            Node(
                build_search_index,
                inputs=["embeddings", "captions", "clip_checkpoint", "search_store"],
                outputs="search_index",
                name="build_search_index",
                tags=["infer"],
            ),
            Node(
                score,
                inputs=[
                    "embeddings",
                    "captions",
                    "morphometry",
                    "neuron_split",
                    "clip_checkpoint",
                    "em_scores",
                    "vae_scores",
                    "params:evaluation",
                    "params:seed",
                ],
                outputs="metrics",
                name="score",
                tags=["score"],
            ),
            Node(write_report, inputs="metrics", outputs="eval_report", name="write_report", tags=["score"]),
            Node(
                draw_maps,
                inputs=["embeddings", "captions", "params:evaluation", "params:seed"],
                outputs=["tsne_cell_type", "tsne_region"],
                name="draw_maps",
                tags=["score"],
            ),
            Node(
                draw_confusion,
                inputs="metrics",
                outputs="confusion_matrix",
                name="draw_confusion",
                tags=["score"],
            ),
            Node(
                freeze_baseline_folds,
                inputs=["neurons", "neuron_metadata", "params:evaluation", "params:seed"],
                outputs="baseline_folds",
                name="freeze_baseline_folds",
                tags=["score"],
            ),
            Node(
                score_baselines,
                inputs=[
                    "baseline_folds",
                    "neurons",
                    "neuron_store",
                    "baseline_store",
                    "params:evaluation",
                    "params:compute",
                    "params:seed",
                ],
                outputs=["baseline_scores", "baseline_comparisons", "baseline_report"],
                name="score_baselines",
                tags=["score"],
            ),
            Node(
                tabulate_scores,
                inputs=["metrics", "baseline_scores", "baseline_comparisons"],
                outputs=["scores", "comparisons", "scores_table"],
                name="tabulate_scores",
                tags=["score"],
            ),
        ],
        namespace="evaluation",
        prefix_datasets_with_namespace=False,
    )
