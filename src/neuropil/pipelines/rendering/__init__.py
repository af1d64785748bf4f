"""rendering: neurons to views, manifests by split, and a contact sheet."""

from neuropil.pipelines.rendering.pipeline import create_pipeline

__all__ = ["create_pipeline"]
