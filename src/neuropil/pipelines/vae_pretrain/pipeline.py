"""Wiring of the vae_pretrain pipeline."""

from __future__ import annotations

from typing import Any

from kedro.pipeline import Node, Pipeline

from neuropil.pipelines.vae_pretrain.nodes import draw_vae_curves, draw_vae_reconstructions, score_vae, train_vae


def create_pipeline(**kwargs: Any) -> Pipeline:
    """Views to a trained SegVAE, its curves, scores and reconstructions."""
    return Pipeline(
        [
            Node(
                train_vae,
                inputs=[
                    "manifest_train",
                    "manifest_val",
                    "view_store",
                    "neuron_store",
                    "vae_training_store",
                    "params:vae_pretrain",
                    "params:views",
                    "params:seed",
                ],
                outputs=["vae_checkpoint", "vae_history"],
                name="train_vae",
                tags=["train"],
            ),
            Node(draw_vae_curves, inputs="vae_history", outputs="vae_curves", name="draw_vae_curves", tags=["train"]),
            Node(
                score_vae,
                inputs=[
                    "vae_checkpoint",
                    "manifest_test",
                    "manifest_train",
                    "neuron_split",
                    "view_store",
                    "neuron_store",
                    "params:views",
                    "params:seed",
                ],
                outputs="vae_scores",
                name="score_vae",
                tags=["score"],
            ),
            Node(
                draw_vae_reconstructions,
                inputs=["vae_checkpoint", "manifest_test", "view_store", "neuron_store", "params:views"],
                outputs="vae_reconstructions",
                name="draw_vae_reconstructions",
                tags=["score"],
            ),
        ],
        namespace="vae_pretrain",
        prefix_datasets_with_namespace=False,
    )
