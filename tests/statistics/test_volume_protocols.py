"""Published parts are kept, what a source leaves open is cut with a gap, and what is not sound is said."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.errors import InputError
from neuropil.statistics.volumes import having, split_volumes

OPTIONS: dict[str, Any] = {"val_fraction": 0.15, "test_fraction": 0.15, "gap_nm": 200.0}
WHOLE = [[0, 100], [0, 256], [0, 256]]


def record(name: str, source: str, split: str | None = None, **more: Any) -> dict[str, Any]:
    shape, resolution = [100, 256, 256], [30.0, 6.0, 6.0]
    return {"name": name, "source": source, "split": split, "shape": shape, "resolution_nm": resolution,
            "digest": f"d-{name}", **more}  # fmt: skip


def parts(split: dict[str, Any]) -> dict[str, set[str]]:
    return {name: set(boxes) for name, boxes in split["volumes"].items()}


def test_snemi3d_trains_and_validates_in_ac4_and_is_tested_on_all_of_ac3() -> None:
    records = [record("AC4", "snemi3d", "train"), record("AC3", "snemi3d", "test")]
    split = split_volumes(records, protocol="published", **OPTIONS)
    assert parts(split) == {"AC4": {"train", "val"}, "AC3": {"test"}}
    assert split["volumes"]["AC3"]["test"] == WHOLE
    train, val = split["volumes"]["AC4"]["train"], split["volumes"]["AC4"]["val"]
    assert val[0][1] == 100 and (val[0][0] - train[0][1]) * 30 >= 200
    assert split["axes"] == {"AC4": "z"} and split["protocol"] == "published"
    assert len(split["notes"]) == 1 and "no validation volume" in split["notes"][0]


def test_without_labels_of_ac3_a_part_of_ac4_is_scored_and_that_is_said() -> None:
    split = split_volumes([record("AC4", "snemi3d", "train")], protocol="published", **OPTIONS)
    assert parts(split) == {"AC4": {"train", "val", "test"}}
    assert len(split["notes"]) == 1 and "AC3" in split["notes"][0]


def test_a_test_volume_alone_is_cut_and_that_is_said_but_beside_others_it_never_trains() -> None:
    alone = split_volumes([record("AC3", "snemi3d", "test")], protocol="published", **OPTIONS)
    assert parts(alone) == {"AC3": {"train", "val", "test"}} and "no training volume" in alone["notes"][0]
    among = [record("AC3", "snemi3d", "test"), record("A", "cremi3d")]
    assert parts(split_volumes(among, protocol="published", **OPTIONS))["AC3"] == {"test"}


def test_the_samples_of_cremi_are_three_volumes_each_cut_by_a_gap() -> None:
    split = split_volumes([record(name, "cremi3d") for name in "ABC"], protocol="published", **OPTIONS)
    assert all(found == {"train", "val", "test"} for found in parts(split).values())
    assert len(split["notes"]) == 1 and "A+, B+ and C+" in split["notes"][0]


def test_published_whole_volumes_stay_whole() -> None:
    records = [record("a", "mitoem2", "train"), record("b", "mitoem2", "val"), record("c", "mitoem2", "test")]
    split = split_volumes(records, protocol="published", **OPTIONS)
    assert split["volumes"] == {"a": {"train": WHOLE}, "b": {"val": WHOLE}, "c": {"test": WHOLE}}
    assert split["axes"] == {} and split["notes"] == []


def test_the_parts_of_mitoem_that_follow_on_each_other_are_named() -> None:
    records = [record("rat_train", "mitoem2", "train"), record("rat_val", "mitoem2", "val"),
               record("c", "mitoem2", "test")]  # fmt: skip
    notes = split_volumes(records, protocol="published", **OPTIONS)["notes"]
    assert len(notes) == 1 and "rat_train and rat_val" in notes[0] and "without a gap" in notes[0]


def test_sources_do_not_take_parts_from_each_other() -> None:
    records = [record("a", "mitoem2", "train"), record("b", "mitoem2", "val"), record("c", "mitoem2", "test"),
               record("AC4", "snemi3d", "train"), record("mine", "folder")]  # fmt: skip
    split = split_volumes(records, protocol="published", **OPTIONS)
    assert parts(split)["a"] == {"train"} and parts(split)["AC4"] == {"train", "val", "test"}
    assert parts(split)["mine"] == {"train", "val", "test"}


def test_gap_cuts_every_volume_and_says_which_published_test_volume_it_trains_on() -> None:
    records = [record("AC4", "snemi3d", "train"), record("AC3", "snemi3d", "test")]
    split = split_volumes(records, protocol="gap", **OPTIONS)
    assert all(len(found) == 3 for found in parts(split).values())
    assert len(split["notes"]) == 1 and split["notes"][0].startswith("AC3")


@given(count=st.integers(3, 40), declared=st.lists(st.sampled_from(["train", "val", "test", None]), max_size=3))
def test_volume_never_cuts_and_fills_all_parts(count: int, declared: list[str | None]) -> None:
    told = dict(enumerate(declared))
    records = [record(f"v{number}", "folder", told.get(number)) for number in range(count + len(declared))]
    split = split_volumes(records, protocol="volume", **OPTIONS)
    assert split["axes"] == {} and all(len(found) == 1 for found in parts(split).values())
    assert {part for found in parts(split).values() for part in found} == {"train", "val", "test"}
    for number, part in told.items():
        assert part is None or parts(split)[f"v{number}"] == {part}
    moved = split_volumes(records[::-1], protocol="volume", **OPTIONS)
    assert parts(moved) == parts(split) and moved["hash"] == split["hash"]


def test_too_few_whole_volumes_are_refused_with_what_to_do() -> None:
    with pytest.raises(InputError, match=r"protocol=volume.*too few.*protocol=gap"):
        split_volumes([record("a", "folder"), record("b", "folder")], protocol="volume", **OPTIONS)


def test_only_annotated_voxels_are_given_to_a_part() -> None:
    box = [[37, 90], [100, 200], [10, 256]]
    records = [record("a", "folder", annotated_box=box), record("b", "folder", "test", annotated_box=box)]
    volumes = split_volumes(records, protocol="published", **OPTIONS)["volumes"]
    assert volumes["b"]["test"] == box
    for part in volumes["a"].values():
        assert all(low >= start and high <= stop for (low, high), (start, stop) in zip(part, box, strict=True))
    assert volumes["a"]["train"][0][0] == 37 and volumes["a"]["test"][0][1] == 90


@pytest.mark.parametrize(("shift", "said"), [(0.0, True), (1700.0, True), (1800.0, False)])
def test_crops_of_one_animal_that_overlap_or_touch_are_named(shift: float, said: bool) -> None:
    records = [
        record("one", "microns", "train", offset_nm=[0, 0, 0]),
        record("two", "microns", "val", offset_nm=[90000, 0, 0]),
        record("far", "microns", "test", offset_nm=[0, shift, 0]),
    ]
    notes = split_volumes(records, protocol="published", **OPTIONS)["notes"]
    assert any("one (train) and far (test)" in note for note in notes) == said


def test_having_gives_the_volumes_with_a_part() -> None:
    records = [record("AC4", "snemi3d", "train"), record("AC3", "snemi3d", "test")]
    split = split_volumes(records, protocol="published", **OPTIONS)
    assert [found["name"] for found in having(records, split, "test")] == ["AC3"]
    assert [found["name"] for found in having(records, split, "val")] == ["AC4"]
    assert having([record("new", "folder")], split, "val") == []
