from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.errors import InputError
from neuropil.statistics.grouped_splits import split_groups
from neuropil.statistics.splits import PARTS, split_neurons, split_sizes

DATA = os.environ.get("NEUROPIL_DATA")


def split(groups: list, strata: list | None = None, val: float = 0.15, test: float = 0.15, seed: int = 0) -> dict:
    names = [f"n{number:03d}" for number in range(len(groups))]
    strata = [None] * len(groups) if strata is None else strata
    return split_groups(names, strata, groups, by="laboratory", val_ratio=val, test_ratio=test, seed=seed)


def sizes(found: dict) -> dict[str, int]:
    return {part: len(found["parts"][part]) for part in PARTS}


@given(
    st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["x", "y", None])), max_size=80),
    st.sampled_from([(0.15, 0.15), (0.3, 0.0), (0.0, 0.0), (0.1, 0.45)]),
    st.integers(0, 5),
)
def test_every_neuron_is_in_one_part_and_no_group_in_two(members: list, ratios: tuple, seed: int) -> None:
    groups = [f"lab {number}" if number else None for number, _ in members]
    parts = 1 + sum(ratio > 0 for ratio in ratios)
    if groups and len(set(groups)) < parts:
        with pytest.raises(InputError):
            split(groups, [stratum for _, stratum in members], *ratios, seed=seed)
        return
    found = split(groups, [stratum for _, stratum in members], *ratios, seed=seed)
    everyone = sorted(name for names in found["parts"].values() for name in names)
    assert everyone == [f"n{number:03d}" for number in range(len(groups))]
    part_of = {name: part for part, names in found["parts"].items() for name in names}
    for number, group in enumerate(groups):
        assert part_of[f"n{number:03d}"] == found["groups"][group or "unknown"]["part"]
    if groups:
        assert [bool(found["parts"][part]) for part in ("val", "test")] == [ratio > 0 for ratio in ratios]
        assert found["parts"]["train"]


def test_many_groups_meet_the_ratios_and_the_classes() -> None:
    groups = [f"lab {number % 60}" for number in range(600)]
    strata = ["a" if number % 60 < 20 else "b" for number in range(600)]  # each laboratory traces one class
    found = split(groups, strata, 0.15, 0.3)
    assert sizes(found) == {"train": 330, "val": 90, "test": 180}
    assert found["classes"] == {
        "a": {"train": 110, "val": 30, "test": 60},
        "b": {"train": 220, "val": 60, "test": 120},
    }


def test_unequal_groups_come_as_near_as_they_can() -> None:
    found = split(["a"] * 164 + ["b"] * 60 + ["c"] * 52 + ["d"] * 52 + ["e"] * 15 + ["f"] * 5)
    assert sizes(found) == {"train": 244, "val": 52, "test": 52}
    assert split_sizes(found) == "train 244 (70 %), val 52 (15 %), test 52 (15 %)"


def test_a_group_larger_than_all_ratios_is_trained_on() -> None:
    assert split(["big"] * 90 + ["b"] * 5 + ["c"] * 5)["groups"]["big"] == {"part": "train", "neurons": 90}


def test_too_few_groups_are_refused_with_what_to_do() -> None:
    with pytest.raises(
        InputError, match=r"rendering.split_by=laboratory: 2 groups \(a, b\) cannot fill 3 parts.*val_ratio"
    ):
        split(["a"] * 5 + ["b"] * 5)
    assert sizes(split(["a"] * 5 + ["b"] * 5, val=0.5, test=0.0)) == {"train": 5, "val": 5, "test": 0}


def test_the_split_depends_on_names_and_seed_not_on_their_order() -> None:
    names = [f"n{number}" for number in range(40)]
    groups = [f"lab {number % 10}" for number in range(40)]
    options = {"by": "laboratory", "val_ratio": 0.2, "test_ratio": 0.2}
    one = split_groups(names, ["x"] * 40, groups, seed=1, **options)
    assert one == split_groups(names[::-1], ["x"] * 40, groups[::-1], seed=1, **options)
    others = [split_groups(names, ["x"] * 40, groups, seed=seed, **options) for seed in range(2, 6)]
    assert all(other["hash"] != one["hash"] for other in others)
    assert any(other["parts"] != one["parts"] for other in others)


def test_the_form_is_that_of_a_split_by_neuron() -> None:
    by_neuron = split_neurons(["a", "b"], [None, "x"], val_ratio=0.2, test_ratio=0.0, seed=0)
    assert set(split(["a", "b", "c"])) == {*by_neuron, "groups"}


def test_repeated_names_are_refused() -> None:
    with pytest.raises(ValueError, match="unique"):
        split_groups(["a", "a"], [None, None], ["x", "y"], by="laboratory", val_ratio=0.1, test_ratio=0.1, seed=0)


@pytest.mark.skipif(not DATA, reason="NEUROPIL_DATA names no folder of real inputs")
def test_real_laboratories_are_kept_whole() -> None:
    lines = (Path(str(DATA)) / "swc" / "rat_s1" / "metadata.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    names = [record["neuron_name"] for record in records]
    archives = [record["archive"] for record in records]
    found = split_groups(
        names, [r["mtype"] for r in records], archives, by="laboratory", val_ratio=0.15, test_ratio=0.15, seed=17
    )
    assert sizes(found) == {"train": 244, "val": 52, "test": 52}
    archive_of = dict(zip(names, archives, strict=True))
    held = [{archive_of[name] for name in found["parts"][part]} for part in PARTS]
    assert not held[0] & held[1] and not held[0] & held[2] and not held[1] & held[2]
