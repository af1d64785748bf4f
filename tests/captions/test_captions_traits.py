"""Bins come from the training neurons alone, and their words are true."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.captions.collect import caption_records, training_bins
from neuropil.captions.generator import NeuronTextGenerator
from neuropil.captions.traits import TRAITS, fit_bins, numbers_of, parts_of, words_of
from neuropil.errors import InputError

ROWS = [
    {"neuron_name": f"n{i}", "axon_length": float(i), "apical_length": 0.0, "n_bifs": 10.0 * i, "length": 900.0 + i}
    for i in range(10)
]
SPLIT = {"hash": "h", "parts": {"train": [f"n{i}" for i in range(6)], "val": ["n6"], "test": ["n7", "n8", "n9"]}}


def test_bins_do_not_see_validation_or_test_neurons() -> None:
    rows = {row["neuron_name"]: row for row in ROWS}
    bins = training_bins(rows, SPLIT, 25.0)
    changed = {
        name: (row if name in SPLIT["parts"]["train"] else row | {"axon_length": 1e6}) for name, row in rows.items()
    }
    assert training_bins(changed, SPLIT, 25.0) == bins
    assert (bins["neurons"], bins["split"], bins["percentile"]) == (6, "h", 25.0)


def test_a_compartment_is_binned_among_the_neurons_that_have_it() -> None:
    low, high = fit_bins(ROWS, 10)["axon"]  # n0 has no axon
    assert (low, high) == pytest.approx(tuple(np.percentile(range(1, 10), [10, 90])))
    assert "apical" not in fit_bins(ROWS, 10)
    assert parts_of(ROWS[0]) == ()
    assert parts_of(ROWS[1]) == ("axon",)
    assert "axon" not in words_of(ROWS[0], fit_bins(ROWS, 10))


@given(st.lists(st.floats(1, 1e5), min_size=2, max_size=40), st.floats(1, 49))
def test_low_words_never_stand_above_high_ones(values: list[float], percentile: float) -> None:
    rows = [{"axon_length": value} for value in values]
    bins = fit_bins(rows, percentile)
    words = [words_of(row, bins).get("axon") for row in rows]
    low = [value for value, word in zip(values, words, strict=True) if word == "sparse"]
    high = [value for value, word in zip(values, words, strict=True) if word == "extensive"]
    assert max(low, default=0) < min(high, default=np.inf)
    if not bins:
        assert set(words) == {None}


def test_missing_and_infinite_values_are_absent_and_texts_are_refused() -> None:
    assert words_of({"axon_length": float("nan"), "n_bifs": None}, {"axon": (1, 2), "branching": (1, 2)}) == {}
    assert numbers_of({}) == {}
    assert numbers_of({"n_bifs": 127.0, "length": 4212.0}) == {"branch points": "127", "total length": "4.2 mm"}
    assert numbers_of({"length": 850.4}) == {"total length": "850 um"}
    with pytest.raises(InputError, match="axon_length"):
        words_of({"axon_length": "long"}, {"axon": (1, 2)})


def test_every_trait_reads_the_table_that_is_measured() -> None:
    from neuropil.morphology.morphometry import measure
    from neuropil.morphology.tree import Neuron

    line = Neuron(
        "n", np.array([[0.0, 0, 0], [0, 5, 0]]), np.ones(2), np.array([1, 3], np.int32), np.array([-1, 0], np.int64)
    )
    assert {trait.feature for trait in TRAITS} <= measure(line).keys()


def test_a_record_is_written_for_every_neuron_of_the_split_even_without_metadata() -> None:
    rows = {row["neuron_name"]: row for row in ROWS[:9]}
    metadata = [{"neuron_name": "n0", "species": "rat"}, {"neuron_name": "elsewhere", "species": "cat"}]
    bins = training_bins(rows, SPLIT, 25.0)["bins"]
    records = list(
        caption_records(metadata, rows, SPLIT, bins, NeuronTextGenerator(), source="neuromorpho", columns={})
    )
    assert [record["neuron_name"] for record in records] == [f"n{i}" for i in range(10)]
    assert records[0]["captions"]["broad"] == "a rat neuron"
    assert records[9]["facts"] == []
    assert [record["part"] for record in records[5:8]] == ["train", "val", "test"]
