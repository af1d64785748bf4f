"""em_segmentation: volumes to instances, with the training, calibration and scores of what makes them."""

from neuropil.pipelines.em_segmentation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
