from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.statistics.splits import split_neurons


def split(strata: list, val: float = 0.15, test: float = 0.15, seed: int = 0) -> dict:
    return split_neurons([f"n{i:03d}" for i in range(len(strata))], strata, val_ratio=val, test_ratio=test, seed=seed)


@given(
    st.lists(st.sampled_from(["a", "b", "c", "d", None]), max_size=60),
    st.floats(0, 0.45),
    st.floats(0, 0.45),
    st.integers(0, 5),
)
def test_every_neuron_is_in_exactly_one_part(strata: list, val: float, test: float, seed: int) -> None:
    found = split(strata, val, test, seed)
    everyone = sorted(name for names in found["parts"].values() for name in names)
    assert everyone == [f"n{i:03d}" for i in range(len(strata))]
    assert bool(strata) == bool(found["parts"]["train"])
    for part, ratio in (("val", val), ("test", test)):
        if ratio == 0:
            assert not found["parts"][part]


def test_each_class_is_split_in_proportion() -> None:
    found = split(["a"] * 20 + ["b"] * 100, 0.15, 0.3)
    assert found["classes"] == {
        "a": {"train": 11, "val": 3, "test": 6},
        "b": {"train": 55, "val": 15, "test": 30},
    }


def test_a_small_class_is_in_every_part_and_a_tiny_one_is_trained_on_only() -> None:
    found = split(["a"] * 30 + ["b"] * 3 + ["c"] * 2)
    assert found["classes"]["b"] == {"train": 1, "val": 1, "test": 1}
    assert found["classes"]["c"] == {"train": 2, "val": 0, "test": 0}
    assert found["train_only"] == {"c": 2}


def test_classes_that_are_all_tiny_are_left_out_of_account() -> None:
    found = split([f"class {number}" for number in range(20)])
    assert not found["stratified"]
    assert {part: len(names) for part, names in found["parts"].items()} == {"train": 14, "val": 3, "test": 3}


def test_the_split_depends_on_names_and_seed_not_on_their_order() -> None:
    names, strata = [f"n{i}" for i in range(40)], ["a", "b"] * 20
    one = split_neurons(names, strata, val_ratio=0.2, test_ratio=0.2, seed=1)
    backwards = split_neurons(names[::-1], strata[::-1], val_ratio=0.2, test_ratio=0.2, seed=1)
    other = split_neurons(names, strata, val_ratio=0.2, test_ratio=0.2, seed=2)
    assert one == backwards
    assert one["hash"] != other["hash"]
    assert one["parts"] != other["parts"]


def test_one_class_growing_leaves_the_others_as_they_are() -> None:
    names = [f"a{i}" for i in range(20)]
    small = split_neurons([*names, "b0"], ["a"] * 20 + ["b"], val_ratio=0.2, test_ratio=0.2, seed=1)
    more = [f"b{i}" for i in range(20)]
    large = split_neurons([*names, *more], ["a"] * 20 + ["b"] * 20, val_ratio=0.2, test_ratio=0.2, seed=1)
    for part in ("train", "val", "test"):
        assert [n for n in small["parts"][part] if n[0] == "a"] == [n for n in large["parts"][part] if n[0] == "a"]


def test_repeated_names_are_refused() -> None:
    with pytest.raises(ValueError, match="unique"):
        split_neurons(["a", "a"], [None, None], val_ratio=0.1, test_ratio=0.1, seed=0)
