"""Captions state only what is true, in correct English, and the same draw gives the same caption."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from captions.known_neurons import neurons, pyramidal
from neuropil.captions.english import class_noun, listed, region_phrase, with_article
from neuropil.captions.facts import NeuronFacts, true_of
from neuropil.captions.generator import LEVELS, WEIGHTS, NeuronTextGenerator


@given(neurons(), st.sampled_from(LEVELS), st.integers(0, 50), st.booleans())
def test_every_stated_fact_is_true_and_nothing_missing_is_printed(
    neuron: NeuronFacts, level: str, seed: int, numbers: bool
) -> None:
    generator = NeuronTextGenerator(numbers=numbers)
    for caption in (generator.at_level(neuron, level, np.random.default_rng(seed)), generator.full(neuron, level)):
        assert true_of(caption.facts, neuron.facts())
        assert not re.search(r"none|nan|unknown|  | $|\{|\}", caption.text, re.IGNORECASE)
        assert re.match(r"an? \S", caption.text)


@given(neurons(), st.sampled_from(LEVELS), st.integers(0, 50))
def test_every_word_of_a_stated_fact_stands_in_the_sentence(neuron: NeuronFacts, level: str, seed: int) -> None:
    caption = NeuronTextGenerator().at_level(neuron, level, np.random.default_rng(seed))
    for fact in caption.facts:
        value = fact.split(":", 1)[1]
        assert value in caption.text.casefold()


def test_the_guides_levels_read_as_in_the_guide() -> None:
    generator = NeuronTextGenerator()
    texts = {level: generator.full(pyramidal(), level).text for level in LEVELS}
    assert texts == {
        "broad": "a rat neuron",
        "standard": "a rat pyramidal neuron from somatosensory cortex",
        "detailed": "a rat layer 5 pyramidal neuron from somatosensory cortex "
        "with an extensive apical dendrite and a sparse axon",
        "morphometric": "a rat layer 5 pyramidal neuron from somatosensory cortex "
        "with 127 branch points and total length 4.2 mm",
    }


def test_a_neuron_without_facts_is_a_neuron() -> None:
    for level in LEVELS:
        caption = NeuronTextGenerator().full(NeuronFacts("x"), level)
        assert caption.text == "a neuron"
        assert caption.facts == frozenset()


def test_draws_depend_on_seed_epoch_and_index_alone() -> None:
    first, second = NeuronTextGenerator(seed=3), NeuronTextGenerator(seed=3)
    drawn = [first.draw(pyramidal(), epoch=epoch, index=index) for epoch in range(5) for index in range(5)]
    again = [second.draw(pyramidal(), epoch=epoch, index=index) for epoch in range(5) for index in range(5)]
    assert drawn == again
    assert len({caption.text for caption in drawn}) > 5
    other = [NeuronTextGenerator(seed=4).draw(pyramidal(), epoch=e, index=i) for e in range(5) for i in range(5)]
    assert drawn != other


def test_levels_are_drawn_as_often_as_the_guide_says() -> None:
    generator = NeuronTextGenerator()
    drawn = [generator.draw(pyramidal(), epoch=0, index=index).level for index in range(3000)]
    for level in LEVELS:
        assert drawn.count(level) / len(drawn) == pytest.approx(WEIGHTS[level], abs=0.03)


def test_weights_that_sum_to_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="weights"):
        NeuronTextGenerator({"broad": 0.0})


@pytest.mark.parametrize(
    ("phrase", "wanted"),
    [
        ("rat neuron", "a rat neuron"),
        ("interneuron", "an interneuron"),
        ("extensive axon", "an extensive axon"),
        ("unipolar brush cell", "a unipolar brush cell"),
        ("L5 ET neuron", "an L5 ET neuron"),
        ("VISp neuron", "a VISp neuron"),
        ("SST neuron", "an SST neuron"),
        ("human neuron", "a human neuron"),
    ],
)
def test_articles_follow_the_sound(phrase: str, wanted: str) -> None:
    assert with_article(phrase) == wanted


def test_lists_and_nouns() -> None:
    assert [listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
    assert [class_noun(name) for name in ("pyramidal", "basket", "retinal ganglion", "amacrine cell")] == [
        "pyramidal neuron",
        "basket cell",
        "retinal ganglion cell",
        "amacrine cell",
    ]
    assert region_phrase(["neocortex", "motor"]) == "motor cortex"
    assert region_phrase(["neocortex", "VISp"]) == "VISp"
    assert region_phrase(["hippocampus", "CA1"]) == "CA1"
    assert region_phrase(["cerebellum", "Purkinje layer"]) == "the Purkinje layer"
