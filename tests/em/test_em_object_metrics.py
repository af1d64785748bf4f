"""Objects, faults and run lengths: cases worked out by hand, and properties that hold for any tables."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuropil.em.metrics import (
    Contingency,
    Skeletons,
    adapted_rand,
    average_precision,
    cremi_score,
    expected_run_length,
    faults,
    match_objects,
    panoptic_quality,
    segments_at,
    skeletons_of,
    variation_of_information,
)


def _row(*lengths_and_ids: tuple[int, int]) -> np.ndarray:
    return np.concatenate([np.full(length, value) for length, value in lengths_and_ids])


def test_the_cremi_score_is_the_geometric_mean_of_voi_and_adapted_rand_error() -> None:
    table = Contingency.of(np.repeat([1, 2], 8), np.ones(16, int))
    assert cremi_score(table) == pytest.approx(math.sqrt(1.0 * adapted_rand(table).error))


def test_precision_recall_and_panoptic_quality_by_hand() -> None:
    # object 1: 10 voxels, 8 of them in segment 5 (IoU 8/10); object 2: 10, 4 in segment 6 (IoU .4); object 3: missed
    truth = _row((10, 1), (10, 2), (5, 3))
    predicted = _row((8, 5), (2, 0), (4, 6), (6, 0), (5, 0))
    matching = match_objects(Contingency.of(truth, predicted))
    assert (matching.matches, matching.recall, matching.precision) == (1, pytest.approx(1 / 3), pytest.approx(1 / 2))
    quality = panoptic_quality(matching)
    assert quality.quality == pytest.approx(0.8 / (1 + 2 / 2 + 1 / 2))
    assert quality.segmentation == pytest.approx(0.8)
    assert quality.recognition == pytest.approx(1 / (1 + 2 / 2 + 1 / 2))
    assert match_objects(Contingency.of(truth, predicted), iou=0.4).matches == 2
    assert match_objects(Contingency.of(truth, predicted), iou=0.75).matches == 1
    assert match_objects(Contingency.of(truth, predicted), iou=0.85).matches == 0


def test_background_enlarges_a_segment_only_where_it_means_no_object() -> None:
    truth, predicted = _row((10, 1), (10, 0)), _row((20, 5))
    assert match_objects(Contingency.of(truth, predicted), iou=0.9).matches == 1
    assert match_objects(Contingency.of(truth, predicted), iou=0.9, background_counts=True).matches == 0
    invented = Contingency.of(_row((10, 1), (10, 0)), _row((10, 5), (10, 6)))
    assert match_objects(invented).precision == 1
    assert match_objects(invented, background_counts=True).precision == 0.5


def test_a_segment_that_matches_a_small_object_is_neither_right_nor_wrong() -> None:
    truth, predicted = _row((100, 1), (5, 2)), _row((100, 7), (5, 8))
    matching = match_objects(Contingency.of(truth, predicted), smallest=10)
    assert matching.truth.tolist() == [1] and matching.segments.tolist() == [7] and matching.precision == 1


def test_where_there_is_no_true_object_every_segment_is_invented() -> None:
    table = Contingency.of(np.zeros(20, int), _row((10, 5), (10, 6)))
    matching = match_objects(table, background_counts=True)
    assert matching.precision == 0 and math.isnan(matching.recall) and panoptic_quality(matching).quality == 0
    assert len(match_objects(table).segments) == 0


def test_average_precision_is_the_area_under_the_curve_with_monotonous_precision() -> None:
    truth = _row((10, 1), (10, 2), (10, 0), (10, 3))
    predicted = _row((10, 5), (10, 6), (10, 7), (10, 0))
    matching = match_objects(Contingency.of(truth, predicted), background_counts=True)
    # in the order 5 (right), 7 (wrong), 6 (right): recall 1/3 at precision 1, then 1/3 at 2/3
    assert average_precision(matching, {5: 0.9, 7: 0.8, 6: 0.7}) == pytest.approx(1 / 3 + 2 / 9)
    # the wrong one last: it costs nothing
    assert average_precision(matching, {5: 0.9, 7: 0.1, 6: 0.7}) == pytest.approx(2 / 3)
    assert math.isnan(average_precision(match_objects(Contingency.of(np.zeros(4, int), np.ones(4, int)))))


def test_merges_and_splits_are_counted_and_the_worst_are_named_with_a_voxel_inside_them() -> None:
    truth = np.zeros((3, 4, 40), int)
    truth[:, 0], truth[:, 1], truth[:, 2], truth[:, 3] = 1, 2, 3, 4
    predicted = np.zeros_like(truth)
    predicted[:, :2] = 10  # merges 1 and 2
    predicted[:, 2, :25], predicted[:, 2, 25:] = 11, 12  # splits 3
    predicted[:, 3] = 13
    predicted[0, 3, 0] = 10  # one voxel: an uncertain border
    found = faults(Contingency.of(truth, predicted), smallest=5)
    assert (found.merges, found.splits, found.merging_segments, found.split_objects) == (1, 1, 1, 1)
    merge, split = found.worst
    assert (merge.kind, merge.whole, {merge.main, merge.part}, merge.voxels) == ("merge", 10, {1, 2}, 120)
    assert merge.place is not None and truth[merge.place] == merge.part and predicted[merge.place] == merge.whole
    assert (split.kind, split.whole, split.main, split.part, split.voxels) == ("split", 3, 11, 12, 45)
    assert split.place is not None and truth[split.place] == 3 and predicted[split.place] == 12


def test_places_are_in_the_frame_of_the_whole_volume_when_blocks_are_added() -> None:
    rng = np.random.default_rng(1)
    truth, predicted = rng.integers(0, 4, (6, 8, 10)), rng.integers(0, 4, (6, 8, 10))
    blocks = [(slice(z, z + 3), slice(y, y + 4), slice(None)) for z in (0, 3) for y in (0, 4)]
    table = Contingency.of_blocks(truth, predicted, blocks)
    whole = Contingency.of(truth, predicted)
    assert (table.voxels == whole.voxels).all() and (table.runs == whole.runs).all()
    assert table.places is not None and (table.places == whole.places).all()
    for a, b, place in zip(table.truth, table.predicted, table.places, strict=True):
        assert truth[tuple(place)] == a and predicted[tuple(place)] == b


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_counting_equals_numpy_and_keeps_64_bit_ids(data: st.DataObject) -> None:
    shape = data.draw(st.tuples(*[st.integers(1, 5)] * 3))
    ids = st.sampled_from([0, 1, 2, 2**24 + 1, 2**24 + 2, 2**63 - 1])
    size = int(np.prod(shape))
    truth, predicted = (
        np.array(data.draw(st.lists(ids, min_size=size, max_size=size)), np.uint64).reshape(shape) for _ in "tp"
    )
    table = Contingency.of(truth, predicted)
    pairs, counts = np.unique(np.stack([truth.ravel(), predicted.ravel()], 1), axis=0, return_counts=True)
    assert (np.stack([table.truth, table.predicted], 1) == pairs).all() and (table.voxels == counts).all()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(0.05, 1))
def test_no_object_and_no_segment_is_matched_twice_at_any_threshold(seed: int, iou: float) -> None:
    rng = np.random.default_rng(seed)
    table = Contingency.of(rng.integers(0, 5, 200), rng.integers(0, 5, 200))
    matching = match_objects(table, iou=iou)
    partners = matching.partner[matching.partner >= 0]
    assert len(set(partners.tolist())) == len(partners)
    assert (matching.iou[matching.partner >= 0] >= iou).all()


def _line(count: int, skeleton: int = 1, y: float = 0.0) -> Skeletons:
    points = np.stack([np.zeros(count), np.full(count, y), 10.0 * np.arange(count)], 1)
    edges = np.stack([np.arange(count - 1), np.arange(1, count)], 1)
    return Skeletons(points, edges, np.full(count, skeleton))


def test_a_perfect_segmentation_runs_the_whole_length() -> None:
    found = expected_run_length(_line(11), np.full(11, 3))
    assert (found.erl_nm, found.most_nm, found.normalised) == (100.0, 100.0, 1.0)


def test_a_split_in_the_middle_halves_the_run_and_the_edge_across_it_belongs_to_none() -> None:
    found = expected_run_length(_line(11), np.array([3] * 6 + [4] * 5))
    assert found.erl_nm == pytest.approx((50**2 + 40**2) / 100)


def test_no_run_goes_through_a_segment_that_merges_two_skeletons() -> None:
    one, two = _line(11), _line(6, 2, 50.0)
    both = Skeletons(
        np.concatenate([one.points, two.points]), np.concatenate([one.edges, two.edges + 11]),
        np.concatenate([one.owner, two.owner]),
    )  # fmt: skip
    apart = expected_run_length(both, np.array([3] * 11 + [4] * 6))
    assert apart.erl_nm == pytest.approx((100**2 + 50**2) / 150) and apart.normalised == 1
    merged = expected_run_length(both, np.full(17, 3))
    assert merged.erl_nm == 0 and merged.merging.tolist() == [3]
    touched = np.array([3] * 11 + [3] + [4] * 5)  # one node of the other skeleton lies in segment 3
    assert expected_run_length(both, touched).erl_nm == pytest.approx(40**2 / 150)
    assert expected_run_length(both, touched, tolerated=1).erl_nm == pytest.approx((100**2 + 40**2) / 150)


def test_skeletons_of_labels_follow_them_and_find_their_own_segments() -> None:
    labels = np.zeros((20, 30, 120), np.uint64)
    labels[8:13, 4:9, 5:115] = 2**40 + 1
    labels[8:13, 20:25, 5:115] = 7
    skeletons = skeletons_of(labels, (30, 8, 8), smallest=100)
    assert sorted(set(skeletons.owner.tolist())) == [1, 2]
    assert 2 * 80 * 8 < skeletons.lengths().sum() < 2 * 115 * 8
    under = segments_at(skeletons.points, labels, (30, 8, 8))
    assert set(under.tolist()) == {7, 2**40 + 1}
    assert expected_run_length(skeletons, under).normalised == pytest.approx(1)
    degree = np.bincount(skeletons.edges.ravel())
    assert len(skeletons.edges) == len(skeletons.points) - 2 and degree.min() >= 1  # two trees


def test_objects_of_even_thickness_have_a_skeleton_too() -> None:
    for shape in ((4, 4, 22), (16, 4, 22), (2, 2, 8), (1, 2, 6), (5, 5, 22)):
        skeletons = skeletons_of(np.ones(shape, np.uint8), (10, 10, 10), smallest=0)
        assert len(skeletons.points) and skeletons.lengths().sum() > 10 * (shape[2] - 2 * max(shape[:2]))
        assert (skeletons.points < 10 * np.array(shape)).all() and (skeletons.points >= 0).all()


def test_points_outside_the_volume_lie_in_no_segment() -> None:
    labels = np.ones((2, 3, 4), np.uint64)
    points = np.array([[0.0, 0, 0], [-40, 0, 0], [30, 16, 24], [30, 16, 32]])
    assert segments_at(points, labels, (30, 8, 8)).tolist() == [1, 0, 1, 0]


def test_voi_and_rand_of_the_whole_are_those_of_added_blocks_with_large_ids() -> None:
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 5, (4, 8, 8)).astype(np.uint64) * np.uint64(2**40)
    predicted = rng.integers(0, 5, (4, 8, 8)).astype(np.uint64) * np.uint64(2**41)
    blocks = [(slice(z, z + 1), slice(None), slice(None)) for z in range(4)]
    added, whole = Contingency.of_blocks(truth, predicted, blocks), Contingency.of(truth, predicted)
    assert variation_of_information(added) == variation_of_information(whole)
    assert adapted_rand(added) == adapted_rand(whole)
