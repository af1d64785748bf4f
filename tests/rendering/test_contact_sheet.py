from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neuropil.morphology.swc import write_swc
from neuropil.rendering.contact_sheet import BLOCKS, CELLS, CLASSES, draw_sheet, select_cells
from neuropil.rendering.png import PALETTE
from neuropil.rendering.portrait import scale_bar
from rendering.neurons import grown


def views_of(names: list[str]) -> list[dict]:
    return [
        {"neuron_name": name, "swc": f"{name}.swc", "view": view, "rotation": np.eye(3).tolist()}
        for name in names
        for view in range(3)
    ]


def test_each_class_shows_some_of_its_neurons_once_each() -> None:
    names = [f"n{number:02d}" for number in range(60)]
    selection = select_cells(views_of(names), lambda name: "even" if int(name[1:]) % 2 == 0 else None)
    assert set(selection.cells) == {"even", "class unknown"}
    assert selection.neurons == {"even": 30, "class unknown": 30}
    for cells in selection.cells.values():
        assert len({cell["neuron_name"] for cell in cells}) == CELLS * BLOCKS // 2


def test_only_the_most_frequent_classes_are_shown() -> None:
    names = [f"n{number:02d}" for number in range(40)]
    selection = select_cells(views_of(names), lambda name: f"class {int(name[1:]) % 20}" if name < "n39" else "class 0")
    assert len(selection.cells) == CLASSES
    assert "class 0" in selection.cells
    assert max(len(cells) for cells in selection.cells.values()) <= CELLS


@pytest.mark.parametrize("count", [1, 5, 7])
def test_a_sheet_shows_neurons_in_their_colours(tmp_path: Path, count: int) -> None:
    names = [f"a neuron with quite a long name, the {number}" for number in range(count)]
    for number, name in enumerate(names):
        write_swc(grown(number, steps=80, name=name), tmp_path / f"{name}.swc")
    sheet = draw_sheet(select_cells(views_of(names), lambda name: f"class {name[-1]}"), tmp_path)
    picture = np.asarray(Image.open(io.BytesIO(sheet)).convert("RGB"))
    below_header = picture[90:].reshape(-1, 3).astype(int)
    for colour in (PALETTE[1], PALETTE[2], PALETTE[3]):
        assert (np.abs(below_header - colour).max(axis=1) < 12).any()


@pytest.mark.parametrize(("um_per_px", "length"), [(1.0, 50), (3.0, 200), (0.01, 0.5), (2.5, 100)])
def test_scale_bars_are_round_and_fit(um_per_px: float, length: float) -> None:
    found, pixels = scale_bar(um_per_px, 72)
    assert found == pytest.approx(length)
    assert pixels <= 72
