"""How well a segmentation agrees with the truth.

All measures but the expected run length come from a sparse contingency table that adds up over blocks, so they are
exact at any size, in memory that grows with the number of pairs of ids and not with the volume.
"""

from neuropil.em.metrics.agreement import RandScores, adapted_rand, cremi_score, variation_of_information
from neuropil.em.metrics.contingency import Contingency
from neuropil.em.metrics.faults import Fault, Faults, faults
from neuropil.em.metrics.objects import (
    Matching,
    Objects,
    PanopticQuality,
    average_precision,
    match_objects,
    objects_found,
    panoptic_quality,
)
from neuropil.em.metrics.run_length import RunLength, Skeletons, expected_run_length, segments_at
from neuropil.em.metrics.skeletons import skeletons_of

__all__ = [
    "Contingency",
    "Fault",
    "Faults",
    "Matching",
    "Objects",
    "PanopticQuality",
    "RandScores",
    "RunLength",
    "Skeletons",
    "adapted_rand",
    "average_precision",
    "cremi_score",
    "expected_run_length",
    "faults",
    "match_objects",
    "objects_found",
    "panoptic_quality",
    "segments_at",
    "skeletons_of",
    "variation_of_information",
]
