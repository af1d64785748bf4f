from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neuropil.errors import InputError
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.render import render_views, write_neuron
from rendering.neurons import grown, neuron_of

GUIDE_FIELDS = {"swc", "mask_bw", "mask", "depth", "direction", "qc"}
SMALL = RenderingParameters(
    width=64, height=48, supersample_factor=2, canonical_views=2, biased_views=1, random_views=1
)


def test_writes_the_four_files_of_each_view_and_a_record(tmp_path: Path) -> None:
    records = write_neuron(grown(1), swc="swc/cell.swc", store=tmp_path, parameters=SMALL, seed=3)
    assert [record["kind"] for record in records] == ["canonical", "canonical", "biased", "random"]
    assert len(list((tmp_path / "images" / "cell").iterdir())) == 16
    for number, record in enumerate(records):
        assert record.keys() >= GUIDE_FIELDS
        assert record["mask_bw"] == f"images/cell/view_{number:02d}_mask_bw.png"
        pictures = {
            output: np.asarray(Image.open(tmp_path / record[output]))
            for output in ("mask_bw", "mask", "mask_color", "depth")
        }
        assert {picture.shape for picture in pictures.values()} == {(48, 64)}
        np.testing.assert_array_equal(pictures["mask_bw"], pictures["mask"] > 0)
        np.testing.assert_array_equal(pictures["mask_bw"], pictures["depth"] > 0)
        np.testing.assert_array_equal(pictures["mask"], pictures["mask_color"])
        assert list(record["class_pixels"].values()) == np.bincount(pictures["mask"].ravel(), minlength=6).tolist()


def test_only_the_outputs_asked_for_are_written_and_recorded(tmp_path: Path) -> None:
    parameters = SMALL.model_copy(update={"outputs": ("mask", "depth")})
    records = write_neuron(grown(1), swc="cell.swc", store=tmp_path, parameters=parameters, seed=3)
    assert not any("mask_bw" in record or "mask_color" in record for record in records)
    assert {path.name.split("_", 2)[2] for path in (tmp_path / "images" / "cell").iterdir()} == {
        "mask.png",
        "depth.png",
    }


def test_the_same_seed_gives_the_same_bytes_and_another_other_views(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_neuron(grown(1), swc="cell.swc", store=tmp_path / name, parameters=SMALL, seed=seed)
    files = {
        name: {path.name: path.read_bytes() for path in (tmp_path / name / "images" / "cell").iterdir()}
        for name in "abc"
    }
    assert files["a"] == files["b"] != files["c"]
    assert files["a"]["view_00_mask.png"] == files["c"]["view_00_mask.png"]  # canonical views need no seed


def test_a_neuron_without_nodes_is_refused() -> None:
    with pytest.raises(InputError, match="no nodes"):
        list(render_views(neuron_of([]), swc="empty.swc", parameters=SMALL, seed=0))


def test_a_failing_write_leaves_the_former_views(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_neuron(grown(1), swc="cell.swc", store=tmp_path, parameters=SMALL, seed=1)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.png")}
    monkeypatch.setattr("neuropil.rendering.render.encode", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(InputError, match="disk is full"):
        write_neuron(grown(2), swc="cell.swc", store=tmp_path, parameters=SMALL, seed=1)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.png")} == before
    assert [path.name for path in (tmp_path / "images").iterdir()] == ["cell"]


def test_a_fallback_stands_in_the_record() -> None:
    twig = dataclasses.replace(neuron_of([(3, 0, 0, 0, 1, -1), (3, 9, 0, 0, 1, 0)]), name="twig")
    records = [view.record for view in render_views(twig, swc="twig.swc", parameters=SMALL, seed=0)]
    assert {record["kind"] for record in records} == {"fibonacci"}
    assert all("segments" in record["fallback"] for record in records)
