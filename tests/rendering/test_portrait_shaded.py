from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neuropil.errors import InputError
from neuropil.morphology.swc import write_swc
from neuropil.morphology.tree import AXON, BASAL, SOMA
from neuropil.rendering.opengl.portrait import shaded_portrait
from neuropil.rendering.opengl.sheet import write_portraits
from rendering.neurons import grown, neuron_of
from rendering.opengl import needs_opengl

pytestmark = needs_opengl
FROM_Z = np.array([0.0, 0.0, 1.0])


def drawn(picture: np.ndarray) -> np.ndarray:
    return (picture < 250).any(axis=2)


def test_a_tube_is_lit_from_the_upper_left() -> None:
    neuron = neuron_of([(BASAL, -50, 0, 0, 20, -1), (BASAL, 50, 0, 0, 20, 0)])
    picture = shaded_portrait(neuron, 96, FROM_Z).picture.astype(float)
    upper, lower = picture[40, 48], picture[56, 48]
    assert upper.sum() > 1.2 * lower.sum()
    assert (upper[0] > upper[1]) & (upper[0] > upper[2])  # basal dendrites are red


def test_a_portrait_is_fitted_smooth_and_on_white() -> None:
    portrait = shaded_portrait(grown(1), 160, FROM_Z)
    assert portrait.picture.shape == (160, 160, 3)
    assert portrait.picture.dtype == np.uint8
    assert (portrait.picture[[0, -1]] == 255).all()
    mask = drawn(portrait.picture)
    assert max(np.ptp(np.flatnonzero(mask.any(axis=axis))) for axis in (0, 1)) > 135
    assert len(np.unique(portrait.picture.reshape(-1, 3), axis=0)) > 100


def test_the_scale_is_true() -> None:
    portrait = shaded_portrait(neuron_of([(SOMA, 0, 0, 0, 10, -1)]), 200, FROM_Z)
    width = np.ptp(np.flatnonzero(drawn(portrait.picture).any(axis=0))) + 1
    assert width * portrait.um_per_px == pytest.approx(20, rel=0.02)


def test_what_passes_in_front_stands_off_by_a_gap() -> None:
    rows = [(BASAL, -50, 0, -40, 1, -1), (BASAL, 50, 0, -40, 1, 0), (AXON, 0, -50, 40, 1, -1), (AXON, 0, 50, 40, 1, 2)]
    row = shaded_portrait(neuron_of(rows), 200, FROM_Z).picture[100]
    assert row[100, 2] > row[100, 0]  # the axon is blue, the dendrite red
    dendrite = row[60:90, 1].max().astype(int)
    assert row[94:100, 1].max() > dendrite + 60  # paper shows between the axon and the dendrite behind it


def test_far_parts_are_paler() -> None:
    rows = [(BASAL, -50, 0, 0, 3, -1), (BASAL, -50, 40, 0, 3, 0), (BASAL, 50, 0, 90, 3, -1), (BASAL, 50, 40, 90, 3, 2)]
    picture = shaded_portrait(neuron_of(rows), 200, FROM_Z).picture
    left, right = picture[:, :100], picture[:, 100:]
    assert left[drawn(left)].mean() > right[drawn(right)].mean() + 15


def test_a_portrait_without_a_direction_looks_at_the_widest_side() -> None:
    neuron = grown(1, flat=0.02)
    chosen, narrow = shaded_portrait(neuron, 96), shaded_portrait(neuron, 96, np.array([1.0, 0.0, 0.0]))
    assert drawn(chosen.picture).sum() > drawn(narrow.picture).sum()


def test_too_large_a_portrait_is_an_error() -> None:
    with pytest.raises(InputError, match="ask for fewer"):
        shaded_portrait(grown(1, steps=20), 100_000)


def test_a_sheet_holds_every_neuron_with_its_name_and_scale(tmp_path: Path) -> None:
    files = [tmp_path / f"cell-{number}.swc" for number in range(5)]
    for number, file in enumerate(files):
        write_swc(grown(number, steps=40), file)
    write_portraits(files, tmp_path / "sheet.png", 64)
    with Image.open(tmp_path / "sheet.png") as sheet:
        width, height = sheet.size
        picture = np.array(sheet.convert("RGB"))
    assert (width % 4, height % 2) == (0, 0)
    cells = picture.reshape(2, height // 2, 4, width // 4, 3).swapaxes(1, 2).reshape(8, height // 2, width // 4, 3)
    assert [bool(drawn(cell).any()) for cell in cells] == [True] * 5 + [False] * 3
