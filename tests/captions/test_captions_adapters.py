"""Metadata in any order become the same facts; fillers are not facts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.captions.adapters import adapt, neuromorpho, parse_layer
from neuropil.captions.facts import NeuronFacts, fact, true_of
from neuropil.errors import InputError

REAL = {
    "neuron_name": "010626DS1",
    "archive": "Staiger",
    "species": "rat",
    "brain_region": ["neocortex", "somatosensory", "layer 4"],
    "cell_type": ["pyramidal", "principal cell"],
    "mtype": "L4_PC",
}


def test_a_real_record_gives_its_facts_and_not_its_laboratory() -> None:
    neuron = neuromorpho(REAL)
    assert neuron.facts() == {
        "species:rat",
        "class:pyramidal",
        "group:principal cell",
        "region:neocortex",
        "region:somatosensory",
        "layer:4",
    }
    assert neuron.labels == {"mtype": "L4_PC"}
    assert neuron.label("mtype") == "L4_PC"
    assert neuron.label("layer_class") == "layer 4 pyramidal"
    assert "staiger" not in str(neuron.record()).casefold()


@given(st.permutations(["Local projecting", "pyramidal", "principal cell", "Parvalbumin (PV)-positive"]))
def test_the_class_is_found_wherever_it_stands(cell_type: list[str]) -> None:
    neuron = neuromorpho({"neuron_name": "x", "cell_type": cell_type})
    assert (neuron.cell_class, neuron.groups) == ("pyramidal", ("principal cell",))


@pytest.mark.parametrize("filler", ["Not reported", "", "None", None, "unknown", [], ["Not applicable"], float("nan")])
def test_fillers_are_absent(filler: object) -> None:
    neuron = neuromorpho({"neuron_name": "x", "species": filler, "cell_type": filler, "brain_region": filler})
    assert neuron == NeuronFacts("x")


@pytest.mark.parametrize(
    ("text", "layer"),
    [
        ("layer 4", "4"),
        ("Layer 2-3", "2/3"),
        ("2/3", "2/3"),
        ("L5", "5"),
        ("6a", "6a"),
        ("cortical layer 1", "1"),
        ("ganglion cell layer", None),
        ("CA1", None),
        ("layer 9", None),
        ("neocortex", None),
    ],
)
def test_layers_are_read(text: str, layer: str | None) -> None:
    assert parse_layer(text) == layer


def test_a_number_is_a_layer_in_the_layer_field() -> None:
    assert neuromorpho({"neuron_name": "x", "layer": 5}).layer == "5"


def test_common_words_are_lower_case_and_names_are_kept() -> None:
    record = {"neuron_name": "x", "species": "Mouse", "cell_type": ["Purkinje"], "brain_region": ["Cerebellum", "VISp"]}
    neuron = neuromorpho(record)
    assert (neuron.species, neuron.cell_class, neuron.regions) == ("mouse", "Purkinje", ("cerebellum", "VISp"))


def test_custom_columns_are_read_and_wrong_ones_refused() -> None:
    record = {"neuron_name": "x", "organism": "mouse", "type": "basket; interneuron", "layer": "2-3"}
    neuron = adapt(record, "custom", {"species": "organism", "cell_type": "type"})
    assert neuron.facts() == {"species:mouse", "class:basket", "group:interneuron", "layer:2/3"}
    with pytest.raises(InputError, match="colour"):
        adapt(record, "custom", {"colour": "type"})


def test_records_round_trip() -> None:
    neuron = neuromorpho(REAL)
    assert NeuronFacts.from_record(neuron.record()) == neuron


def test_true_of_is_subset_and_ignores_case() -> None:
    assert fact("class", "Basket") == "class:basket"
    assert true_of([], ["a"])
    assert true_of(["a"], ["a", "b"])
    assert not true_of(["a", "c"], ["a", "b"])
