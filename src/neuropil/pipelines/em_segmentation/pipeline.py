"""Wiring of the em_segmentation pipeline."""

from __future__ import annotations

from typing import Any

from kedro.pipeline import Node, Pipeline

from neuropil.pipelines.em_segmentation.nodes import (
    calibrate_decoding,
    connect_held_out,
    decode_instances,
    draw_em_curves,
    draw_em_faults,
    draw_em_overlay,
    predict_affinities,
    score_segmentation,
    split_em_volumes,
    train_em_network,
)

_SECTION = "params:em_segmentation"


def create_pipeline(**kwargs: Any) -> Pipeline:
    """Volumes to a trained and calibrated network; volumes and a checkpoint to instances; instances to scores."""
    return Pipeline(
        [*_training(), *_inference(), *_scoring()], namespace="em_segmentation", prefix_datasets_with_namespace=False
    )


def _training() -> list[Node]:
    return [
        Node(
            split_em_volumes,
            inputs=["volumes", "volume_store", f"{_SECTION}.data.split", "volume_split_store"],
            outputs="volume_split",
            name="split_em_volumes",
            tags=["train", "score"],
        ),
        Node(
            train_em_network,
            inputs=[
                "volumes",
                "volume_store",
                "volume_split",
                f"{_SECTION}.model",
                f"{_SECTION}.data",
                f"{_SECTION}.loss",
                f"{_SECTION}.optimizer",
                f"{_SECTION}.training",
                "em_training_store",
                "params:seed",
            ],
            outputs=["em_network", "em_history"],
            name="train_em_network",
            tags=["train"],
        ),
        Node(draw_em_curves, inputs="em_history", outputs="em_curves", name="draw_em_curves", tags=["train"]),
        Node(
            calibrate_decoding,
            inputs=[
                "volumes",
                "volume_store",
                "volume_split",
                "em_network",
                "em_training_store",
                f"{_SECTION}.inference",
                "params:seed",
            ],
            outputs="em_checkpoint",
            name="calibrate_decoding",
            tags=["train"],
        ),
    ]


def _inference() -> list[Node]:
    return [
        Node(
            predict_affinities,
            inputs=["em_input", "em_checkpoint", f"{_SECTION}.inference", "em_affinity_store"],
            outputs="em_affinities",
            name="predict_affinities",
            tags=["infer"],
        ),
        Node(
            decode_instances,
            inputs=[
                "em_affinities",
                "em_affinity_store",
                "em_checkpoint",
                "em_output",
                f"{_SECTION}.inference",
                "params:compute",
                "params:seed",
            ],
            outputs="em_segmentation",
            name="decode_instances",
            tags=["infer"],
        ),
    ]


def _scoring() -> list[Node]:
    held_out = ["em_held_out", "em_held_out_store", "volume_store", "em_output"]
    return [
        Node(
            connect_held_out,
            inputs=[
                "volumes",
                "volume_store",
                "volume_split",
                "em_segmentation",
                "em_output",
                "em_checkpoint",
                "em_held_out_store",
                "params:compute",
            ],
            outputs="em_held_out",
            name="connect_held_out",
            tags=["score"],
        ),
        Node(
            score_segmentation,
            inputs=[*held_out, "volume_split", "em_checkpoint", "params:seed"],
            outputs=["em_scores", "em_faults"],
            name="score_segmentation",
            tags=["score"],
        ),
        Node(draw_em_overlay, inputs=held_out, outputs="em_overlay", name="draw_em_overlay", tags=["score"]),
        Node(
            draw_em_faults,
            inputs=[*held_out, "em_faults"],
            outputs="em_fault_picture",
            name="draw_em_faults",
            tags=["score"],
        ),
    ]
