"""Every change of a training patch: on it changes a batch, off it changes nothing, and labels stay labels."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from neuropil.em.augmentation import augment, margin, prepare
from neuropil.em.augmentation.parameters import CHANGES, Elastic, EmAugmentationParameters, Noise

SIZE = (16, 40, 40)
CUBE = (10.0, 10.0, 10.0)
THIN_PIXELS = (40.0, 8.0, 8.0)
OF_PLACE = ("flips", "transposes", "misalignment", "slice_shift", "elastic", "rotation")
OF_SEVERAL_SECTIONS = ("misalignment", "slice_shift", "missing_section")
FAR_UP = 2**60  # neighbouring ids there are one and the same float
NOWHERE = -100


def only(name: str, **options: Any) -> EmAugmentationParameters:
    """One change, at every patch."""
    change = type(getattr(EmAugmentationParameters(), name))
    return EmAugmentationParameters.only(**{name: change(**{"probability": 1, **options})})


def certain(name: str) -> EmAugmentationParameters:
    """One change at every patch, of `tissue` too, whose instances are small."""
    return only(name, **({"size": (0.001, 0.5)} if name == "copy_paste" else {}))


def tissue(size: tuple[int, int, int], border: tuple[int, int, int] = (0, 0, 0), seed: int = 0) -> dict[str, Any]:
    """Blocks of 8^3 voxels, each an instance with its own grey value and a class that its id tells."""
    shape = [n + 2 * m for n, m in zip(size, border, strict=True)]
    rng = np.random.default_rng(seed)
    few = [-(-n // 8) + 1 for n in shape]
    blocks = 1 + rng.permutation(int(np.prod(few))).reshape(few)
    numbers = np.kron(blocks, np.ones((8, 8, 8), np.int64))[tuple(slice(3, n + 3) for n in shape)].astype(np.int64)
    return {
        "raw": np.sin(numbers).astype(np.float32),
        "ids": FAR_UP + numbers,
        "objects": FAR_UP + numbers,
        "classes": (numbers % 5).astype(np.int8),
    }


def run(
    parameters: EmAugmentationParameters,
    seed: int = 1,
    size: tuple[int, int, int] = SIZE,
    spacing: tuple[float, float, float] = CUBE,
    **options: Any,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The patch as it was and as it became; it is read with its margin."""
    border = margin(parameters, size, spacing)
    arrays = tissue(size, border)
    middle = tuple(slice(m, m + n) for m, n in zip(border, size, strict=True))
    for array in arrays.values():
        array.setflags(write=False)
    after = augment(arrays, size, spacing, parameters, np.random.default_rng(seed), **options)
    return {name: array[middle] for name, array in arrays.items()}, after


@pytest.mark.parametrize("spacing", [CUBE, THIN_PIXELS])
@pytest.mark.parametrize("name", CHANGES)
def test_each_change_changes_the_patch_when_on(name: str, spacing: tuple[float, float, float]) -> None:
    changed = 0
    for seed in range(4):
        before, after = run(
            only(name, **({"size": (0.001, 0.2)} if name == "copy_paste" else {})), seed, spacing=spacing
        )
        changed += not np.array_equal(before["raw"], after["raw"])
        for key, array in after.items():
            assert array.shape == SIZE and array.dtype == before[key].dtype and array.flags.c_contiguous
        assert np.isfinite(after["raw"]).all()
    assert changed >= 3  # no flip of any axis is a fair draw


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_draws_and_changes_nothing_when_off(name: str) -> None:
    rng = np.random.default_rng(1)
    state = rng.bit_generator.state
    off = only(name, probability=0)
    arrays = tissue(SIZE)
    after = augment(arrays, SIZE, CUBE, off, rng)
    assert margin(off, SIZE, CUBE) == (0, 0, 0)
    assert rng.bit_generator.state == state
    for key, array in arrays.items():
        assert np.array_equal(after[key], array)


@pytest.mark.parametrize("name", [name for name in CHANGES if name not in ("flips", "transposes")])
def test_each_change_happens_as_often_as_asked_for(name: str) -> None:
    certainly = getattr(certain(name), name)
    rare = EmAugmentationParameters.only(**{name: certainly.model_copy(update={"probability": 0.3})})
    pairs = [run(rare, seed, size=(8, 24, 24)) for seed in range(60)]
    changed = sum(not np.array_equal(before["raw"], after["raw"]) for before, after in pairs)
    assert 7 <= changed <= 30  # 18 expected, three deviations either way


def test_one_switch_turns_all_off() -> None:
    on = EmAugmentationParameters(**{name: getattr(only(name), name) for name in CHANGES})
    off = on.model_copy(update={"enabled": False})
    assert margin(on, SIZE, CUBE) > (0, 0, 0) and margin(off, SIZE, CUBE) == (0, 0, 0)
    before, after = run(off)
    assert all(np.array_equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize("name", CHANGES)
def test_labels_stay_labels_and_belong_together(name: str) -> None:
    for seed in range(3):
        parameters = only(name)
        border = margin(parameters, SIZE, CUBE)
        arrays, other = tissue(SIZE, border), tissue(SIZE, border, seed=7)
        after = augment(arrays, SIZE, CUBE, parameters, np.random.default_rng(seed), lambda other=other: other)
        assert np.isin(after["ids"], np.union1d(arrays["ids"], other["ids"])).all() or name == "copy_paste"
        assert np.isin(after["classes"], arrays["classes"]).all()
        assert (after["ids"] == after["objects"]).all()
        if name != "copy_paste":  # there an id may have to give way to one of the same number
            assert (after["classes"] == (after["ids"] - FAR_UP) % 5).all()


@pytest.mark.parametrize("name", CHANGES)
def test_labels_move_exactly_when_the_place_changes(name: str) -> None:
    before, after = run(only(name), seed=3)
    assert np.array_equal(before["ids"], after["ids"]) == (name not in OF_PLACE and name != "copy_paste")


@pytest.mark.parametrize("name", [*OF_PLACE, "copy_paste"])
def test_grey_values_move_with_the_labels(name: str) -> None:
    _, after = run(certain(name), seed=2)
    if name == "copy_paste":  # whose ids may be new, but not the grey values and classes
        known = tissue(SIZE)
        pairs = set(zip(known["raw"].ravel().tolist(), known["classes"].ravel().tolist(), strict=True))
        assert set(zip(after["raw"].ravel().tolist(), after["classes"].ravel().tolist(), strict=True)) <= pairs
        return
    wrong = np.abs(after["raw"] - np.sin((after["ids"] - FAR_UP).astype(np.float64))) > 1e-3
    if name in ("elastic", "rotation"):  # grey is interpolated across faces, at most a voxel from each
        from scipy.ndimage import maximum_filter, minimum_filter

        numbers = after["ids"] - FAR_UP  # scipy's filters compute in floats
        inside = maximum_filter(numbers, 5) == minimum_filter(numbers, 5)
        wrong, inside = wrong[2:-2, 2:-2, 2:-2], inside[2:-2, 2:-2, 2:-2]
        assert inside.mean() > 0.03
        wrong &= inside
    assert not wrong.any()


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_a_function_of_the_generator_and_leaves_its_input_alone(name: str) -> None:
    _, first = run(only(name), seed=5)  # the arrays given cannot be written to
    _, second = run(only(name), seed=5)
    assert all(np.array_equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("name", CHANGES)
def test_a_single_section_is_changed_too_unless_the_change_is_one_between_sections(name: str) -> None:
    size = (1, 40, 40)
    changed = False
    for seed in range(4):
        parameters = certain(name)
        before, after = run(parameters, seed, size=size, spacing=THIN_PIXELS)
        assert after["raw"].shape == size
        changed |= not np.array_equal(before["raw"], after["raw"])
    assert changed == (name not in OF_SEVERAL_SECTIONS)
    if not changed:
        assert margin(only(name), size, THIN_PIXELS) == (0, 0, 0)


@pytest.mark.parametrize("spacing", [CUBE, THIN_PIXELS, (50.0, 4.6, 4.6)])
def test_the_margin_is_all_that_the_changes_reach_for(spacing: tuple[float, float, float]) -> None:
    wild = EmAugmentationParameters.only(
        **{name: getattr(only(name), name) for name in ("misalignment", "slice_shift", "elastic", "rotation")}
    )
    size = (12, 24, 32)
    border = margin(wild, size, spacing)
    fill = {"ids": NOWHERE, "classes": NOWHERE}
    for seed in range(30):
        enough = augment(tissue(size, border), size, spacing, wild, np.random.default_rng(seed), unknown=fill)
        assert (enough["ids"] != NOWHERE).all()
    scant = augment(tissue(size), size, spacing, wild, np.random.default_rng(0), unknown=fill)
    beyond = scant["ids"] == NOWHERE
    assert beyond.any() and (scant["classes"][beyond] == NOWHERE).all() and (scant["objects"][beyond] == 0).all()
    assert np.isfinite(scant["raw"]).all()


@pytest.mark.parametrize("name", ["misalignment", "slice_shift", "elastic"])
def test_lengths_are_nanometres(name: str) -> None:
    assert margin(only(name, max_shift_nm=32.0), SIZE, THIN_PIXELS)[1:] == (4, 4)
    assert margin(only(name, max_shift_nm=32.0), SIZE, (40.0, 16.0, 4.0))[1:] == (2, 8)


@pytest.mark.parametrize("name", ["misalignment", "slice_shift", "elastic", "rotation", "cut_blur"])
def test_thick_sections_are_not_mixed(name: str) -> None:
    parameters = only(name, **({"factor": (4, 4), "size": (1.0, 1.0)} if name == "cut_blur" else {}))
    for spacing, mixed in ((THIN_PIXELS, False), (CUBE, name in ("elastic", "cut_blur"))):
        border = margin(parameters, SIZE, spacing)
        depth = (np.arange(SIZE[0] + 2 * border[0]) - border[0]) ** 2
        shape = [n + 2 * m for n, m in zip(SIZE, border, strict=True)]
        grey = np.broadcast_to(depth[:, None, None].astype(np.float32), shape)
        arrays = {"raw": grey, "ids": grey.astype(np.int64)}
        after = augment(arrays, SIZE, spacing, parameters, np.random.default_rng(2))
        own = grey[border[0] : border[0] + SIZE[0], :1, :1]
        assert np.allclose(after["raw"], own) == (not mixed)
        assert (after["ids"] == own).all() == (not mixed or name == "cut_blur")


def test_preparing_makes_every_change_that_is_on_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[EmAugmentationParameters] = []
    monkeypatch.setattr("neuropil.em.augmentation.apply.augment", lambda *given: made.append(given[3]))
    parameters = EmAugmentationParameters.only(noise=Noise(probability=0.01), elastic=Elastic(probability=0.3))
    prepare(parameters)
    prepare(parameters)
    prepare(parameters.model_copy(update={"enabled": False}))
    assert [{name for name in CHANGES if getattr(one, name).probability == 1} for one in made] == [{"noise", "elastic"}]


def test_the_door_is_light() -> None:
    script = "import sys, neuropil.em.augmentation; print({'monai', 'numba', 'torch', 'fastremap'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_unknown_names_and_impossible_values_are_refused() -> None:
    for bad in (
        {"elastic": {"max_shift_nm": 200.0, "spacing_nm": 400.0}},
        {"noise": {"deviation": (0.3, 0.05)}},
        {"noise": {"probability": 1.5}},
        {"gaussian_blur": {"sigma": 3}},
        {"cut_blur": {"factor": (0, 2)}},
        {"symmetries": True},
    ):
        with pytest.raises(ValidationError):
            EmAugmentationParameters(**bad)


def test_the_page_states_every_parameter_and_shows_every_change() -> None:
    docs = Path(__file__).parents[2] / "docs"
    page = (docs / "augmentation.md").read_text(encoding="utf-8")
    for name in CHANGES:
        section = getattr(EmAugmentationParameters(), name)
        for field, info in type(section).model_fields.items():
            value = getattr(section, field)
            stated = f"[{value[0]:g}, {value[1]:g}]" if isinstance(value, tuple) else f"{value:g}"
            assert f"| `{name}.{field}` | {stated} | {info.description} |" in page
        picture = docs / "images" / f"augmentation_{name}.png"
        assert f"(images/{picture.name})" in page and picture.stat().st_size < 300_000
