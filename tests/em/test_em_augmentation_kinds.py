"""What each kind of change does to a patch, and what it leaves alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neuropil.em.augmentation import parameters as p
from neuropil.em.augmentation.blur import coarse_in_part, defocused, smeared
from neuropil.em.augmentation.copy_paste import pasted
from neuropil.em.augmentation.deformation import elastic_field, rotation_field
from neuropil.em.augmentation.grey import noisy, relit
from neuropil.em.augmentation.sections import faded, uneven, without_parts, without_sections
from neuropil.em.augmentation.shifts import jittered, misaligned
from neuropil.em.augmentation.symmetry import flipped, transposed

SPACING = (40.0, 8.0, 8.0)
SIZE = (12, 48, 48)


def grey(size: tuple[int, int, int] = SIZE, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=size).astype(np.float32)


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_cubes_have_48_symmetries_and_thick_sections_16() -> None:
    image = np.arange(27).reshape(3, 3, 3)
    for spacing, most in (((8.0, 8.0, 8.0), 48), (SPACING, 16)):
        seen = set()
        draws = rng()
        for _ in range(1500):
            moved = transposed({"a": image}, spacing, p.Transposes(probability=0.5), draws)
            seen.add(np.ascontiguousarray(flipped(moved, p.Flips(probability=0.5), draws)["a"]).tobytes())
        assert len(seen) == most


def test_a_slip_moves_one_section_and_a_step_all_from_one_on() -> None:
    for slip in (1.0, 0.0):
        shifts = misaligned(SIZE, SPACING, p.Misalignment(probability=1, slip=slip, max_shift_nm=80), rng())
        assert shifts is not None and np.abs(shifts).max() <= 10
        moved = (shifts != 0).any(axis=1)
        if slip:
            assert moved.sum() == 1
        else:
            first = int(moved.argmax())
            assert first > 0 and moved[first:].all() and (shifts[first:] == shifts[first]).all()


def test_every_section_jitters_within_the_bound() -> None:
    shifts = jittered((500, 8, 8), SPACING, p.SliceShift(probability=1, max_shift_nm=24), rng())
    assert shifts is not None and (shifts != 0).any(axis=1).all()
    assert shifts.min() == -3 and shifts.max() == 3
    sub = jittered((500, 8, 8), SPACING, p.SliceShift(probability=1, max_shift_nm=1), rng())
    assert sub is not None and np.abs(sub).max() == 1  # a voxel is the least
    thin = jittered((500, 8, 8), (16.0, 8.0, 8.0), p.SliceShift(probability=1, max_shift_nm=100), rng())
    assert thin is not None and np.abs(thin).max() == 2  # a section's thickness is the most


@pytest.mark.parametrize("spacing", [(10.0, 10.0, 10.0), SPACING])
def test_the_strongest_deformation_folds_nowhere(spacing: tuple[float, float, float]) -> None:
    change = p.Elastic(probability=1, spacing_nm=200, max_shift_nm=80)
    for seed in range(5):
        field = elastic_field((24, 48, 48), spacing, change, rng(seed)).astype(np.float64)
        for axis, step in enumerate(spacing):
            assert np.abs(field[axis]).max() * step <= 80
        slopes = np.stack([np.stack(np.gradient(component)) for component in field])
        jacobian = slopes.transpose(2, 3, 4, 0, 1) + np.eye(3)
        assert np.linalg.det(jacobian).min() > 0
        assert field.std() > 0.5 and (spacing[0] == 10 or not field[0].any())


def test_a_turn_keeps_lengths_in_nanometres() -> None:
    spacing = (40.0, 8.0, 4.0)
    field = rotation_field((1, 41, 41), spacing, p.Rotation(probability=1, max_scale=0), rng())
    y, x = np.meshgrid(np.arange(41.0), np.arange(41.0), indexing="ij")
    place = np.stack([(y + field[1, 0]) * 8, (x + field[2, 0]) * 4])
    assert np.allclose(np.hypot(*(place[:, 0, 0] - place[:, 40, 40])), np.hypot(40 * 8, 40 * 4))
    assert np.allclose(field[1:, 0, 20, 20], 0)  # about the middle


def test_missing_sections_are_of_one_grey_and_as_many_as_allowed() -> None:
    raw, counts = grey(), set()
    for seed in range(40):
        out = without_sections(raw, p.MissingSection(probability=1, max_sections=3), rng(seed))
        gone = np.ptp(out, axis=(1, 2)) == 0
        counts.add(int(gone.sum()))
        assert np.array_equal(out[~gone], raw[~gone])
        assert np.all(np.diff(np.flatnonzero(gone)) == 1)
    assert counts == {1, 2, 3}


def test_missing_parts_take_the_share_they_may() -> None:
    raw = grey()
    for seed in range(20):
        change = p.MissingParts(probability=1, sections=0.3, share=(0.1, 0.3))
        lost = without_parts(raw, SPACING, change, rng(seed)) != raw
        share = lost.mean(axis=(1, 2))
        assert (share > 0).any() and (share == 0).any()
        assert share[share > 0].min() >= 0.095 and share.max() <= 0.305


def test_faded_sections_keep_their_mean() -> None:
    raw = grey() + np.arange(12, dtype=np.float32)[:, None, None]
    out = faded(raw, p.LowContrast(probability=1, sections=0.3, factor=(0.2, 0.6)), rng())
    ratio = out.std(axis=(1, 2)) / raw.std(axis=(1, 2))
    assert np.allclose(out.mean(axis=(1, 2)), raw.mean(axis=(1, 2)), atol=1e-4)
    assert ((ratio > 0.19) & (ratio < 0.61)).any() and ((ratio > 0.999) | (ratio < 0.61)).all()


def test_uneven_sections_differ_by_factor_and_offset_only() -> None:
    raw = grey()
    out = uneven(raw, p.SectionContrast(probability=1), rng())
    for before, after in zip(raw, out, strict=True):
        assert np.corrcoef(before.ravel(), after.ravel())[0, 1] == pytest.approx(1, abs=1e-5)
    assert out.std(axis=(1, 2)).std() > 0.03


@pytest.mark.parametrize("change", ["motion", "focus", "part"])
def test_blurs_keep_constants_lower_the_variance_and_leave_other_sections_alone(change: str) -> None:
    def blur(raw: np.ndarray) -> np.ndarray:
        if change == "motion":
            return smeared(raw, SPACING, p.MotionBlur(probability=1, sections=0.3), rng())
        if change == "focus":
            return defocused(raw, SPACING, p.GaussianBlur(probability=1, sections=0.3), rng())
        return coarse_in_part(raw, SPACING, p.CutBlur(probability=1, size=(0.5, 0.5)), rng())

    raw = grey()
    assert np.allclose(blur(np.full(SIZE, 1.5, np.float32)), 1.5, atol=1e-3)
    out = blur(raw)
    same = (out == raw).all(axis=(1, 2))
    assert same.any() and not same.all()
    assert (out[~same].std(axis=(1, 2)) < raw[~same].std(axis=(1, 2))).all()


def test_a_smear_runs_along_its_line_for_its_length() -> None:
    from neuropil.em.augmentation.blur import _averaged, _line

    kernel = _line(0, 6)
    assert kernel.sum() == pytest.approx(1)
    dot = np.zeros((21, 21), np.float32)
    dot[10, 10] = 1
    spread = _averaged(dot, kernel)
    assert spread.sum() == pytest.approx(1)
    assert set(np.argwhere(spread > 0)[:, 0]) == {10} and (spread[10] > 0).sum() in (7, 8)


def test_cut_blur_averages_the_factor() -> None:
    raw = grey((8, 48, 48))
    change = p.CutBlur(probability=1, size=(1.0, 1.0), factor=(4, 4))
    thick = coarse_in_part(raw, SPACING, change, rng())
    fine = coarse_in_part(raw, (8.0, 8.0, 8.0), change, rng())
    assert thick.std() < 0.35  # 16 voxels of a section become one
    assert fine.std() < 0.6 * thick.std()  # 64 voxels become one


def test_gamma_contrast_and_brightness_keep_the_order_of_grey_values() -> None:
    raw = grey()
    out = relit(raw, p.Intensity(probability=1), rng())
    order = np.argsort(raw.ravel())
    assert (np.diff(out.ravel()[order]) >= -1e-6).all()
    plain = p.Intensity(probability=1, contrast=(1.2, 1.2), brightness=(0.1, 0.1), gamma=(1.0, 1.0))
    assert np.allclose(relit(raw, plain, rng()), 1.2 * raw + 0.1, atol=1e-4)
    flat = np.full((4, 8, 8), 0.5, np.float32)
    assert np.isfinite(relit(flat, p.Intensity(probability=1), rng())).all()


def test_gamma_contrast_and_brightness_are_those_of_monai() -> None:
    from monai.transforms.intensity.array import AdjustContrast, ScaleIntensity, ShiftIntensity

    raw = grey()
    change = p.Intensity(probability=1, contrast=(0.8, 0.8), brightness=(-0.2, -0.2), gamma=(1.2, 1.2))
    scaled = ScaleIntensity(minv=None, maxv=None, factor=0.8 - 1)(torch.tensor(raw)[None])
    theirs = np.asarray(AdjustContrast(1.2)(ShiftIntensity(-0.2)(scaled)))[0]
    assert np.allclose(relit(raw, change, rng()), theirs, atol=1e-5)


def test_noise_has_the_deviation_asked_for() -> None:
    raw = grey((32, 64, 64))
    added = noisy(raw, p.Noise(probability=1, deviation=(0.2, 0.2)), rng()) - raw
    assert added.std() == pytest.approx(0.2, rel=0.02) and abs(added.mean()) < 0.005


def test_pasted_instances_are_whole_keep_their_size_and_join_nothing() -> None:
    blocks = 1 + np.arange(3 * 6 * 6).reshape(3, 6, 6)
    ids = np.kron(blocks, np.ones((4, 8, 8), np.int64))
    patch = {"raw": grey(), "ids": ids, "objects": ids + 1000, "classes": np.ones(SIZE, np.int8)}
    other = {
        "raw": grey(seed=9),
        "ids": ids[:, ::-1],
        "objects": ids[:, ::-1] + 1000,
        "classes": np.full(SIZE, 3, "i1"),
    }
    out = pasted(patch, p.CopyPaste(probability=1, max_instances=3), rng(), lambda: other)
    over = out["classes"] == 3
    assert 1 <= over.sum() / 256 <= 3
    assert np.array_equal(out["raw"][over], other["raw"][over])
    assert all(np.array_equal(out[name][~over], patch[name][~over]) for name in out)
    for name in ("ids", "objects"):
        new = np.unique(out[name][over])
        assert len(new) == over.sum() / 256 and not np.isin(new, patch[name]).any()


def test_nothing_is_pasted_that_is_too_small_too_large_or_not_an_instance() -> None:
    ids = np.zeros(SIZE, np.int64)
    ids[:6] = 1
    ids[6, 0, 0] = 2
    patch = {"raw": grey(), "ids": ids, "classes": np.zeros(SIZE, np.int8)}
    out = pasted(patch, p.CopyPaste(probability=1), rng(), None)
    assert all(np.array_equal(out[name], patch[name]) for name in patch)


def test_the_partner_is_read_only_when_something_is_pasted() -> None:
    def fails() -> dict[str, np.ndarray]:
        raise AssertionError

    patch = {"raw": grey(), "ids": np.ones(SIZE, np.int64)}
    pasted(patch, p.CopyPaste(probability=0), rng(), fails)
    with pytest.raises(AssertionError):
        pasted(patch, p.CopyPaste(probability=1), rng(), fails)
