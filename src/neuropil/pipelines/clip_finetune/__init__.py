"""clip_finetune: captions of neurons, and two towers trained on views and captions."""

from neuropil.pipelines.clip_finetune.pipeline import create_pipeline

__all__ = ["create_pipeline"]
