"""Scores of held-out parts: what is streamed equals what is done at once; measures by hand and beside scikit-image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cc3d
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import label
from skimage.metrics import adapted_rand_error
from skimage.metrics import variation_of_information as skimage_voi

from neuropil.em.baseline import Threshold, threshold_watershed
from neuropil.em.metrics import (
    Contingency,
    adapted_rand,
    average_precision,
    expected_run_length,
    match_objects,
    segments_at,
    variation_of_information,
)
from neuropil.em.scoring.baseline_blocks import write_baseline
from neuropil.em.scoring.measures import agreement, class_iou, objects, resampled
from neuropil.em.scoring.pieces import write_pieces
from neuropil.em.scoring.runs import run_lengths, trace, under
from neuropil.em.scoring.tables import merged_by_oracle, one_segment, tile_tables, tiles
from neuropil.em.windows import slices

Ids = np.ndarray[Any, Any]


def _cells(shape: tuple[int, ...], count: int, seed: int) -> Ids:
    """Compact cells: the nearest of random points."""
    rng = np.random.default_rng(seed)
    places = np.stack(np.meshgrid(*[np.arange(size) for size in shape], indexing="ij"), -1)
    points = rng.uniform(0, 1, (count, 3)) * np.array(shape)
    return ((places[..., None, :] - points) ** 2).sum(-1).argmin(-1) + 1


TRUTH = _cells((12, 40, 44), 25, 1)
PREDICTED = _cells((12, 40, 44), 30, 2)


def _renumbered(ids: Ids) -> Ids:
    """Numbers in the order in which they come up."""
    _, first, inverse = np.unique(ids, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].reshape(ids.shape)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.tuples(*[st.integers(1, 6)] * 3), st.integers(2, 5))
def test_components_found_in_blocks_are_those_of_the_whole(seed: int, block: tuple[int, ...], values: int) -> None:
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, values, (7, 9, 8)).astype(np.uint64) << np.uint64(40)
    target = np.zeros(ids.shape, np.uint64)
    count = write_pieces(lambda box: ids[slices(box)], ids.shape, target, block=block)
    whole, expected = cc3d.connected_components(ids, connectivity=6, return_N=True)
    assert count == expected and set(np.unique(target[target > 0])) == set(range(1, count + 1))
    assert ((target == 0) == (ids == 0)).all()
    assert (_renumbered(target) == _renumbered(whole)).all()


def test_components_are_those_of_scikit_image() -> None:
    ids = np.random.default_rng(4).integers(0, 3, (6, 20, 20))
    target = np.zeros(ids.shape, np.uint64)
    write_pieces(lambda box: ids[slices(box)], ids.shape, target, block=(4, 8, 8))
    assert (_renumbered(target) == _renumbered(label(ids, connectivity=1))).all()


def test_sub_volumes_fill_a_part_once_whatever_its_shape() -> None:
    for shape in ((5, 40, 44), (1, 3, 9), (64, 2, 70), (1, 1, 1)):
        seen = np.zeros(shape, int)
        for tile in tiles(shape):
            seen[slices(tile)] += 1
        assert (seen == 1).all()


def test_tables_of_sub_volumes_counted_in_blocks_add_up_to_that_of_the_whole() -> None:
    whole = Contingency.of(TRUTH, PREDICTED)
    for block in ((64, 256, 256), (5, 7, 9)):
        found = Contingency.total(tile_tables(TRUTH, PREDICTED, block=block))
        for name in ("truth", "predicted", "voxels"):
            assert (getattr(found, name) == getattr(whole, name)).all()
        assert found.places is not None
        for a, b, place in zip(found.truth, found.predicted, found.places, strict=True):
            assert TRUTH[tuple(place)] == a and PREDICTED[tuple(place)] == b


def test_agreement_is_that_of_scikit_image_and_lies_in_its_interval() -> None:
    measures = agreement(tile_tables(TRUTH, PREDICTED))
    split, merge = skimage_voi(TRUTH, PREDICTED)
    error, *_ = adapted_rand_error(TRUTH, PREDICTED)
    assert measures["VOI split"].score == pytest.approx(split)
    assert measures["VOI merge"].score == pytest.approx(merge)
    assert measures["VOI"].score == pytest.approx(split + merge)
    assert measures["adapted Rand error"].score == pytest.approx(error, abs=1e-3)
    assert measures["CREMI score"].score == pytest.approx(np.sqrt((split + merge) * error), abs=1e-3)
    for measure in measures.values():
        assert measure.low is not None and measure.high is not None
        assert 0 <= measure.low <= measure.score <= measure.high and measure.low < measure.high


def test_a_perfect_segmentation_has_no_error_and_every_object() -> None:
    tables = tile_tables(TRUTH, TRUTH + 100)
    measures = agreement(tables)
    assert all(measures[name].score == pytest.approx(0, abs=1e-9) for name in ("VOI", "merges", "splits"))
    found = objects(Contingency.total(tables), smallest=100, background_counts=False, seed=0)
    assert {measure.score for measure in found.values()} == {1.0}
    assert found["AP-50"].n == (np.bincount(TRUTH.ravel()) > 100).sum()


def test_one_segment_and_the_oracle_are_what_relabelling_the_voxels_gives() -> None:
    truth = np.where(TRUTH % 5 == 0, 0, TRUTH)
    tables = tile_tables(truth, PREDICTED)
    single = Contingency.total(one_segment(tables))
    assert variation_of_information(single) == variation_of_information(Contingency.of(truth, np.ones_like(truth)))
    for background in (False, True):
        owner = np.zeros(PREDICTED.max() + 1, int)
        for segment in np.unique(PREDICTED):
            inside = truth[segment == PREDICTED]
            counts = np.bincount(inside if background else inside[inside > 0], minlength=1)
            owner[segment] = counts.argmax() if counts.any() else 1000 + segment
        expected = Contingency.of(truth, owner[PREDICTED])
        merged = Contingency.total(merged_by_oracle(tables, background_counts=background))
        assert adapted_rand(merged) == adapted_rand(expected)
        matched, wanted = (match_objects(t, background_counts=background) for t in (merged, expected))
        assert (matched.matches, len(matched.segments)) == (wanted.matches, len(wanted.segments))


def test_the_oracle_leaves_no_error_where_segments_only_split() -> None:
    halves = TRUTH * 2 + (np.arange(TRUTH.shape[2]) % 2)
    tables = tile_tables(TRUTH, halves)
    assert agreement(tables)["VOI split"].score > 0.5
    assert agreement(merged_by_oracle(tables, background_counts=False))["VOI"].score == pytest.approx(0, abs=1e-9)


def test_mitochondria_by_hand_background_counts() -> None:
    truth, found = np.zeros((1, 1, 1000), int), np.zeros((1, 1, 1000), int)
    truth[..., :300], truth[..., 400:700] = 1, 2
    found[..., :300] = 1  # IoU 1
    found[..., 400:640] = 2  # IoU .8
    found[..., 750:1000] = 3  # invented
    measures = objects(Contingency.of(truth, found), smallest=100, background_counts=True, seed=0)
    assert measures["object recall"].score == 1 and measures["object precision"].score == pytest.approx(2 / 3)
    assert measures["panoptic quality"].score == pytest.approx(1.8 / 2.5)
    assert measures["AP-50"].score == pytest.approx(0.5 + 0.5 * 2 / 3)  # by size: 1 right, 3 wrong, 2 right
    blind = objects(Contingency.of(truth, found), smallest=100, background_counts=False, seed=0)
    assert blind["object precision"].score == 1
    overlap = class_iou([Contingency.of(truth, found)])
    assert overlap is not None and overlap.score == pytest.approx(540 / 850)
    assert class_iou([Contingency.of(truth * 0, found * 0)]) is None
    assert objects(Contingency.of(truth * 0, found * 0), smallest=1, background_counts=True, seed=0) == {}


def test_objects_drawn_again_keep_their_intersections_and_scatter_about_the_figure() -> None:
    matching = match_objects(Contingency.of(TRUTH, PREDICTED), iou=0.3, smallest=50)
    drawn = list(resampled(matching, 0))
    assert {float(value) for sample in drawn for value in sample.iou} <= {float(value) for value in matching.iou}
    recalls, precisions = [sample.recall for sample in drawn], [sample.precision for sample in drawn]
    assert np.mean(recalls) == pytest.approx(matching.recall, abs=0.03)
    assert np.mean(precisions) == pytest.approx(matching.precision, abs=0.03)
    areas = [average_precision(sample) for sample in drawn]
    assert np.percentile(areas, 2.5) < average_precision(matching) < np.percentile(areas, 97.5)


def test_run_lengths_on_a_grid_of_steps_do_not_depend_on_blocks_and_find_a_split() -> None:
    labels = np.zeros((24, 60, 120), np.uint64)
    labels[4:9, 4:24, 5:115], labels[12:17, 34:54, 5:115] = 7, 2**40
    whole, blocks = (trace(labels, (30, 8, 8), block=block) for block in ((64, 256, 256), (5, 11, 7)))
    assert (whole.voxels == blocks.voxels).all() and whole.step_nm == (30, 40, 40)
    nodes = under(labels, whole.voxels, block=(7, 9, 11))
    assert (nodes == segments_at(whole.skeletons.points, labels, (30, 8, 8))).all()
    perfect = run_lengths(whole, nodes, seed=0)
    assert perfect["normalised ERL"].score == pytest.approx(1)
    assert 0.6 < perfect["ERL (um)"].score < 0.9  # 110 voxels of 8 nm, less what thinning takes off the ends
    cut = np.where(np.arange(120) < 60, labels, labels + 1) * (labels > 0)
    halved = run_lengths(whole, under(cut, whole.voxels), seed=0)
    assert halved["normalised ERL"].score == pytest.approx(0.5, abs=0.08)
    assert run_lengths(whole, np.ones(len(nodes), np.uint64), seed=0)["ERL (um)"].score == 0
    assert trace(labels, (30, 8, 8), most=100).step_nm > whole.step_nm  # bounded, and told


def test_the_interval_of_run_lengths_rests_on_the_same_runs_as_the_figure() -> None:
    traced = trace(TRUTH.astype(np.uint64), (40, 40, 40))
    nodes = under(PREDICTED.astype(np.uint64), traced.voxels)
    measure = run_lengths(traced, nodes, seed=0)["ERL (um)"]
    assert measure.score == pytest.approx(expected_run_length(traced.skeletons, nodes, tolerated=2).erl_nm / 1e3)
    assert measure.low is not None and measure.high is not None and measure.low <= measure.score <= measure.high


def test_the_baseline_in_blocks_is_nearly_that_of_the_whole_and_in_one_block_the_same(tmp_path: Path) -> None:
    from scipy.ndimage import gaussian_filter

    cells = _cells((24, 96, 96), 60, 5)
    membrane = np.zeros(cells.shape, bool)
    for axis in range(3):
        membrane |= cells != np.roll(cells, 1, axis)
    raw = (200 - 150 * gaussian_filter(membrane.astype(float), 0.7)).astype(np.uint8)
    threshold = Threshold(0.35, 20.0)
    whole = threshold_watershed(raw, (10, 10, 10), threshold)
    once, blocks = np.zeros(raw.shape, np.uint64), np.zeros(raw.shape, np.uint64)
    write_baseline(raw, (10, 10, 10), threshold, once, tmp_path)
    assert (once == whole).all()
    count = write_baseline(raw, (10, 10, 10), threshold, blocks, tmp_path, block=(24, 48, 48))
    assert blocks.min() > 0 and blocks.max() <= count
    quarters = 2 * (np.arange(96) >= 48)[:, None] + (np.arange(96) >= 48)
    joined, apart = (
        sum(variation_of_information(Contingency.of(whole, ids))) for ids in (blocks, whole * 4 + quarters)
    )
    assert joined < 0.6 * apart  # what runs over a seam is one again
    assert list(tmp_path.iterdir()) == []
