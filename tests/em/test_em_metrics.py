"""Metrics: cases worked out by hand, agreement with scikit-image where the definitions meet, additivity."""

from __future__ import annotations

import math

import numpy as np
import pytest
from skimage.metrics import adapted_rand_error
from skimage.metrics import variation_of_information as skimage_voi

from neuropil.em.metrics import Contingency, adapted_rand, objects_found, variation_of_information

RNG = np.random.default_rng(0)
TRUTH = RNG.integers(0, 6, (8, 16, 16))
PREDICTED = RNG.integers(1, 9, (8, 16, 16))


def test_a_perfect_segmentation_scores_0_whatever_its_numbers() -> None:
    truth = RNG.integers(1, 9, (4, 8, 8))
    table = Contingency.of(truth, truth * 7 + 2**33)
    assert adapted_rand(table).error == pytest.approx(0)
    assert variation_of_information(table) == pytest.approx((0, 0))
    assert objects_found(table, smallest=0).recall == 1


def test_a_merge_lowers_precision_and_raises_voi_merge_only() -> None:
    truth = np.repeat([1, 2], 8)
    table = Contingency.of(truth, np.ones(16, int))
    scores = adapted_rand(table)
    assert (scores.precision, scores.recall) == pytest.approx((0.5, 1.0))
    assert variation_of_information(table) == pytest.approx((0.0, 1.0))  # one bit: which of the two was it
    assert objects_found(table, smallest=0, iou=0.6).recall == 0


def test_a_split_lowers_recall_and_raises_voi_split_only() -> None:
    table = Contingency.of(np.ones(16, int), np.repeat([1, 2], 8))
    scores = adapted_rand(table)
    assert (scores.precision, scores.recall) == pytest.approx((1.0, 0.5))
    assert variation_of_information(table) == pytest.approx((1.0, 0.0))


def test_predicted_zeros_are_segments_of_one_voxel() -> None:
    truth = np.ones(8, int)
    zeros = Contingency.of(truth, np.array([1, 1, 1, 1, 0, 0, 0, 0]))
    alone = Contingency.of(truth, np.array([1, 1, 1, 1, 2, 3, 4, 5]))
    assert adapted_rand(zeros) == adapted_rand(alone)
    assert variation_of_information(zeros) == pytest.approx(variation_of_information(alone))


def test_background_of_the_truth_does_not_count() -> None:
    shown = Contingency.of(TRUTH, PREDICTED)
    hidden = Contingency.of(TRUTH, np.where(TRUTH == 0, 99, PREDICTED))
    assert adapted_rand(shown) == adapted_rand(hidden)
    assert variation_of_information(shown) == variation_of_information(hidden)


def test_scikit_image_agrees_where_no_zero_is_predicted() -> None:
    table = Contingency.of(TRUTH, PREDICTED)
    error, theirs_precision, theirs_recall = adapted_rand_error(TRUTH, PREDICTED)
    scores = adapted_rand(table)
    # scikit-image leaves the pair of a voxel with itself out; SNEMI3D's form counts it.
    assert scores.error == pytest.approx(error, abs=5e-3)
    assert sorted([scores.precision, scores.recall]) == pytest.approx(
        sorted([theirs_precision, theirs_recall]), abs=5e-3
    )
    split, merge = skimage_voi(TRUTH[TRUTH > 0], PREDICTED[TRUTH > 0])
    assert variation_of_information(table) == pytest.approx((split, merge))


def test_tables_of_blocks_add_up_to_that_of_the_whole() -> None:
    parts = [Contingency.of(TRUTH[z : z + 3], PREDICTED[z : z + 3]) for z in range(0, 8, 3)]
    added, whole = parts[0] + parts[1] + parts[2], Contingency.of(TRUTH, PREDICTED)
    assert adapted_rand(added) == adapted_rand(whole)
    assert (added.voxels == whole.voxels).all()


def test_objects_are_found_by_intersection_over_union_and_only_large_ones_count() -> None:
    truth = np.array([1] * 10 + [2] * 10 + [3] * 2)
    predicted = np.array([1] * 6 + [2] * 4 + [4] * 10 + [5] * 2)
    found = objects_found(Contingency.of(truth, predicted), smallest=5)
    assert found.ids.tolist() == [1, 2] and found.found.tolist() == [True, True]
    strict = objects_found(Contingency.of(truth, predicted), smallest=5, iou=0.7)
    assert strict.found.tolist() == [False, True]


def test_no_objects_give_no_recall() -> None:
    assert math.isnan(objects_found(Contingency.of(np.zeros(4, int), np.ones(4, int))).recall)
