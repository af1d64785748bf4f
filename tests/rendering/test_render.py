from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neuropil.errors import InputError
from neuropil.rendering.backends import open_backend
from neuropil.rendering.frame import Frame
from neuropil.rendering.parameters import OUTPUTS, RenderingParameters
from neuropil.rendering.render import render_views, write_neuron
from neuropil.rendering.segments import segments_of
from rendering.neurons import grown, neuron_of

GUIDE_FIELDS = {"swc", "mask_bw", "mask", "depth", "direction", "qc"}
CAMERA_FIELDS = {
    *("rotation", "center", "half_height", "distance", "fov", "projection", "depth_near", "depth_far", "um_per_px"),
    *("radius_clamp", "supersample_factor", "width", "height", "frame_um"),
    *("backend", "seed", "kind", "fallback", "up", "up_source", "visible_fraction", "class_pixels"),
}
SMALL = RenderingParameters(
    width=64, height=48, supersample_factor=2, canonical_views=2, biased_views=1, random_views=1
)


def test_writes_the_four_files_of_each_view_and_a_record(tmp_path: Path) -> None:
    records = write_neuron(grown(1), swc="swc/cell.swc", store=tmp_path, parameters=SMALL, seed=3)
    assert [record["kind"] for record in records] == ["canonical", "canonical", "biased", "random"]
    assert len(list((tmp_path / "images" / "cell").iterdir())) == 16
    for number, record in enumerate(records):
        assert record.keys() >= GUIDE_FIELDS | CAMERA_FIELDS
        assert (record["backend"], record["seed"]) == ("analytic", 3)
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


def test_coverage_is_the_fifth_file_grey_where_a_pixel_is_partly_covered(tmp_path: Path) -> None:
    parameters = SMALL.model_copy(update={"outputs": OUTPUTS, "supersample_factor": 4})
    for record in write_neuron(grown(1), swc="cell.swc", store=tmp_path, parameters=parameters, seed=3):
        coverage = np.asarray(Image.open(tmp_path / record["coverage"]))
        mask = np.asarray(Image.open(tmp_path / record["mask"]))
        assert record["coverage"].endswith(f"view_{record['view']:02d}_coverage.png")
        assert coverage.dtype == np.uint8 and coverage.shape == (48, 64)
        np.testing.assert_array_equal(coverage > 0, mask > 0)
        partly = (coverage > 0) & (coverage < 255)
        assert partly.any()
        np.testing.assert_allclose(coverage * 16 / 255, np.round(coverage * 16 / 255), atol=16 / 255)


@pytest.mark.parametrize("factor", range(1, 9))
@pytest.mark.parametrize("projection", ["ortho", "perspective"])
def test_at_every_supersampling_all_outputs_have_one_silhouette_and_the_record_its_classes(
    factor: int, projection: str
) -> None:
    parameters = SMALL.model_copy(update={"supersample_factor": factor, "projection": projection})
    for record, raster in render_views(grown(4, steps=150), swc="", parameters=parameters, seed=0):
        np.testing.assert_array_equal(raster.classes > 0, raster.depth > 0)
        np.testing.assert_array_equal(raster.classes > 0, raster.coverage > 0)
        assert list(record["class_pixels"].values()) == np.bincount(raster.classes.ravel(), minlength=6).tolist()
        assert record["qc"] == 1
        assert 0 < record["visible_fraction"] <= 1


def test_without_outputs_there_are_records_and_no_files(tmp_path: Path) -> None:
    records_only = SMALL.model_copy(update={"outputs": ()})
    with_files = write_neuron(grown(1), swc="cell.swc", store=tmp_path / "a", parameters=SMALL, seed=3)
    without = write_neuron(grown(1), swc="cell.swc", store=tmp_path / "b", parameters=records_only, seed=3)
    assert not (tmp_path / "b").exists()
    assert without == [{key: value for key, value in record.items() if key not in OUTPUTS} for record in with_files]


def test_a_record_alone_draws_its_view_again(tmp_path: Path) -> None:
    """What online training relies on: frame and segments give the very picture that was written."""
    neuron = grown(1)
    for fields in ({}, {"projection": "perspective"}, {"frame_um": 120.0}, {"upright": True, "adaptive_framing": True}):
        parameters = SMALL.model_copy(update=fields)
        for record, raster in render_views(neuron, swc="", parameters=parameters, seed=0):
            again = open_backend(parameters).draw(
                segments_of(neuron), Frame.from_record(json.loads(json.dumps(record)))
            )
            np.testing.assert_array_equal(again.depth, raster.depth)
            np.testing.assert_array_equal(again.classes, raster.classes)


def test_turning_neuron_and_up_together_gives_the_same_pictures() -> None:
    neuron = grown(6)
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    turn *= np.linalg.det(turn)
    turned = dataclasses.replace(neuron, points=neuron.points @ turn.T + (30.0, -500.0, 7.0))
    parameters = SMALL.model_copy(update={"upright": True, "adaptive_framing": True, "canonical_views": 6})
    up = np.array([0.0, 1.0, 0.0])
    before = list(render_views(neuron, swc="", parameters=parameters, seed=0, up=up))[:6]
    after = list(render_views(turned, swc="", parameters=parameters, seed=0, up=turn @ up))[:6]
    for view in before:  # a principal axis has no sign of its own: a view may be the one from behind
        found = max((view.raster.classes == other.raster.classes).mean() for other in after)
        assert found > 0.999
