"""evaluation: embeddings, the search index, scores beside plain methods, pictures and a report."""

from neuropil.pipelines.evaluation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
