from __future__ import annotations

import logging

import pytest

from neuropil.errors import InputError
from neuropil.rendering.manifests import make_manifests
from neuropil.statistics.splits import split_neurons

NAMES = [f"n{number}" for number in range(20)]
VIEWS = [{"neuron_name": name, "view": view, "qc": 1.0} for name in NAMES for view in range(3)]


def split(val: float = 0.2, test: float = 0.2) -> dict:
    return split_neurons(NAMES, [None] * 20, val_ratio=val, test_ratio=test, seed=0)


def test_no_neuron_is_on_two_sides_and_no_view_is_lost() -> None:
    manifests = make_manifests(VIEWS, split(), min_qc=0.7)
    neurons = [{view["neuron_name"] for view in manifest} for manifest in manifests]
    assert sum(map(len, manifests)) == len(VIEWS)
    assert len(set.union(*neurons)) == sum(map(len, neurons)) == 20


def test_a_part_of_ratio_nought_is_empty_with_its_reason() -> None:
    _, val, test = make_manifests(VIEWS, split(test=0.0), min_qc=0.7)
    assert val.reason is None
    assert test.reason == "no test views: rendering.test_ratio is 0"


def test_too_few_neurons_to_hold_back_is_said() -> None:
    few = split_neurons(["a"], [None], val_ratio=0.1, test_ratio=0.1, seed=0)
    train, val, _ = make_manifests([{"neuron_name": "a", "view": 0, "qc": 1.0}], few, min_qc=0.7)
    assert len(train) == 1
    assert "too few" in val.reason


def test_cropped_views_are_left_out_and_told(caplog: pytest.LogCaptureFixture) -> None:
    views = [{**view, "qc": 0.5} if view["view"] == 1 or view["neuron_name"] == "n3" else view for view in VIEWS]
    with caplog.at_level(logging.WARNING):
        manifests = make_manifests(views, split(), min_qc=0.7)
    assert sum(map(len, manifests)) == 38
    assert "22 views of 20 neurons" in caplog.text
    assert "1 neurons have no view left: n3" in caplog.text


def test_a_neuron_outside_the_split_is_refused() -> None:
    with pytest.raises(InputError, match="not in the split"):
        make_manifests([{"neuron_name": "stranger", "view": 0, "qc": 1.0}], split(), min_qc=0.0)


def test_views_are_streamed_and_never_held() -> None:
    class Views:
        """Each record is made when it is asked for; at most a few live at a time."""

        def __iter__(self):
            for number in range(3000):
                yield Record(neuron_name=f"n{number % 20}", view=number, qc=1.0)

    class Record(dict):
        alive = 0

        def __init__(self, **fields):
            super().__init__(**fields)
            Record.alive += 1
            assert Record.alive < 5

        def __del__(self):
            Record.alive -= 1

    manifests = make_manifests(Views(), split(), min_qc=0.7)
    assert sum(1 for manifest in manifests for _ in manifest) == 3000
    assert [len(manifest) for manifest in manifests] == [1800, 600, 600]


def test_an_iterator_of_views_is_enough() -> None:
    manifests = make_manifests(iter(VIEWS), split(), min_qc=0.7)
    assert [list(manifest) for manifest in manifests] == [list(m) for m in make_manifests(VIEWS, split(), min_qc=0.7)]


def test_views_cut_by_a_fixed_frame_are_told_with_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    make_manifests([{**view, "qc": 0.5, "frame_um": 300.0} for view in VIEWS], split(), min_qc=0.7)
    assert "frame_um cuts larger neurons" in caplog.text
