"""Agglomeration does what a slow, plain version does; thresholds refine; masks, sections and specks are respected."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuropil.em.agglomeration.classifier import Classifier, _cost, teach
from neuropil.em.agglomeration.features import describe, feature_count
from neuropil.em.agglomeration.merging import Merges, merge_by_classifier, merge_by_mean
from neuropil.em.agglomeration.pieces import without_small
from neuropil.em.agglomeration.region_graph import AREA, FAR, HISTOGRAM, SQUARES, SUM, RegionGraph, region_graph
from neuropil.em.agglomeration.supervoxels import supervoxels
from neuropil.em.agglomeration.teaching import UNKNOWN, learn, majority
from neuropil.em.calibration_blocks import spread
from neuropil.em.calibrations import Calibration, MergeCalibration, blended, read_calibration
from neuropil.em.decoding import decode
from neuropil.em.metrics import Contingency, adapted_rand
from neuropil.em.offsets import affinity_offsets, pair, true_affinities
from neuropil.em.synthesis_parameters import SampleVolumeParameters
from neuropil.em.tissue import grow_tissue
from neuropil.errors import InputError

OFFSETS = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 2, 0), (0, 0, 2), (0, 0, 4)]
SPACING = (30.0, 10.0, 10.0)


def _random(seed: int, shape: tuple[int, int, int] = (3, 6, 7), ids: int = 8) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, ids, shape).astype(np.int32), rng.integers(0, 256, (len(OFFSETS), *shape)).astype(np.uint8)


def _graph(seed: int) -> RegionGraph:
    regions, affinities = _random(seed)
    return region_graph(regions, affinities, OFFSETS, SPACING)


def _plain(graph: RegionGraph, far_weight: float) -> list[tuple[float, frozenset[int]]]:
    """Average linkage without a queue: look at all pairs each time. Scores and the unions made."""
    groups = {node: frozenset([node]) for node in range(1, graph.regions + 1)}
    rows = {frozenset(map(int, ends)): row.copy() for ends, row in zip(graph.ends, graph.pairs, strict=True)}
    made = []
    while True:
        best, chosen = -1.0, None
        for ends, row in rows.items():
            if row[AREA] > 0:
                far = row[FAR : FAR + 2 * graph.distances]
                score = (row[SUM] + far_weight * far[1::2].sum()) / (row[AREA] + far_weight * far[::2].sum())
                if score > best + 1e-12:
                    best, chosen = score, ends
        if chosen is None:
            return made
        keep, gone = sorted(chosen)
        groups[keep] = groups[keep] | groups.pop(gone)
        made.append((best, groups[keep]))
        del rows[chosen]
        for ends in [ends for ends in rows if gone in ends]:
            row, (other,) = rows.pop(ends), ends - {gone}
            both = frozenset([keep, other])
            rows[both] = rows[both] + row if both in rows else row


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), far_weight=st.sampled_from([0.0, 0.3, 1.0]))
def test_the_queue_joins_what_looking_at_all_pairs_joins(seed: int, far_weight: float) -> None:
    graph = _graph(seed)
    merges = merge_by_mean(graph, far_weight=far_weight)
    plain = _plain(graph, far_weight)
    np.testing.assert_allclose(merges.scores, [score for score, _ in plain], atol=1e-9)
    groups = {node: frozenset([node]) for node in range(1, graph.regions + 1)}
    for (one, other), (_, union) in zip(merges.pairs.tolist(), plain, strict=True):
        joined = groups[one] | groups[other]
        assert joined == union
        groups |= dict.fromkeys(joined, joined)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), doubled=st.booleans())
def test_one_pass_counts_what_pair_by_pair_counts(seed: int, doubled: bool) -> None:
    regions, affinities = _random(seed)
    extra = 255 - affinities if doubled else None
    graph = region_graph(regions, affinities, OFFSETS, SPACING, extra)
    assert graph.distances == 2 and (graph.ends[:, 0] < graph.ends[:, 1]).all()
    group = {3: 0, 4: 0, 5: 1}
    expected: dict[tuple[int, int], Any] = {}
    for channel, offset in enumerate(OFFSETS):
        first, second = pair(regions.shape, offset)
        for a, b, value in zip(regions[first].flat, regions[second].flat, affinities[channel][first].flat, strict=True):
            if a == 0 or b == 0 or a == b:
                continue
            row = expected.setdefault((min(a, b), max(a, b)), np.zeros(graph.pairs.shape[1]))
            share = value / 255
            if channel < 3:
                row[AREA] += 1
                row[SUM] += share
                row[SQUARES] += share**2
                row[HISTOGRAM + int(value) // 16] += 1
            else:
                row[FAR + 2 * group[channel]] += 1
                row[FAR + 2 * group[channel] + 1] += share
            if doubled:
                row[FAR + 4 + (0 if channel < 3 else 2)] += 1
                row[FAR + 5 + (0 if channel < 3 else 2)] += 1 - share
    assert sorted(expected) == [tuple(ends) for ends in graph.ends.tolist()]
    for ends, row in zip(graph.ends.tolist(), graph.pairs, strict=True):
        np.testing.assert_allclose(row, expected[tuple(ends)], atol=1e-9)
    np.testing.assert_array_equal(graph.nodes[:, 0], np.bincount(regions.ravel(), minlength=graph.regions + 1))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), low=st.floats(0, 1), high=st.floats(0, 1))
def test_a_higher_threshold_gives_a_refinement(seed: int, low: float, high: float) -> None:
    low, high = sorted((low, high))
    merges = merge_by_mean(_graph(seed), far_weight=0.3)
    coarse, fine = merges.segments(low), merges.segments(high)
    for segment in np.unique(fine):
        assert len(np.unique(coarse[fine == segment])) == 1
    assert len(np.unique(fine)) >= len(np.unique(coarse))


def test_a_threshold_keeps_the_merges_before_the_first_one_below_it() -> None:
    merges = Merges(np.array([[1, 2], [3, 4], [1, 3]], np.int32), np.array([0.9, 0.5, 0.8]), 4)
    assert merges.segments(0.95).tolist() == [0, 1, 2, 3, 4]
    assert merges.segments(0.7).tolist() == [0, 1, 1, 2, 3]
    assert merges.segments(0.5).tolist() == [0, 1, 1, 1, 1]


def test_far_affinities_keep_apart_what_a_leak_joins() -> None:
    """Two cells with one weak place in their membrane; the long pairs all say that they are two."""
    regions = np.ones((1, 6, 12), np.int32)
    regions[:, :, 6:] = 2
    affinities, _ = true_affinities(regions, [(0, 1, 0), (0, 0, 1), (0, 0, 4)])
    affinities = affinities * np.uint8(255)
    affinities[1, :, :, 5] = 200
    graph = region_graph(regions, affinities, [(0, 1, 0), (0, 0, 1), (0, 0, 4)], (10, 10, 10))
    assert merge_by_mean(graph, far_weight=0).segments(0.5).max() == 1
    assert merge_by_mean(graph, far_weight=1).segments(0.5).max() == 2


@pytest.fixture(scope="module")
def field() -> tuple[Any, Any, Any, Any]:
    """Neurites that fill a volume, noisy affinities of them, offsets, voxel size."""
    parameters = SampleVolumeParameters(shape=(24, 72, 72))
    truth = grow_tissue(parameters, np.random.default_rng(2)).neurons.astype(np.int64)
    offsets = affinity_offsets((30.0, 60.0), parameters.resolution_nm, 3)
    clean = true_affinities(truth, offsets)[0] * 255.0
    noisy = clean + np.random.default_rng(0).normal(0, 50, clean.shape)
    return truth, np.clip(noisy, 0, 255).astype(np.uint8), offsets, parameters.resolution_nm


def _decode(field: Any, calibration: MergeCalibration, **options: Any) -> Any:
    _, affinities, offsets, spacing = field
    options = {"stride": 1, "min_size": 0, "seed": 0, "spacing_nm": spacing, **options}
    return decode(options.pop("affinities", affinities), options.pop("offsets", offsets), calibration, **options)


def _learned(field: Any) -> MergeCalibration:
    truth, affinities, offsets, spacing = field
    regions = supervoxels(affinities, offsets, spacing, 20.0)
    graph = region_graph(regions, affinities, offsets, spacing)
    return MergeCalibration(0.5, 20.0, classifier=learn([(graph, majority(regions, truth, graph.regions))], seed=0))


@pytest.mark.parametrize("method", ["mean", "signed", "learned"])
def test_agglomeration_recovers_neurites_from_noisy_affinities(field: Any, method: str) -> None:
    calibration = (
        _learned(field) if method == "learned" else MergeCalibration(0.5, 20.0, {"mean": 0, "signed": 1}[method])
    )
    found = _decode(field, calibration)
    pieces = supervoxels(field[1], field[2], field[3], 20.0)
    error = adapted_rand(Contingency.of(field[0], found)).error
    assert error < 0.1 and error < adapted_rand(Contingency.of(field[0], pieces)).error / 2
    assert (found == _decode(field, calibration, seed=9)).all()


def test_supervoxels_fill_the_mask_and_hang_together(field: Any) -> None:
    import cc3d

    truth, affinities, offsets, spacing = field
    mask = truth % 3 > 0
    found = supervoxels(affinities, offsets, spacing, 20.0, mask)
    assert ((found > 0) == mask).all()
    assert cc3d.connected_components(found, connectivity=6).max() == found.max() == len(np.unique(found)) - 1


def test_masked_voxels_are_in_no_instance_and_do_not_join_any(field: Any) -> None:
    mask = field[0] % 2 == 0
    found = _decode(field, MergeCalibration(0.0, 20.0), mask=mask)
    assert (found[~mask] == 0).all() and (found[mask] > 0).all()


def test_sections_share_no_instance_in_2d(field: Any) -> None:
    offsets = affinity_offsets((30.0,), field[3], 2)
    affinities = true_affinities(field[0], offsets)[0] * np.uint8(255)
    found = _decode(field, MergeCalibration(0.3, 20.0), affinities=affinities, offsets=offsets, min_size=50)
    seen: set[int] = set()
    for section in found:
        here = set(np.unique(section).tolist())
        assert not here & seen
        seen |= here


def test_small_segments_join_the_surest_neighbour_and_isolated_ones_stay() -> None:
    regions = np.zeros((1, 4, 12), np.int32)
    regions[0, :, :5], regions[0, :, 5:6], regions[0, :, 6:10], regions[0, 0, 11] = 1, 2, 3, 4
    affinities = np.zeros((1, 1, 4, 12), np.uint8)
    affinities[0, :, :, 4], affinities[0, :, :, 5] = 10, 90
    graph = region_graph(regions, affinities, [(0, 0, 1)], (10, 10, 10))
    assert without_small(graph, np.arange(5, dtype=np.int32), 8).tolist() == [0, 1, 2, 2, 3]


def test_majority_is_the_instance_of_most_voxels() -> None:
    regions = np.array([[[1, 1, 1, 2, 2, 3, 3]]])
    truth = np.array([[[5, 5, 7, 0, 0, 4, 9]]])
    assert majority(regions, truth, 4).tolist() == [UNKNOWN, 5, UNKNOWN, 4, UNKNOWN]


def test_the_gradient_is_that_of_the_cost() -> None:
    from scipy.optimize import check_grad

    rng = np.random.default_rng(0)
    shapes = [(3, 4), (3,), (3, 3), (3,), (3,), (1,)]
    given, wanted, counts = rng.normal(size=(20, 4)), rng.random(20) > 0.5, np.full(20, 0.05)
    rest = (shapes, given, wanted.astype(float), counts)
    start = rng.normal(size=31)
    assert check_grad(lambda x: _cost(x, *rest)[0], lambda x: _cost(x, *rest)[1], start) < 1e-5


def test_the_kernel_and_the_record_give_the_probability_that_was_taught() -> None:
    graph = _graph(3)
    rng = np.random.default_rng(0)
    features = np.empty((len(graph.ends), feature_count(graph.distances, False)))
    for row, (one, other) in enumerate(graph.ends):
        describe(graph.pairs[row], graph.nodes[one], graph.nodes[other], graph.distances, 0, features[row])
    answers = features[:, 0] > np.median(features[:, 0])
    classifier = teach(features, answers, rng.random(len(answers)), units=4, seed=0)
    assert ((classifier.probabilities(features) > 0.5) == answers).mean() > 0.9
    again = Classifier.of_record(classifier.record())
    touching = graph.pairs[:, AREA] > 0
    first = merge_by_classifier(graph, again)
    assert first.scores[0] == pytest.approx(classifier.probabilities(features)[touching].max(), abs=1e-9)


def test_calibrations_come_back_from_their_records_old_ones_too() -> None:
    assert read_calibration({"bias_near": 0.1, "bias_far": -0.2}) == Calibration(0.1, -0.2)
    assert read_calibration(MergeCalibration(0.5, 20.0, 0.3).record()) == MergeCalibration(0.5, 20.0, 0.3)
    learned = MergeCalibration(0.5, 20.0, classifier=Classifier.none())
    assert read_calibration(learned.record()).method == "learned"


def test_affinities_of_the_embedding_are_asked_for_and_count(field: Any) -> None:
    calibration = MergeCalibration(0.5, 20.0, embedding_weight=1.0)
    with pytest.raises(InputError, match="embedding_affinities=true"):
        _decode(field, calibration)
    noise = np.zeros_like(field[1])
    expected = _decode(field, MergeCalibration(0.5, 20.0))
    assert (_decode(field, calibration, affinities=noise, extra=field[1]) == expected).all()
    assert (blended(noise, noise + 200, 0.5) == 100).all()


def test_calibration_looks_at_blocks_spread_over_the_part() -> None:
    whole = ((0, 40), (10, 50), (0, 30))
    assert spread(whole, (64, 64, 64), 4) == [whole]
    assert spread(whole, (20, 64, 64), 4) == [((0, 20), (10, 50), (0, 30)), ((20, 40), (10, 50), (0, 30))]
    assert spread(((0, 90), (0, 5), (0, 5)), (10, 5, 5), 3) == [((z, z + 10), (0, 5), (0, 5)) for z in (10, 40, 70)]
