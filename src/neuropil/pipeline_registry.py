"""The six pipelines, and all of them together as the default."""

from __future__ import annotations

from importlib import import_module

from kedro.pipeline import Pipeline

PIPELINES = ("ingestion", "rendering", "em_segmentation", "vae_pretrain", "clip_finetune", "evaluation")
"""In the order in which data flow through them."""


def register_pipelines() -> dict[str, Pipeline]:
    """Pipelines by name; `__default__` is their sum."""
    pipelines = {name: import_module(f"neuropil.pipelines.{name}").create_pipeline() for name in PIPELINES}
    return {**pipelines, "__default__": sum(pipelines.values(), start=Pipeline([]))}
