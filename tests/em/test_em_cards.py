"""Cards of volumes: what they say is what the record says, slices are in true proportions, outlines lie on edges."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from em.defective import cells, image, write_volume
from neuropil.compute import ComputeParameters
from neuropil.em.cards.card import HEIGHT, WIDTH, draw_card, facts, outlined_labels
from neuropil.em.cards.lettering import font, length_text, wrapped
from neuropil.em.cards.sheet import CARDS, card_sheet, draw_cards
from neuropil.em.cards.slices import draw_plane, draw_slices, outline_colour
from neuropil.em.defects.defect import Defect
from neuropil.em.inspection.inspect import inspect_volumes

RECORD = {
    "name": "sample_A",
    "path": "sample_A.h5",
    "shape": [24, 100, 80],
    "resolution_nm": [40.0, 4.0, 4.0],
    "labels": ["clefts", "neuron_ids"],
    "instances": {"neuron_ids": 37366, "clefts": 123},
    "annotated": [0, 1, 2],
    "annotated_box": [[2, 22], [10, 90], [0, 80]],
    "split": "train",
    "source": "cremi3d",
    "digest": "1",
    "provenance": {"licence": "CC-BY-4.0"},
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("cards")
    ids = cells((24, 100, 80), (10, 1, 1))
    write_volume(
        folder / "sample_A.h5",
        image(ids),
        {"neuron_ids": ids, "clefts": (ids % 7 == 0).astype(np.uint8)},
        (40.0, 4.0, 4.0),
    )
    inspections = inspect_volumes([RECORD], folder, ComputeParameters())
    return folder, [dict(one) for one in inspections]


def pixels(png: bytes) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def test_facts_are_those_of_the_record() -> None:
    assert facts(RECORD) == [
        ("shape", "24 x 100 x 80"),
        ("voxel", "40 x 4 x 4 nm"),
        ("extent", "960 nm x 400 nm x 320 nm"),
        ("classes", "background, neuron, synaptic cleft"),
        ("instances", "clefts 123, neuron_ids 37,366"),
        ("annotated", "2-21 x 10-89 x 0-79"),
        ("split", "train"),
        ("licence", "CC-BY-4.0"),
    ]
    plain = {"shape": [2, 3, 4], "resolution_nm": [30, 6, 6], "labels": []}
    assert dict(facts(plain)) == {
        "shape": "2 x 3 x 4", "voxel": "30 x 6 x 6 nm", "extent": "60 nm x 18 nm x 24 nm",
        "classes": "none annotated", "instances": "no labels",
    }  # fmt: skip


def test_slices_are_in_true_proportions_and_fit_their_place() -> None:
    raw = np.zeros((20, 100, 50), np.uint8)
    found = draw_slices(raw, {}, (50.0, 5.0, 10.0), (400, 300))
    width, height = found.picture.size
    assert width <= 401 and height <= 301
    assert (width - 6) * found.nm_per_px == pytest.approx(1000 + 500, rel=0.02)
    assert (height - 6) * found.nm_per_px == pytest.approx(1000 + 500, rel=0.02)
    assert found.place == (10, 50, 25)


def test_slices_show_the_three_planes_through_the_place() -> None:
    raw = np.zeros((30, 30, 30), np.uint8)
    raw[4], raw[:, 7], raw[:, :, 9] = 80, 160, 240
    shown = draw_slices(raw, {}, (1.0, 1.0, 1.0), (96, 96), place=(4, 7, 9))
    picture = np.asarray(shown.picture)[..., 0].astype(int)
    side = (picture.shape[0] - 6) // 2
    planes = picture[:side, :side], picture[:side, -side:], picture[-side:, :side]

    def at(plane: np.ndarray[Any, Any], row: int, column: int) -> Any:
        value = plane[int((row + 0.5) * side / 30), int((column + 0.5) * side / 30)]
        return min((80, 160, 240), key=lambda grey: abs(grey - value))

    xy, zy, xz = planes
    assert [at(xy, 20, 20), at(xy, 7, 20), at(xy, 20, 9)] == [80, 160, 240]
    assert [at(zy, 20, 20), at(xz, 20, 20), at(xz, 20, 9)] == [240, 160, 240]
    assert at(xz, 4, 20) == 160 and at(zy, 20, 4) == 240


def test_outlines_lie_between_ids_and_nowhere_else() -> None:
    ids = np.ones((40, 40), np.uint64)
    ids[10:30, 10:30] = 2**60 + 1
    ids[10:30, 20:30] = 2**60  # one as floating-point numbers
    plain = draw_plane(np.full((40, 40), 90, np.uint8), {}, (80, 80))
    drawn = draw_plane(np.full((40, 40), 90, np.uint8), {"neuron_ids": ids}, (80, 80))
    assert set(plain.ravel().tolist()) == {90}
    lines = (drawn != plain).any(-1)
    assert lines[20:60, [19, 39, 59]].all() and lines[[19, 59], 20:60].all() and lines.sum() == 5 * 40 - 2
    assert drawn[30, 39].tolist() == pytest.approx(
        [90 + 0.75 * (one - 90) for one in outline_colour("neuron_ids")], abs=1
    )


def test_grey_values_of_other_types_are_stretched() -> None:
    grey = np.linspace(1000, 3000, 64 * 64).reshape(64, 64).astype(np.uint16)
    drawn = draw_plane(grey, {}, (64, 64))
    assert drawn.min() < 5 and drawn.max() > 250


def test_card_has_its_size_outlines_histogram_and_defects(store: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, (inspection,) = store
    sound = pixels(draw_card(RECORD, folder, inspection, []))
    assert sound.shape == (HEIGHT, WIDTH, 3)

    def red(picture: np.ndarray[Any, Any]) -> int:
        left = picture[:, :350]
        return int(((left[..., 0] - left[..., 1] > 100) & (left[..., 0] - left[..., 2] > 100)).sum())

    defect = Defect("noise", "severe", "the image is noise", "leave it out")
    assert red(pixels(draw_card(RECORD, folder, inspection, [defect]))) > red(sound) + 50
    blue = (sound[:, :350, 2] - sound[:, :350, 0]) > 50
    assert blue.sum() > 1000
    right = sound[:, 370:]
    assert ((right[..., 0] - right[..., 2] > 100) & (right[..., 1] > 120)).sum() > 300
    many = draw_card(RECORD, folder, inspection, [defect] * 60)
    assert pixels(many).shape == sound.shape


def test_cards_are_drawn_once_and_those_of_gone_volumes_disappear(
    store: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    folder, inspections = store
    (tmp_path / "old.png").write_bytes(b"")
    index, sheet = draw_cards([RECORD], inspections, folder, tmp_path, ComputeParameters())
    assert list(index) == [{"name": "sample_A", "path": "sample_A.png", "defects": 0}]
    assert [file.name for file in tmp_path.glob("*.png")] == ["sample_A.png"]
    before = (tmp_path / "sample_A.png").stat().st_mtime_ns
    again, same = draw_cards([RECORD], inspections, folder, tmp_path, ComputeParameters())
    assert (list(again), same) == (list(index), sheet)
    assert (tmp_path / "sample_A.png").stat().st_mtime_ns == before
    draw_cards([{**RECORD, "split": "test"}], inspections, folder, tmp_path, ComputeParameters())
    assert (tmp_path / "sample_A.png").stat().st_mtime_ns > before


def test_sheet_holds_six_cards_and_says_how_many_more(tmp_path: Path) -> None:
    files = []
    for number in range(CARDS + 3):
        files.append(tmp_path / f"{number}.png")
        Image.new("RGB", (40, 30), (number * 10, 0, 0)).save(files[-1])
    full, partial = pixels(card_sheet(files)), pixels(card_sheet(files[:CARDS]))
    assert full.shape[0] == partial.shape[0] + 30 and full.shape[1] == partial.shape[1] == 3 * (40 + 14) + 14
    assert pixels(card_sheet(files[:1])).shape == (30 + 28, 40 + 28, 3)
    assert pixels(card_sheet([])).shape[0] > 20


def test_outlined_are_the_labels_with_instances() -> None:
    assert outlined_labels(["classes", "mitochondria"]) == ["mitochondria"]
    assert outlined_labels(["classes"]) == ["classes"] and outlined_labels([]) == []


def test_text_is_wrapped_inside_its_width() -> None:
    pen = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    text = "a volume with a name_that_is_longer_than_any_line_may_ever_be and then some more words"
    lines = wrapped(pen, text, 120, 13)
    assert all(pen.textlength(line, font(13)) <= 120 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert wrapped(pen, text, 120, 13, most=2)[1].endswith("…") and wrapped(pen, "", 120, 13) == []
    assert [length_text(nm) for nm in (50.0, 999.0, 6144.0)] == ["50 nm", "999 nm", "6.14 µm"]
