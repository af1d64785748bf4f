"""Folds keep groups whole and classes in proportion; rare classes are reported; frozen folds cannot be changed."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuropil.errors import InputError
from neuropil.statistics.folds import inside, leave_one_group_out, pooled_answers, repeated_kfold
from neuropil.statistics.frozen import check_frozen, frozen_folds, thawed_folds
from neuropil.statistics.rare import OTHER, fold_rare
from neuropil.statistics.splits import split_neurons


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 5), st.integers(1, 3), st.integers(0, 1000))
def test_every_labelled_item_is_asked_about_once_a_repeat_and_never_trained_on_then(
    k: int, repeats: int, seed: int
) -> None:
    labels = ["a"] * 13 + ["b"] * 8 + [None] * 4
    folds = repeated_kfold(labels, k=k, repeats=repeats, seed=seed)
    assert len(folds) == k * repeats
    asked = Counter(place for fold in folds for place in fold.test.tolist())
    assert asked == dict.fromkeys(range(21), repeats)
    assert all(not set(fold.train.tolist()) & set(fold.test.tolist()) for fold in folds)
    assert all({labels[place] for place in fold.test} == {"a", "b"} for fold in folds)


def test_no_group_is_on_both_sides() -> None:
    rng = np.random.default_rng(0)
    labels = [str(one) for one in rng.integers(0, 3, 90)]
    days = [f"day {one}" if one < 25 else None for one in rng.integers(0, 30, 90)]
    for fold in repeated_kfold(labels, days, k=4, repeats=2, seed=3):
        sides = [{days[place] for place in side if days[place]} for side in (fold.train, fold.test)]
        assert not sides[0] & sides[1]


def test_repeats_differ_and_the_seed_decides() -> None:
    labels = ["a", "b"] * 20
    one, again, other = (repeated_kfold(labels, k=4, repeats=2, seed=seed) for seed in (1, 1, 2))
    assert all((a.test == b.test).all() for a, b in zip(one, again, strict=True))
    assert any((a.test != b.test).any() for a, b in zip(one, other, strict=True))
    assert any((a.test != b.test).any() for a, b in zip(one[:4], one[4:], strict=True))


def test_a_class_with_too_few_items_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="class 'rare' has 2 items, fewer than the 5 folds"):
        repeated_kfold(["common"] * 20 + ["rare"] * 2)
    with pytest.raises(ValueError, match="1 groups"):
        repeated_kfold(["a"] * 20, ["one day"] * 20, k=2)


def test_folds_inside_a_group_touch_no_other() -> None:
    labels, groups = ["a", "b"] * 30, ["x"] * 40 + ["y"] * 20
    for fold in inside(labels, groups, "x", k=5, seed=1):
        assert max([*fold.train, *fold.test]) < 40 and fold.name.startswith("inside x")


def test_an_unseen_laboratory_is_asked_only_about_classes_that_the_others_have() -> None:
    labels = ["a", "b", "c"] * 4 + ["a", "b"] * 4 + ["d", "a"] * 3 + [None, "a"]
    groups = ["one"] * 12 + ["two"] * 8 + ["three"] * 6 + ["one", None]
    folds = {fold.name: fold for fold in leave_one_group_out(labels, groups)}
    assert set(folds) == {"without one", "without two"}  # three has one class that the others have, which is no task
    fold = folds["without one"]
    assert {labels[place] for place in fold.test} == {"a", "b"} == {labels[place] for place in fold.train}
    assert all(groups[place] == "one" for place in fold.test) and all(groups[place] != "one" for place in fold.train)
    assert not leave_one_group_out(labels, groups, least=9)


def test_answers_are_gathered_by_repeat_so_that_an_item_counts_once() -> None:
    labels = ["a", "b"] * 10
    folds = repeated_kfold(labels, k=4, repeats=3)
    sets = list(pooled_answers(folds, [fold.test * 2 for fold in folds]))
    assert len(sets) == 3
    for items, answers in sets:
        assert sorted(items.tolist()) == list(range(20)) and (answers == items * 2).all()
    lone = leave_one_group_out(["a", "b"] * 6, ["x"] * 6 + ["y"] * 6)
    assert len(list(pooled_answers(lone, [fold.test for fold in lone]))) == 1


def test_rare_classes_are_left_out_or_merged_and_named() -> None:
    labels = ["a"] * 12 + ["b"] * 6 + ["c"] * 5 + [None] * 2
    left = fold_rare(labels)
    assert set(left.labels) == {"a", None} and left.rare == {"b": 6, "c": 5} and left.unlabelled == 2
    assert left.said() == "left out, for too few cells: b (6), c (5)"
    merged = fold_rare(labels, how="merge")
    assert Counter(merged.labels) == {"a": 12, OTHER: 11, None: 2} and "merged into 'other'" in merged.said()
    few = fold_rare(labels[:18], how="merge")
    assert Counter(few.labels) == {"a": 12, None: 6} and few.said().startswith("left out")
    assert fold_rare(["a"] * 10).said() == ""


def test_frozen_folds_come_back_as_they_were_from_a_file() -> None:
    names = [f"cell {number}" for number in range(20)]
    folds = repeated_kfold(["a", "b"] * 10, k=4, seed=2)
    document = json.loads(json.dumps(frozen_folds(names, folds, by="neuron", facts={"seed": 2})))
    back = thawed_folds(document, names[::-1], label="folds.json")
    for fold, other in zip(folds, back, strict=True):
        assert {names[place] for place in fold.test} == {names[::-1][place] for place in other.test}
    again = frozen_folds(names, folds, by="neuron", facts={"seed": 2})
    assert again["hash"] == document["hash"] != frozen_folds(names, folds, by="neuron", facts={"seed": 3})["hash"]


def test_a_changed_file_a_lost_item_and_an_item_on_both_sides_are_refused() -> None:
    names = [f"cell {number}" for number in range(20)]
    folds = repeated_kfold(["a", "b"] * 10, k=4)
    document = frozen_folds(names, folds, by="neuron", facts={})
    changed = json.loads(json.dumps(document))
    changed["folds"][0]["test"].pop()
    with pytest.raises(InputError, match=r"folds\.json: changed after it was frozen"):
        thawed_folds(changed, names, label="folds.json")
    with pytest.raises(InputError, match="1 items are not there any more, the first cell 19"):
        thawed_folds(document, names[:-1], label="folds.json")
    folds[0] = type(folds[0])("bad", folds[0].train, folds[0].train[:1])
    with pytest.raises(InputError, match="trains on items that it tests"):
        thawed_folds(frozen_folds(names, folds, by="neuron", facts={}), names, label="folds.json")


def test_the_split_of_a_run_can_be_checked_too() -> None:
    split = split_neurons([f"n{i}" for i in range(20)], ["a", "b"] * 10, val_ratio=0.2, test_ratio=0.2, seed=1)
    check_frozen(json.loads(json.dumps(split)), label="neuron_split.json")
    split["parts"]["train"].append(split["parts"]["test"].pop())
    with pytest.raises(InputError, match="changed after it was frozen"):
        check_frozen(split, label="neuron_split.json")
