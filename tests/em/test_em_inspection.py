"""What is measured of a volume: structure, proportions, the fit of labels, coverage."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from em.defective import Grey, Ids, cells, image
from neuropil.em.inspection.coverage import labelled_shares
from neuropil.em.inspection.label_fit import FOUND, LabelFit, edges_of, fit_labels
from neuropil.em.inspection.proportions import measure_proportions
from neuropil.em.inspection.sections import measure_sections, planes_of
from neuropil.em.inspection.symmetries import IDENTITY, symmetries

CUBE = (96, 96, 96)


@pytest.fixture(scope="module")
def tissue() -> tuple[Grey, Ids]:
    ids = cells(CUBE)
    return image(ids), ids


def fit(raw: Grey, ids: Ids, box: list[tuple[int, int]] | None = None) -> LabelFit:
    found = fit_labels(raw, ids, box)
    assert found is not None
    return found


def test_every_symmetry_of_a_cube_is_listed_once_and_source_is_where_the_turned_voxels_lie() -> None:
    array = np.arange(5 * 5 * 5).reshape(5, 5, 5)
    every = [IDENTITY, *symmetries(array.shape, array.shape)]
    assert len({one.turned(array).tobytes() for one in every}) == len({one.name for one in every}) == 48
    place = (slice(1, 4), slice(0, 2), slice(2, 5))
    for one in every:
        assert np.array_equal(one.turned(array[one.source(place, array.shape)]), one.turned(array)[place])


def test_symmetries_bring_one_shape_to_the_other() -> None:
    array = np.zeros((3, 4, 5))
    found = list(symmetries(array.shape, (5, 4, 3)))
    assert len(found) == 8 and all(one.turned(array).shape == (5, 4, 3) for one in found)
    assert list(symmetries(array.shape, (3, 4, 6))) == []


def test_labels_that_belong_to_the_image_fit_it_as_they_are(tissue: tuple[Grey, Ids]) -> None:
    found = fit(*tissue)
    assert found.agreement > 2 * FOUND and found.shift == (0, 0, 0)
    assert found.symmetry == "as stored" and found.misfit is None


def test_fit_is_that_of_the_ids_whatever_their_numbers(tissue: tuple[Grey, Ids]) -> None:
    raw, ids = tissue
    assert fit(raw, ids * np.uint64(2**40 + 1) + np.uint64(2**62)) == fit(raw, ids)


@pytest.mark.parametrize("number", [4, 8, 15, 23, 33, 42])
def test_labels_of_a_cube_that_are_turned_are_found_with_their_turn(tissue: tuple[Grey, Ids], number: int) -> None:
    raw, ids = tissue
    turn = next(itertools.islice(symmetries(CUBE, CUBE), number, None))
    back = next(one for one in symmetries(CUBE, CUBE) if np.array_equal(one.turned(turn.turned(ids)), ids))
    found = fit(raw, turn.turned(ids))
    assert found.misfit == "turned" and found.symmetry == back.name and found.best > 2 * FOUND > 2 * found.agreement


def test_labels_of_another_shape_are_found_with_their_turn() -> None:
    ids = cells((40, 96, 72))
    raw = image(ids)
    found = fit(raw, ids.transpose(0, 2, 1))
    assert found.misfit == "turned" and found.symmetry == "axes in the order z x y"
    found = fit(raw, ids.transpose(2, 1, 0))
    assert found.misfit == "turned" and found.symmetry == "axes in the order x y z"
    assert fit_labels(raw, ids[:, :50]) is None


@pytest.mark.parametrize("shift", [(0, 9, -14), (0, -7, 0)])
def test_misplaced_labels_are_found_with_the_way_back(tissue: tuple[Grey, Ids], shift: tuple[int, int, int]) -> None:
    raw, ids = tissue
    found = fit(raw, np.roll(ids, [-step for step in shift], (0, 1, 2)))
    assert found.misfit == "moved" and found.symmetry == "as stored"
    assert np.abs(np.subtract(found.shift, shift)).max() <= 1


def test_labels_a_section_off_are_found_where_sections_are_thick() -> None:
    ids = cells((16, 128, 128), (9, 1, 1))
    found = fit(image(ids), np.roll(ids, -1, 0))
    assert found.misfit == "moved" and found.shift == (1, 0, 0)


def test_labels_two_voxels_off_are_an_annotators_accuracy(tissue: tuple[Grey, Ids]) -> None:
    raw, ids = tissue
    found = fit(raw, np.roll(ids, (2, -1), (1, 2)))
    assert found.shift == (0, 0, 0) and found.misfit is None


def test_labels_of_other_tissue_are_unrelated() -> None:
    raw = image(cells((8, 320, 320)))
    found = fit(raw, cells((8, 320, 320), seed=9))
    assert found.misfit == "unrelated" and found.agreement < FOUND / 2


def test_few_labels_are_not_judged(tissue: tuple[Grey, Ids]) -> None:
    raw, ids = tissue
    assert fit_labels(raw, np.where(ids == 5, ids, 0)[::-1]) is None or not fit(raw, np.where(ids == 5, ids, 0)).misfit
    assert fit_labels(raw, np.zeros_like(ids)) is None


def test_only_the_annotated_box_is_compared(tissue: tuple[Grey, Ids]) -> None:
    raw, ids = tissue
    box = [(10, 80), (20, 90), (0, 70)]
    inside = tuple(slice(*span) for span in box)
    labels = np.zeros_like(ids)
    labels[inside] = ids[inside]
    assert fit(raw, labels, box).misfit is None
    labels[inside] = ids[inside].transpose(0, 2, 1)
    assert fit(raw, labels, box).symmetry == "axes in the order z x y"


def test_edges_touch_another_id() -> None:
    ids = np.array([[1, 1, 1], [1, 1, 2], [1, 1, 1]])
    assert edges_of(ids).tolist() == [[False, False, True], [False, True, True], [False, False, True]]


def test_structure_tells_tissue_from_noise_of_every_kind(tissue: tuple[Grey, Ids]) -> None:
    raw, _ = tissue
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (12, 128, 128)).astype(np.uint8)
    vignette = np.clip(noise * 0.4 + np.linspace(0, 100, 128), 0, 255).astype(np.uint8)
    assert measure_sections(raw).structure.min() > 0.25
    assert np.abs(measure_sections(noise).structure).max() < 0.1
    assert np.median(measure_sections(vignette).structure) < 0.1


def test_blurred_noise_has_structure_but_nothing_in_common_between_sections(tissue: tuple[Grey, Ids]) -> None:
    rng = np.random.default_rng(0)
    blurred = gaussian_filter(rng.normal(size=(24, 256, 256)), (0, 1.5, 1.5))
    grey = np.clip(128 + 100 * blurred, 0, 255).astype(np.uint8)
    found, real = measure_proportions(grey), measure_proportions(tissue[0])
    assert found is not None and real is not None
    assert abs(found.neighbours) < 0.03 < 0.2 < real.neighbours and found.lengths is None


def test_section_measures_are_those_of_numpy(tissue: tuple[Grey, Ids]) -> None:
    raw = tissue[0][:20]
    found = measure_sections(raw)
    assert np.array_equal(found.histogram, np.bincount(raw.ravel(), minlength=256)) and found.share == 1
    assert np.allclose(found.mean, raw.mean((1, 2))) and np.allclose(found.deviation, raw.std((1, 2)))
    assert np.allclose(found.difference[1:], np.abs(np.diff(raw.astype(int), axis=0)).mean((1, 2)))
    assert np.isnan(found.difference[0])
    assert np.allclose(found.modal, [np.bincount(one.ravel()).max() / one.size for one in raw])


def test_large_sections_are_measured_in_the_middles_of_their_quarters() -> None:
    assert planes_of((1024, 900)) == [(slice(0, 1024), slice(0, 900))]
    planes = planes_of((3000, 1000))
    assert planes == [(slice(494, 1006), slice(0, 1000)), (slice(1994, 2506), slice(0, 1000))]
    for size in ((1025, 1025), (1250, 1250), (5000, 1025)):
        for rows, columns in planes_of(size):
            assert 0 <= rows.start < rows.stop <= size[0] and 0 <= columns.start < columns.stop <= size[1]


@pytest.mark.parametrize("step", [(1.0, 1.0, 1.0), (4.0, 1.0, 1.0), (1.0, 1.0, 3.0)])
def test_lengths_follow_the_voxel_size(step: tuple[float, float, float]) -> None:
    shape = tuple(round(128 / one) for one in step)
    ids = cells((shape[0], shape[1], shape[2]), step)
    tones = np.random.default_rng(1).integers(40, 220, int(ids.max()) + 1).astype(np.uint8)
    found = measure_proportions(tones[ids.astype(np.int64)])
    assert found is not None and found.lengths is not None
    physical = np.multiply(found.lengths, step)
    assert physical.max() / physical.min() < 1.6


def test_sections_without_labels_are_counted_in_the_box() -> None:
    ids = np.ones((20, 30, 30), np.uint64)
    ids[7] = 0
    ids[:, :10] = 0
    shares = labelled_shares(ids, [(5, 20), (10, 30), (0, 30)])
    assert len(shares) == 15 and shares[2] == 0 and set(shares) == {0.0, 1.0}
    assert labelled_shares(ids)[0] == pytest.approx(2 / 3, abs=1e-3)
