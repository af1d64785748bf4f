"""Wiring of the clip_finetune pipeline."""

from __future__ import annotations

from typing import Any

from kedro.pipeline import Node, Pipeline

from neuropil.pipelines.clip_finetune.nodes import draw_clip_curves, train_clip, write_captions


def create_pipeline(**kwargs: Any) -> Pipeline:
    """Captions, the contrastive training, and its curves."""
    return Pipeline(
        [
            Node(
                write_captions,
                inputs=["neuron_metadata", "morphometry", "neuron_split", "params:clip_finetune", "params:seed"],
                outputs=["captions", "caption_bins"],
                name="write_captions",
                tags=["train"],
            ),
            Node(
                train_clip,
                inputs=[
                    "vae_checkpoint",
                    "manifest_train",
                    "manifest_val",
                    "view_store",
                    "neuron_store",
                    "captions",
                    "params:clip_finetune",
                    "params:views",
                    "params:seed",
                    "clip_training_store",
                ],
                outputs=["clip_checkpoint", "clip_history"],
                name="train_clip",
                tags=["train"],
            ),
            Node(
                draw_clip_curves,
                inputs="clip_history",
                outputs="clip_curves",
                name="draw_clip_curves",
                tags=["train"],
            ),
        ],
        namespace="clip_finetune",
        prefix_datasets_with_namespace=False,
    )
