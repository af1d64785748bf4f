"""Where patches lie: weights of volumes, balance of classes, instances; grids of other voxel sizes; reading."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest

from neuropil.em.arrays import Part, prepare_part
from neuropil.em.crops import Crops
from neuropil.em.labels import UNKNOWN
from neuropil.em.parameters import EmSamplingParameters, EmSegmentationParameters
from neuropil.em.part_reader import PartReader
from neuropil.em.places import CLASS_PLACES, CLASS_VOXELS, INSTANCE_PLACES, Places
from neuropil.em.resampling import needs_resampling, resampled_grey, resampled_labels, source_size
from neuropil.em.sampling import PlaceSampler, box_start, drawn_volumes, part_shares
from neuropil.errors import InputError


def _part(name: str, source: str, size: int) -> Part:
    return Part(name, Path(), (size, 10, 10), (30.0, 8.0, 8.0), 0.0, 1.0, source=source)


PARTS = [_part("A", "cremi3d", 10), _part("B", "cremi3d", 30), _part("AC4", "snemi3d", 60)]


@pytest.mark.parametrize(
    ("weights", "shares"),
    [
        ({}, [0.1, 0.3, 0.6]),
        ({"snemi3d": 1.0, "cremi3d": 1.0}, [0.125, 0.375, 0.5]),
        ({"cremi3d": 3.0}, [0.1875, 0.5625, 0.25]),
        ({"A": 2.0, "cremi3d": 1.0, "mitoem2": 5.0}, [0.5, 0.25, 0.25]),
        ({"snemi3d": 0.0}, [0.25, 0.75, 0.0]),
    ],
)
def test_sources_and_volumes_are_drawn_by_their_weights(weights: dict[str, float], shares: list[float]) -> None:
    assert part_shares(PARTS, weights) == pytest.approx(shares)


def test_a_volume_of_weight_0_is_left_out_and_a_wrong_name_is_named() -> None:
    records = [{"name": part.volume, "source": part.source} for part in PARTS]
    assert [record["name"] for record in drawn_volumes(records, {"cremi3d": 0})] == ["AC4"]
    assert [record["name"] for record in drawn_volumes(records, {"cremi3d": 0, "B": 1})] == ["B", "AC4"]
    assert drawn_volumes(records, {"foundation": 1, "snemi3d": 2}) == records, (
        "a source that this run lacks is no error"
    )
    with pytest.raises(InputError, match=r"none of snemi is a source \(cremi3d, snemi3d\) or a volume \(A, AC4, B\)"):
        drawn_volumes(records, {"snemi": 1})
    with pytest.raises(InputError, match="weight 0"):
        drawn_volumes(records, {"cremi3d": 0, "snemi3d": 0})


def test_shares_that_draw_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        EmSamplingParameters(uniform=0)
    with pytest.raises(ValueError, match="must be above 0"):
        EmSegmentationParameters(data={"volume_weights": {"snemi3d": 0}})


def _write(path: Path, neurons: Any, resolution: Any = (30, 8, 8), **labels: Any) -> dict[str, Any]:
    raw = np.random.default_rng(1).integers(0, 256, neurons.shape).astype(np.uint8)
    with h5py.File(path, "w") as file:
        file["volumes/raw"] = raw
        file["volumes/raw"].attrs["resolution"] = resolution
        for name, values in {"neuron_ids": neurons, **labels}.items():
            file[f"volumes/labels/{name}"] = values.astype(np.uint64)
    return {"name": path.stem, "path": path.name, "digest": path.stem, "labels": ["neuron_ids", *labels], "source": "t"}


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> Part:
    """Two neurons, one of them a hundred times the other, background, and one small mitochondrion."""
    folder = tmp_path_factory.mktemp("sampling")
    neurons = np.ones((20, 60, 60))
    neurons[:, :, 50:] = 0
    neurons[:10, :6, :10] = 2
    mitochondria = np.zeros_like(neurons)
    mitochondria[12:14, 30:34, 20:24] = 77
    record = _write(folder / "two.h5", neurons, mitochondria=mitochondria)
    return prepare_part(record, folder, [[0, 20], [0, 60], [0, 60]], folder / "parts")


def _drawn(part: Part, many: int = 3000, **shares: float) -> list[tuple[int, int, int] | None]:
    sampler = PlaceSampler([part], EmSamplingParameters(**{"uniform": 0, **shares}), smallest=8)
    rng = np.random.default_rng(3)
    return [sampler.draw(0, rng) for _ in range(many)]


def test_every_class_is_drawn_as_often_as_another(part: Part) -> None:
    classes = part.open("classes")
    counts = Counter(int(classes[place]) for place in _drawn(part, classes=1))
    assert set(counts) == {0, 1, 3}
    assert all(abs(count / 3000 - 1 / 3) < 0.04 for count in counts.values())


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_instances_are_drawn_by_a_power_of_their_size(part: Part, power: float) -> None:
    objects = np.array(part.open("objects"))
    sizes = np.bincount(objects.ravel())[1:].astype(float) ** power
    counts = Counter(int(objects[place]) for place in _drawn(part, instances=1, instance_power=power))
    found = np.array([counts.get(row, 0) for row in range(1, len(sizes) + 1)]) / 3000
    assert np.abs(found - sizes / sizes.sum()).max() < 0.04


def test_ways_of_drawing_share_by_their_weights(part: Part) -> None:
    drawn = _drawn(part, uniform=1, classes=1, instances=2)
    assert abs(sum(place is None for place in drawn) / len(drawn) - 0.25) < 0.04


def test_where_there_is_nothing_of_the_kind_a_patch_lies_anywhere(tmp_path: Path) -> None:
    record = _write(tmp_path / "empty.h5", np.zeros((4, 9, 9)))
    bare = prepare_part(record, tmp_path, [[0, 4], [0, 9], [0, 9]], tmp_path / "parts")
    assert _drawn(bare, 5, instances=1) == [None] * 5


def test_places_are_drawn_evenly_over_the_voxels_of_an_instance(tmp_path: Path) -> None:
    shape, counts = (8, 20, 50), np.zeros((8, 20, 50))
    ids = np.ones(shape, np.int32)
    for seed in range(40):
        places = Places(shape)
        places._state[0] += seed * 977
        for z in range(0, 8, 4):
            places.add((slice(z, z + 4), slice(0, 20), slice(0, 50)), np.zeros((4, 20, 50), np.int8), ids[z : z + 4])
        places.save(tmp_path, 1)
        kept = np.load(tmp_path / INSTANCE_PLACES)[0]
        assert len(set(kept.tolist())) == len(kept)
        counts.ravel()[kept] += 1
    assert np.load(tmp_path / CLASS_VOXELS)[0] == ids.size
    assert len(np.unique(np.load(tmp_path / CLASS_PLACES)[0])) == ids.size, "fewer voxels than room: all are kept"
    share = counts.sum((1, 2)) / counts.sum()
    assert np.abs(share - 1 / 8).max() < 0.04


def test_a_box_holds_its_place_and_lies_inside() -> None:
    rng = np.random.default_rng(0)
    for place in [(0, 0, 0), (19, 59, 59), (10, 30, 30)]:
        for _ in range(50):
            start = box_start(place, (20, 60, 60), (20, 16, 17), rng)
            for at, voxel, whole, length in zip(start, place, (20, 60, 60), (20, 16, 17), strict=True):
                assert 0 <= at <= voxel < at + length <= whole


def test_grey_values_keep_their_mean_and_ramps_stay_ramps() -> None:
    ramp = np.broadcast_to(np.arange(12, dtype=np.float32), (4, 12, 12))
    coarse = resampled_grey(ramp, (4, 5, 5))
    assert coarse.mean() == pytest.approx(ramp.mean(), rel=1e-6)
    assert resampled_grey(ramp, (4, 4, 4))[0, 0] == pytest.approx([1, 4, 7, 10], abs=1e-5)
    fine = resampled_grey(ramp, (4, 30, 30))
    assert fine[0, 0, 2:-2] == pytest.approx((np.arange(30) + 0.5)[2:-2] * 0.4 - 0.5, abs=1e-5)
    assert (resampled_grey(ramp, ramp.shape) == ramp).all()


def test_labels_stay_labels_of_64_bits_where_they_were() -> None:
    labels = np.arange(2 * 6 * 6, dtype=np.int64).reshape(2, 6, 6) + 2**60 + 1
    fine = resampled_labels(labels, (4, 12, 18))
    assert fine.dtype == np.int64
    assert (fine == labels.repeat(2, 0).repeat(2, 1).repeat(3, 2)).all()
    assert (resampled_labels(fine, (2, 6, 6)) == labels).all()


def test_sections_are_compared_in_plane_only() -> None:
    assert needs_resampling((50, 8, 8), (30, 8, 8), 3) and not needs_resampling((50, 8, 8), (30, 8, 8), 2)
    assert not needs_resampling((30, 9, 9), (30, 8, 8), 3) and needs_resampling((30, 6, 6), (30, 8, 8), 2)
    assert source_size((32, 160, 160), (40, 4, 4), (30, 6, 6)) == (24, 240, 240)


@pytest.mark.parametrize("rate", [0.0, 0.4, 1.0])
def test_memory_and_memory_maps_read_the_same(part: Part, rate: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuropil.em.part_reader._RESIDENT", 20_000)  # pages are let go again and again
    reader = PartReader([part, part], rate)
    reader.load()
    rng = np.random.default_rng(0)
    for _ in range(30):
        z, y, x = (int(rng.integers(low)) for low in (12, 40, 40))
        box = (slice(z, z + 8), slice(y, y + 20), slice(x, x + 16))
        for name in part.arrays:
            assert (reader.read(1, name, box) == part.open(name)[box]).all()
    held = sum(array.nbytes for array in reader._held.values())
    assert abs(held / (2 * 20 * 60 * 60 * 10) - rate) < 0.2
    assert (held > 0) == (rate > 0)


def test_more_than_the_memory_is_refused(part: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=1000))
    with pytest.raises(InputError, match="cache_rate=1 would hold"):
        PartReader([part], 1.0).load()


def test_a_margin_is_real_tissue_inside_and_a_mirror_image_outside(part: Part) -> None:
    crops = Crops([part], None, 3, 0.0)
    raw = np.array(part.open("raw"), np.float32)
    inside = crops.read(0, (4, 10, 10), (8, 16, 16), (2, 5, 3))
    assert (inside["raw"] == raw[2:14, 5:31, 7:29]).all()
    edge = crops.read(0, (0, 0, 40), (8, 16, 16), (2, 4, 8))
    padded = np.pad(raw, ((2, 2), (4, 4), (8, 8)), mode="symmetric")
    assert (edge["raw"] == padded[0:12, 0:24, 40:72]).all()
    assert (edge["classes"][:2] == UNKNOWN).all() and (edge["ids"][:, :4] == 0).all()


def test_resampled_crops_of_all_arrays_lie_on_each_other(tmp_path: Path) -> None:
    neurons = np.arange(12)[None, :, None] // 3 * 4 + np.arange(12)[None, None, :] // 3 + 1
    neurons = np.repeat(neurons, 6, 0)
    record = _write(tmp_path / "fine.h5", neurons, (40, 4, 4))
    part = prepare_part(record, tmp_path, [[0, 6], [0, 12], [0, 12]], tmp_path / "parts")
    crops = Crops([part], (20.0, 12.0, 12.0), 3, 0.0)
    crop = crops.read(0, (0, 0, 0), (12, 4, 4))
    assert crops.resolution_nm(0) == (20.0, 12.0, 12.0) and crops.source_size(0, (12, 4, 4)) == (6, 12, 12)
    table = np.load(part.folder / "instances.npy")["id"]
    assert (table[crop["ids"][0] - 1] == np.arange(16).reshape(4, 4) + 1).all()
    means = np.array(part.open("raw"), np.float32).reshape(6, 4, 3, 4, 3).mean((2, 4))
    assert crop["raw"][0] == pytest.approx(means[0], abs=1e-3)
