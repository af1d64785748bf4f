"""ingestion: neurons and volumes from their sources to checked files."""

from neuropil.pipelines.ingestion.pipeline import create_pipeline

__all__ = ["create_pipeline"]
