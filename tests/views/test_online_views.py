"""Views drawn online: the files' pictures without the files, and what may happen to their neurons."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from neuropil.errors import InputError
from neuropil.morphology.swc import write_swc
from neuropil.rendering.frame import Frame
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.rasteriser import Canvas, rasterise
from neuropil.rendering.render import render_views, write_neuron
from neuropil.rendering.segments import segments_of
from neuropil.views.access import ViewAccess
from neuropil.views.dataset import ViewDataset
from neuropil.views.manifest import read_manifest
from neuropil.views.online import OnlineViews, load_tree
from neuropil.views.parameters import AugmentationParameters, ViewsParameters
from neuropil.views.sources import MIB, Moment
from rendering.neurons import grown

NO_FLIPS = AugmentationParameters(horizontal_flip=0, vertical_flip=0, quarter_turn=0)
CHANGES = ("camera", "roll", "axon_dropout", "radius_jitter", "z_shrinkage", "slab", "smoothing")
WAYS: list[dict[str, Any]] = [
    {},
    {"sampling": "fibonacci", "supersample_factor": 3},
    {"sampling": "random", "projection": "perspective", "width": 64, "height": 40},
    {"sampling": "upright", "adaptive_framing": True, "supersample_factor": 1},
    {"frame_um": 200.0},
    {"projection": "perspective", "adaptive_framing": True, "margin": -0.3},
]


def rendering(**fields: Any) -> RenderingParameters:
    sizes = {"width": 48, "height": 48, "supersample_factor": 2}
    return RenderingParameters(**{**sizes, "canonical_views": 3, "biased_views": 2, "random_views": 3, **fields})


def online(cache_mib: int = 16, **changes: Any) -> ViewsParameters:
    return ViewsParameters(source="online", cache_mib=cache_mib, online=changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def neurons(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("neurons")
    for seed in range(4):
        neuron = grown(seed, name=f"cell{seed}", flat=0.8)
        types = np.where(np.arange(len(neuron)) % 60 < 30, neuron.types.max(), neuron.types.min() + 1).astype(np.int32)
        types[0] = neuron.types[0]
        write_swc(dataclasses.replace(neuron, types=types), folder / f"cell{seed}.swc")
    return folder


def records_of(neurons: Path, parameters: RenderingParameters, cells: int = 2) -> list[dict[str, Any]]:
    parameters = parameters.model_copy(update={"outputs": ()})
    return [
        view.record
        for cell in range(cells)
        for view in render_views(
            load_tree(neurons / f"cell{cell}.swc").neuron, swc=f"cell{cell}.swc", parameters=parameters, seed=5
        )
    ]


def opened(neurons: Path, records: list[dict[str, Any]], parameters: ViewsParameters, seed: int = 0) -> ViewDataset:
    access = ViewAccess(Path("no such store"), neurons, parameters)
    return access.open(records, augmentation=NO_FLIPS, seed=seed)


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(torch.equal(torch.as_tensor(one[key]), torch.as_tensor(other[key])) for key in one)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_an_online_view_is_the_file_to_the_bit(neurons: Path, tmp_path: Path, way: dict[str, Any]) -> None:
    parameters = rendering(outputs=("mask", "depth", "coverage"), **way)
    tree = load_tree(neurons / "cell1.swc")
    records = write_neuron(tree.neuron, swc="cell1.swc", store=tmp_path, parameters=parameters, seed=5)
    assert {record["kind"] for record in records} >= ({"canonical", "biased", "random"} if not way else set())
    files = ViewAccess(tmp_path, parameters=ViewsParameters()).open(records)
    drawn = ViewAccess(tmp_path, neurons, online()).open(records)
    canvas = Canvas(parameters.width, parameters.height, parameters.supersample_factor)
    for number, record in enumerate(records):
        assert same(files[number], drawn[number])
        raster = rasterise(tree.segments, Frame.from_record(record), canvas)
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / record["coverage"])), raster.coverage)


def test_no_file_is_needed_and_none_is_written(neurons: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(neurons.iterdir())
    dataset = opened(neurons, records_of(neurons, rendering()), online(camera={"probability": 1}))
    assert all(dataset[number]["image"].sum() > 10 for number in range(len(dataset)))
    assert sorted(neurons.iterdir()) == before
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_changes_pictures_when_on_and_nothing_when_off(neurons: Path, name: str) -> None:
    records = records_of(neurons, rendering())
    plain = opened(neurons, records, online())
    still = opened(neurons, records, online(**{name: {"probability": 0.0}}))
    changed = opened(neurons, records, online(**{name: {"probability": 1.0}}))
    rare = opened(neurons, records, online(**{name: {"probability": 0.3}}))
    numbers = range(len(records))
    assert all(same(plain[number], still[number]) for number in numbers)
    assert sum(not torch.equal(plain[number]["mask"], changed[number]["mask"]) for number in numbers) >= 12
    assert 0 < sum(same(plain[number], rare[number]) for number in numbers) < len(records)
    validation = ViewAccess(Path("none"), neurons, online(**{name: {"probability": 1.0}})).open(records)
    assert all(same(plain[number], validation[number]) for number in numbers)


def test_views_are_a_function_of_seed_epoch_and_index(neurons: Path) -> None:
    records = records_of(neurons, rendering())
    everything = online(**{name: {"probability": 0.7} for name in CHANGES})
    one, other = (opened(neurons, records, everything, seed=3) for _ in range(2))
    for epoch in (1, 0, 1):
        one.set_epoch(epoch)
        other.set_epoch(epoch)
        for number in reversed(range(len(records))):
            other[number]
        assert all(same(one[number], other[number]) for number in range(len(records)))
    first = [one[number] for number in range(len(records))]
    one.set_epoch(2)
    assert sum(same(before, one[number]) for number, before in enumerate(first)) < 4
    another = opened(neurons, records, everything, seed=4)
    another.set_epoch(1)
    assert sum(same(before, another[number]) for number, before in enumerate(first)) < 4


def test_data_workers_draw_the_same_views(neurons: Path) -> None:
    records = records_of(neurons, rendering())
    dataset = opened(neurons, records, online(**{name: {"probability": 0.7} for name in CHANGES}), seed=3)
    dataset.set_epoch(4)
    masks = torch.cat([batch["mask"] for batch in DataLoader(dataset, batch_size=4, num_workers=2)])
    sent = pickle.loads(pickle.dumps(dataset))  # what a worker gets where processes are not forked
    for number in range(len(records)):
        assert torch.equal(masks[number], dataset[number]["mask"])
        assert same(sent[number], dataset[number])


def test_what_is_sent_to_a_worker_holds_no_neuron(neurons: Path) -> None:
    dataset = opened(neurons, records_of(neurons, rendering()), online())
    empty = len(pickle.dumps(dataset))
    for number in range(len(dataset)):
        dataset[number]
    assert len(pickle.dumps(dataset)) == empty


def test_memory_for_neurons_is_bounded(neurons: Path) -> None:
    tree = load_tree(neurons / "cell0.swc")
    source = OnlineViews(neurons, online(cache_mib=1))
    size = source._trees._size(tree)
    source._trees._most = int(2.5 * size)
    records = records_of(neurons, rendering(), cells=4)
    fresh = OnlineViews(neurons, online(cache_mib=0))
    for record in records + records[::-1]:
        np.testing.assert_array_equal(source.view(record, None).planes[1], fresh.view(record, None).planes[1])
        assert source._trees.bytes <= source._trees._most
    assert len(source._trees) == 2
    assert len(fresh._trees) == 0
    assert size > 0.9 * sum(part.nbytes for part in tree.segments) and size < MIB


@pytest.mark.parametrize("way", [WAYS[0], WAYS[2], WAYS[3]], ids=str)
@pytest.mark.parametrize("name", CHANGES)
def test_the_frame_belongs_to_what_is_drawn(neurons: Path, way: dict[str, Any], name: str) -> None:
    source = OnlineViews(neurons, online(**{name: {"probability": 1.0}}))
    for number, record in enumerate(records_of(neurons, rendering(**way), cells=1)):
        tree = load_tree(neurons / record["swc"])
        old = Frame.from_record(record)
        frame, segments = source._changed(tree, old, record, Moment(1, 0, number))
        pixels = frame.to_pixels(np.concatenate([segments.starts, segments.ends]))
        assert pixels[:, :2].min() > 0
        assert pixels[:, 0].max() < frame.width and pixels[:, 1].max() < frame.height
        canvas = Canvas(frame.width, frame.height, record["supersample_factor"])
        canvas.draw(segments, frame)
        depth = canvas.depth[np.isfinite(canvas.depth)] * frame.um_per_px / record["supersample_factor"]
        assert frame.depth_near - 1e-3 <= depth.min() and depth.max() <= frame.depth_far + 1e-3
        seen = source.view(record, Moment(1, 0, number))
        assert seen.um_per_px == frame.um_per_px
        assert (seen.planes[0] > 0).sum() > 5
        if name in ("camera", "roll") and not way.get("adaptive_framing"):
            assert frame.um_per_px == pytest.approx(old.um_per_px, rel=0.35)


def test_a_fixed_frame_keeps_its_scale_and_centre(neurons: Path) -> None:
    (record, *_) = records_of(neurons, rendering(frame_um=200.0))
    source = OnlineViews(neurons, online(**{name: {"probability": 1.0} for name in CHANGES}))
    frame, _ = source._changed(load_tree(neurons / record["swc"]), Frame.from_record(record), record, Moment(0, 0, 0))
    assert frame.half_height == 100.0
    assert frame.center.tolist() == record["center"]


def test_a_fitted_frame_is_as_rendering_would_fit_it(neurons: Path) -> None:
    from neuropil.rendering.framing import fit_frames

    for way in ({"adaptive_framing": True}, {"adaptive_framing": True, "projection": "perspective"}):
        parameters = rendering(**way)
        source = OnlineViews(neurons, online(camera={"probability": 1.0}, axon_dropout={"probability": 1.0}))
        for number, record in enumerate(records_of(neurons, parameters, cells=1)):
            tree = load_tree(neurons / record["swc"])
            frame, segments = source._changed(tree, Frame.from_record(record), record, Moment(0, 0, number))
            (wanted,) = fit_frames(segments, [frame.rotation], parameters)
            assert frame.half_height == pytest.approx(wanted.half_height, rel=1e-9)
            np.testing.assert_allclose(frame.center, wanted.center, atol=1e-9)
            assert frame.distance == pytest.approx(wanted.distance, rel=1e-3)
            for depth in ("depth_near", "depth_far"):
                assert getattr(frame, depth) == pytest.approx(getattr(wanted, depth), abs=0.02 * frame.half_height)


def test_refusals_say_what_to_do(neurons: Path, tmp_path: Path) -> None:
    records = records_of(neurons, rendering())
    with pytest.raises(InputError, match=r"views\.source=online.*ingestion"):
        ViewAccess(tmp_path, None, online()).open(records)
    with pytest.raises(InputError, match=r"cell0\.swc: no such neuron"):
        opened(tmp_path, records, online())[0]
    with pytest.raises(InputError, match=r"rendering\.backend=analytic"):
        opened(neurons, [records[0] | {"backend": "pyrender"}], online())[0]
    with pytest.raises(InputError, match=r"record 1: no mask, depth; .*views\.source=online"):
        read_manifest(records)
    assert read_manifest(records, "online") == records
    with pytest.raises(InputError, match=r"record 1: no rotation; run the rendering pipeline again"):
        read_manifest([{key: value for key, value in records[0].items() if key != "rotation"}], "online")


def test_ranges_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(ValueError, match="least must not be above most"):
        online(slab={"least": 300, "most": 100})


def test_segments_of_an_unchanged_tree_are_drawn_as_they_are(neurons: Path) -> None:
    tree = load_tree(neurons / "cell2.swc")
    for kept, fresh in zip(tree.segments, segments_of(tree.neuron), strict=True):
        np.testing.assert_array_equal(kept, fresh)
