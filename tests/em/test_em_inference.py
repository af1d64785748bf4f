"""Windows cover every voxel, decoding recovers known fields, and blocks joined equal the whole."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neuropil.em.decoding import Calibration, best_calibration, decode
from neuropil.em.inference import Predictor, whole
from neuropil.em.metrics import Contingency, adapted_rand
from neuropil.em.network import EmNetwork
from neuropil.em.offsets import affinity_offsets, true_affinities
from neuropil.em.parameters import EmInferenceParameters
from neuropil.em.stitching import common, grown, joined, matches, neighbours
from neuropil.em.synthesis_parameters import SampleVolumeParameters
from neuropil.em.tissue import grow_tissue
from neuropil.em.volume import open_volume
from neuropil.em.windows import blend_weights, blocks, slices, starts, windows

NEUTRAL = Calibration(0.0, 0.0)


@given(length=st.integers(1, 300), window=st.integers(1, 128), overlap=st.floats(0, 0.75))
def test_windows_leave_nothing_out_and_overlap_as_asked(length: int, window: int, overlap: float) -> None:
    begins = starts(length, window, overlap)
    covered = np.zeros(length, int)
    for begin in begins:
        covered[begin : begin + window] += 1
    assert covered.min() > 0
    assert all(begin >= 0 and begin + min(window, length) <= length for begin in begins)
    assert all(after - before <= max(1, int(window * (1 - overlap))) for before, after in itertools.pairwise(begins))


@settings(max_examples=25)
@given(shape=st.tuples(*[st.integers(4, 30)] * 3), size=st.tuples(*[st.integers(3, 12)] * 3))
def test_blocks_fill_a_volume_once_and_see_the_same_windows_as_the_whole(
    shape: tuple[int, int, int], size: tuple[int, int, int]
) -> None:
    bounds = whole(shape)
    filled = np.zeros(shape, int)
    seen = set()
    for block in blocks(bounds, size):
        filled[slices(block)] += 1
        seen |= set(windows(bounds, (8, 8, 8), 0.25, block))
    assert (filled == 1).all()
    assert seen == set(windows(bounds, (8, 8, 8), 0.25, bounds))


def test_gaussian_weights_fall_towards_the_border_and_stay_above_0() -> None:
    weights = blend_weights((8, 16, 16), "gaussian")
    assert weights.min() > 0 and weights[4, 8, 8] > 50 * weights[0, 0, 0]
    assert (blend_weights((8, 16, 16), "constant") == 1).all()


def _network(dims: int) -> EmNetwork:
    torch.manual_seed(0)
    return EmNetwork(
        encoder_name="residual_unet", feature_size=4, num_classes=3, emb_dim=2,
        offsets=affinity_offsets((30.0,), (30.0, 8.0, 8.0), dims), spacing_nm=(30.0, 8.0, 8.0), spatial_dims=dims,
    )  # fmt: skip


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("aggregation", ["gaussian", "constant"])
def test_blocks_predict_what_the_whole_predicts(
    grown: tuple[dict[str, Any], Path], dims: int, aggregation: str
) -> None:
    parameters = EmInferenceParameters(
        patch_size=(12, 24, 24), aggregation=aggregation, accelerator="cpu", output_probs=True
    )
    predictor = Predictor(_network(dims), parameters)
    options = {"bounds": whole(grown[0]["shape"]), "mean": 140.0, "std": 45.0}
    with open_volume(grown[1] / grown[0]["path"]) as volume:
        complete = predictor.predict(volume, whole(volume.shape), **options)
        for block in [((0, 10), (0, 64), (0, 64)), ((10, 32), (13, 64), (30, 50))]:
            part = predictor.predict(volume, block, **options)
            np.testing.assert_allclose(part.affinities, complete.affinities[(slice(None), *slices(block))], atol=1e-5)
    assert complete.affinities.shape[1:] == tuple(grown[0]["shape"])
    assert np.isfinite(complete.affinities).all() and complete.affinities.max() <= 1
    assert complete.probabilities is not None
    np.testing.assert_allclose(complete.probabilities.sum(0), 1, atol=1e-4)


@pytest.fixture(scope="module")
def field() -> tuple[np.ndarray, np.ndarray, list[tuple[int, int, int]]]:
    """Neurites that fill a volume, and their true affinities as uint8."""
    parameters = SampleVolumeParameters(shape=(24, 72, 72))
    truth = grow_tissue(parameters, np.random.default_rng(2)).neurons.astype(np.int64)
    offsets = affinity_offsets((30.0, 60.0), parameters.resolution_nm, 3)
    affinities, _ = true_affinities(truth, offsets)
    return truth, affinities * 255, offsets


def test_decoding_recovers_neurites_from_their_true_affinities(field: Any) -> None:
    truth, affinities, offsets = field
    found = decode(affinities, offsets, NEUTRAL, stride=2, min_size=0, seed=0)
    assert adapted_rand(Contingency.of(truth, found)).error < 0.01


def test_decoding_is_a_function_of_its_seed_and_fills_small_fragments(field: Any) -> None:
    _, affinities, offsets = field
    noisy = np.clip(affinities.astype(int) + np.random.default_rng(0).normal(0, 70, affinities.shape), 0, 255).astype(
        "u1"
    )
    first = decode(noisy, offsets, NEUTRAL, stride=2, min_size=100, seed=3)
    assert (first == decode(noisy, offsets, NEUTRAL, stride=2, min_size=100, seed=3)).all()
    assert first.min() > 0 and np.bincount(first.ravel())[1:].min() >= 100


def test_masked_voxels_belong_to_no_instance(field: Any) -> None:
    truth, affinities, offsets = field
    mask = truth % 2 == 0
    found = decode(affinities, offsets, NEUTRAL, stride=2, min_size=0, seed=0, mask=mask)
    assert (found[~mask] == 0).all() and (found[mask] > 0).all()


@pytest.mark.parametrize("masked", [False, True])
def test_a_block_smaller_than_the_longest_offset_is_decoded(field: Any, masked: bool) -> None:
    truth, affinities, offsets = field
    mask = np.ones((3, 6, 6), bool) if masked else None
    found = decode(affinities[:, :3, :6, :6], offsets, NEUTRAL, stride=2, min_size=0, seed=0, mask=mask)
    assert found.shape == (3, 6, 6) and found.min() > 0
    assert adapted_rand(Contingency.of(truth[:3, :6, :6], found)).error < 0.05


def test_sections_are_decoded_one_by_one_in_2d(field: Any) -> None:
    truth, _, _ = field
    offsets = affinity_offsets((30.0,), (30.0, 8.0, 8.0), 2)
    affinities = true_affinities(truth, offsets)[0] * 255
    found = decode(affinities, offsets, NEUTRAL, stride=1, min_size=0, seed=0)
    below = set(np.unique(found[0]))
    assert all(not below & set(np.unique(section)) for section in found[1:])


def test_blocks_joined_where_they_overlap_equal_the_whole(field: Any) -> None:
    truth, affinities, offsets = field
    bounds = whole(truth.shape)
    grid = list(blocks(bounds, (12, 40, 72)))
    boxes = [grown(block, bounds, (4, 16, 16)) for block in grid]
    parts = [
        decode(affinities[(slice(None), *slices(box))], offsets, NEUTRAL, stride=1, min_size=0, seed=0) for box in boxes
    ]

    def pairs() -> Any:
        for first, second in neighbours(grid):
            box = common(boxes[first], boxes[second])
            views = [parts[i][slices(box, [start for start, _ in boxes[i]])] for i in (first, second)]
            yield first, second, matches(*views)

    tables = joined([int(part.max()) for part in parts], pairs())
    result = np.zeros(truth.shape, np.uint64)
    for block, box, part, table in zip(grid, boxes, parts, tables, strict=True):
        result[slices(block)] = table[part[slices(block, [start for start, _ in box])]]
    complete = decode(affinities, offsets, NEUTRAL, stride=1, min_size=0, seed=0)
    assert adapted_rand(Contingency.of(complete, result)).error < 0.005
    assert adapted_rand(Contingency.of(truth, result)).error < 0.01


def test_a_leak_in_one_block_does_not_join_two_instances_of_the_other() -> None:
    first, second = np.repeat([1, 2], [6, 4]), np.full(10, 7)
    assert matches(first, second).tolist() == [[1, 7]]


def test_calibration_takes_the_least_voi_and_breaks_ties_towards_splits() -> None:
    rows = [
        {"setting": 0, "voi_split": 0.5, "voi_merge": 0.5},
        {"setting": 1, "voi_split": 0.9, "voi_merge": 0.11},
        {"setting": 2, "voi_split": 2.0, "voi_merge": 0.0},
    ]
    assert best_calibration(rows)["setting"] == 1
