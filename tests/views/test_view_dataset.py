from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from neuropil.errors import InputError
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.render import render_views, write_neuron
from neuropil.views.access import ViewAccess
from neuropil.views.augmentation import augment
from neuropil.views.dataset import ViewDataset
from neuropil.views.manifest import read_manifest
from neuropil.views.parameters import AugmentationParameters
from neuropil.views.sources import PngViews
from neuropil.work.index import Index, write_lines
from rendering.neurons import grown

PARAMETERS = RenderingParameters(
    width=48, height=48, supersample_factor=2, canonical_views=3, biased_views=2, random_views=3
)
ALL = AugmentationParameters()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("views")


@pytest.fixture(scope="module")
def records(store: Path) -> list[dict]:
    return write_neuron(grown(1), swc="cell.swc", store=store, parameters=PARAMETERS, seed=0)


def same(one: dict, other: dict) -> bool:
    return all(torch.equal(torch.as_tensor(one[key]), torch.as_tensor(other[key])) for key in one)


def test_items_are_what_was_rendered(store: Path, records: list[dict]) -> None:
    dataset = ViewDataset(records, store)
    views = list(render_views(grown(1), swc="cell.swc", parameters=PARAMETERS, seed=0))
    assert len(dataset) == len(views)
    for number, view in enumerate(views):
        item = dataset[number]
        assert item["image"].dtype == item["depth"].dtype == item["um_per_px"].dtype == torch.float32
        assert item["image"].shape == (1, 48, 48)
        assert item["mask"].dtype == torch.int64
        np.testing.assert_array_equal(item["mask"], view.raster.classes)
        np.testing.assert_array_equal(item["image"][0], view.raster.classes > 0)
        np.testing.assert_allclose(item["depth"], view.raster.depth / 65535, rtol=1e-6)
        assert item["um_per_px"] == pytest.approx(view.record["um_per_px"])
        assert item["index"] == number


@pytest.mark.parametrize("augmentation", [None, ALL])
def test_the_cache_changes_nothing(store: Path, records: list[dict], augmentation) -> None:
    cached = ViewAccess(store).open(records, augmentation=augmentation, seed=3)
    fresh = ViewAccess(store).open(records, augmentation=augmentation, seed=3, once=True)
    for _ in range(2):
        assert all(same(cached[number], fresh[number]) for number in range(len(records)))


def test_the_cache_of_pictures_is_bounded_and_keeps_what_was_asked_for_last(store: Path, records: list[dict]) -> None:
    pictures = PngViews(store, cache_mib=1)
    pictures.view(records[0], None)
    size = pictures._cache.bytes
    pictures._cache._most = 3 * size
    for record in records:
        pictures.view(record, None)
        assert pictures._cache.bytes <= 3 * size
    assert 2 <= len(pictures._cache) < len(records)
    (store / records[-1]["mask"]).rename(store / "aside.png")
    try:
        assert pictures.view(records[-1], None).planes[0].any()
    finally:
        (store / "aside.png").rename(store / records[-1]["mask"])


def test_augmentation_is_a_function_of_seed_epoch_and_index(store: Path, records: list[dict]) -> None:
    one, other = (ViewDataset(records, store, augmentation=ALL, seed=seed) for seed in (3, 3))
    for epoch in (1, 0, 1):
        one.set_epoch(epoch)
        other.set_epoch(epoch)
        for number in reversed(range(len(records))):
            other[number]
        assert all(same(one[number], other[number]) for number in range(len(records)))
    first = [one[number]["mask"] for number in range(len(records))]
    one.set_epoch(2)
    assert any(not torch.equal(before, one[number]["mask"]) for number, before in enumerate(first))


def test_data_workers_give_the_same_views(store: Path, records: list[dict]) -> None:
    dataset = ViewDataset(records, store, augmentation=ALL, seed=3)
    dataset.set_epoch(4)
    batch = next(iter(DataLoader(dataset, batch_size=len(records), num_workers=1)))
    for number in range(len(records)):
        assert torch.equal(batch["mask"][number], dataset[number]["mask"])


@pytest.mark.parametrize("shape", [(48, 48), (30, 50)])
def test_augmentation_moves_pixels_and_makes_none(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 6, shape).astype(np.uint8)
    depth = classes.astype(np.uint16) * 1000
    seen = set()
    for epoch in range(40):
        turned, deep = augment((classes, depth), ALL, seed=0, epoch=epoch, index=0)
        assert turned.shape == shape
        np.testing.assert_array_equal(turned.astype(np.uint16) * 1000, deep)
        np.testing.assert_array_equal(np.sort(turned, axis=None), np.sort(classes, axis=None))
        seen.add(turned.tobytes())
    assert len(seen) == (8 if shape[0] == shape[1] else 4)


def test_each_augmentation_can_be_switched_off() -> None:
    none = AugmentationParameters(horizontal_flip=0, vertical_flip=0, quarter_turn=0)
    planes = np.arange(64, dtype=np.uint8).reshape(8, 8), np.arange(64, dtype=np.uint16).reshape(8, 8)
    flip = AugmentationParameters(horizontal_flip=1, vertical_flip=0, quarter_turn=0)
    for epoch in range(20):
        np.testing.assert_array_equal(augment(planes, none, seed=0, epoch=epoch, index=0)[0], planes[0])
        np.testing.assert_array_equal(augment(planes, flip, seed=0, epoch=epoch, index=0)[0], planes[0][:, ::-1])


def test_manifests_are_read_from_files_and_indexes(tmp_path: Path, records: list[dict]) -> None:
    write_lines(tmp_path / "manifest.jsonl", records)
    assert read_manifest(tmp_path / "manifest.jsonl") == records
    assert read_manifest(Index(records)) == records
    Index.skipped("none").save(tmp_path / "none.jsonl")
    assert read_manifest(tmp_path / "none.jsonl") == []


def test_a_record_without_depth_names_the_parameter(records: list[dict]) -> None:
    with pytest.raises(InputError, match=r"record 1: no depth.*rendering\.outputs"):
        read_manifest([{key: value for key, value in records[0].items() if key != "depth"}])


def test_a_damaged_picture_is_named(tmp_path: Path) -> None:
    records = write_neuron(grown(2), swc="cell.swc", store=tmp_path, parameters=PARAMETERS, seed=0)
    picture = tmp_path / records[0]["depth"]
    picture.write_bytes(picture.read_bytes()[:60])
    (tmp_path / records[1]["mask"]).unlink()
    dataset = ViewDataset(records, tmp_path)
    for number in (0, 1):
        with pytest.raises(InputError, match=f"view_0{number}.*run the rendering pipeline"):
            dataset[number]
