"""Frozen protocols: who may be on which side, which classes are asked for, and that nothing can be changed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from neuropil.errors import InputError
from neuropil.evaluation.parameters import BaselineParameters
from neuropil.evaluation.protocols import (
    GROUPED,
    INSIDE,
    SEEN,
    UNSEEN,
    FoldSet,
    Origins,
    freeze_protocols,
    thaw_protocols,
)

NAMES = [f"cell {number:03d}" for number in range(120)]
LABORATORIES = ["big"] * 60 + ["small"] * 40 + ["odd"] * 20
DAYS: list[str | None] = [f"{of} + day {place // 3}" for place, of in enumerate(LABORATORIES)]
CLASSES = [["a", "b", "c"][place % 3] for place in range(60)] + ["a", "b"] * 20 + ["a", "d"] * 10
PARAMETERS = BaselineParameters(folds=4, seeds=2, min_cells=8)


def _document(**changes: Any) -> dict[str, Any]:
    of = {"laboratories": LABORATORIES, "days": DAYS, "dated": DAYS} | changes.pop("origins", {})
    labels = changes.pop("labels", {"cell_class": CLASSES, "laboratory": LABORATORIES})
    parameters = PARAMETERS.model_copy(update=changes)
    return freeze_protocols(NAMES, labels, Origins(**of), parameters=parameters, seed=5)


def _sets(document: dict[str, Any]) -> dict[tuple[str, str], FoldSet]:
    return {(one.label, one.protocol): one for one in thaw_protocols(document, NAMES, label="folds")}


def test_each_task_has_its_protocols_and_the_laboratory_only_one() -> None:
    assert set(_sets(_document())) == {
        ("cell_class", GROUPED), ("cell_class", INSIDE), ("cell_class", SEEN), ("cell_class", UNSEEN),
        ("laboratory", GROUPED),
    }  # fmt: skip


def test_no_day_is_on_both_sides_and_every_labelled_neuron_is_asked_once_a_seed() -> None:
    sets = _sets(_document())
    for protocol in (GROUPED, INSIDE):
        one = sets["cell_class", protocol]
        for folds in one.runs(2):
            asked = np.sort(np.concatenate([fold.test for fold in folds]))
            assert asked.tolist() == np.flatnonzero(one.truth >= 0).tolist()
            for fold in folds:
                assert not {DAYS[place] for place in fold.train} & {DAYS[place] for place in fold.test}


def test_inside_a_laboratory_nobody_else_takes_part() -> None:
    one = _sets(_document())["cell_class", INSIDE]
    assert (
        one.title == "cell class, inside big, laboratory and day kept together"
        and np.flatnonzero(one.truth >= 0).max() < 60
    )


def test_unseen_laboratories_are_all_asked_among_the_same_classes() -> None:
    one = _sets(_document())["cell_class", UNSEEN]
    assert one.classes == ("a", "b")  # c and d have one laboratory each; odd shares one class only
    assert {fold.name for fold in one.folds} == {"without big", "without small"}
    for fold in one.folds:
        out = fold.name.removeprefix("without ")
        assert {LABORATORIES[place] for place in fold.test} == {out}
        assert out not in {LABORATORIES[place] for place in fold.train}
        assert any(LABORATORIES[place] == "odd" for place in fold.train)
    assert any("c (20)" in note and "d (10)" in note for note in one.notes)
    assert len(one.runs(3)) == 3 and all(run == list(one.folds) for run in one.runs(3))


def test_seen_laboratories_are_asked_about_the_same_neurons_among_the_same_classes() -> None:
    sets = _sets(_document())
    seen, unseen = sets["cell_class", SEEN], sets["cell_class", UNSEEN]
    asked = np.sort(np.concatenate([fold.test for fold in unseen.folds]))
    assert seen.classes == unseen.classes and np.array_equal(seen.truth, unseen.truth) and seen.hash != unseen.hash
    only_teach = {place for place, of in enumerate(LABORATORIES) if of == "odd" and CLASSES[place] == "a"}
    for folds in seen.runs(2):
        assert np.sort(np.concatenate([fold.test for fold in folds])).tolist() == asked.tolist()
        for fold in folds:
            assert not {DAYS[place] for place in fold.train} & {DAYS[place] for place in fold.test}
            assert only_teach <= set(fold.train.tolist())  # as they do where laboratories are unseen
            assert (seen.truth[fold.train] >= 0).all()
            shared = {LABORATORIES[place] for place in fold.train} & {LABORATORIES[place] for place in fold.test}
            assert shared == {LABORATORIES[place] for place in fold.test}


def test_where_the_same_classes_cannot_be_divided_the_seen_are_left_out_and_it_is_said() -> None:
    few: list[str | None] = [f"{of} + day {place % 2}" for place, of in enumerate(LABORATORIES)]
    document = _document(origins={"days": few, "dated": few}, folds=5)
    assert ("cell_class", UNSEEN) in _sets(document) and ("cell_class", SEEN) not in _sets(document)
    assert any("not all of its classes have neurons of 5 days" in text for text in document["left_out"])


def test_rare_classes_and_those_of_few_days_are_left_out_by_name() -> None:
    one_day: list[str | None] = ["odd + day" if CLASSES[place] == "d" else DAYS[place] for place in range(len(NAMES))]
    one = _sets(_document(origins={"days": one_day}, min_cells=9))["cell_class", GROUPED]
    assert "d" not in one.classes and any("too few days: d (1)" in note for note in one.notes)
    rare = _sets(_document(min_cells=15))["cell_class", GROUPED]
    assert any("d (10)" in note and "too few cells" in note for note in rare.notes)
    merged = _sets(_document(labels={"cell_class": [f"x{place % 40}" if place < 80 else "y" for place in range(120)]},
                             rare="merge"))["cell_class", GROUPED]  # fmt: skip
    assert merged.classes == ("other", "y")


def test_a_laboratory_whose_days_are_not_known_can_still_be_probed() -> None:
    days = ["small + day not known" if of == "small" else day for day, of in zip(DAYS, LABORATORIES, strict=True)]
    dated = [None if of == "small" else day for day, of in zip(DAYS, LABORATORIES, strict=True)]
    sets = _sets(_document(origins={"days": days, "dated": dated}))
    assert sets["laboratory", GROUPED].classes == ("big", "odd", "small")


def test_one_laboratory_or_none_leaves_the_folds_over_all() -> None:
    nowhere: list[str | None] = [None] * len(NAMES)
    document = _document(origins={"laboratories": nowhere, "days": nowhere, "dated": nowhere},
                         labels={"cell_class": CLASSES, "laboratory": nowhere})  # fmt: skip
    assert set(_sets(document)) == {("cell_class", GROUPED)}
    assert document["sets"][0]["facts"]["title"] == "cell class, all neurons, neuron by neuron, days not known"
    assert any(text.startswith("laboratory") for text in document["left_out"])


def test_the_hash_covers_labels_and_a_changed_document_is_refused() -> None:
    document = json.loads(json.dumps(_document()))
    other = _document(labels={"cell_class": CLASSES[::-1], "laboratory": LABORATORIES})
    assert document["hash"] != other["hash"] and document["sets"][0]["hash"] != other["sets"][0]["hash"]
    with pytest.raises(InputError, match="1 neurons are not there any more, the first cell 000"):
        thaw_protocols(document, NAMES[1:], label="folds")
    document["sets"][0]["facts"]["labels"]["cell 000"] = "b"
    with pytest.raises(InputError, match="changed after it was frozen"):
        thaw_protocols(document, NAMES, label="folds")
