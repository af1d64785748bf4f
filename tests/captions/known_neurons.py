"""Neurons with facts, for captions."""

from __future__ import annotations

from hypothesis import strategies as st

from neuropil.captions.facts import NeuronFacts
from neuropil.captions.traits import PARTS, TRAITS

WORDS = {trait.name: (trait.low, trait.high) for trait in TRAITS}


def pyramidal() -> NeuronFacts:
    return NeuronFacts(
        name="p1",
        species="rat",
        cell_class="pyramidal",
        groups=("principal cell",),
        regions=("neocortex", "somatosensory"),
        layer="5",
        parts=("apical dendrite", "axon"),
        traits={"apical": "extensive", "axon": "sparse", "branching": "many"},
        numbers={"branch points": "127", "total length": "4.2 mm"},
    )


@st.composite
def neurons(draw: st.DrawFn) -> NeuronFacts:
    """Any neuron, with any of its facts missing."""
    text = st.sampled_from(
        ["pyramidal", "basket", "Martinotti", "Purkinje", "amacrine cell", "L5 ET", "unipolar brush"]
    )
    parts = draw(st.lists(st.sampled_from(sorted(PARTS)), unique=True))
    fits = {trait.name: trait.part is None or trait.part in parts for trait in TRAITS}
    traits = {name: draw(st.sampled_from(words)) for name, words in WORDS.items() if fits[name] and draw(st.booleans())}
    numbers = {"branch points": "12", "total length": "850 um"}
    return NeuronFacts(
        name="n",
        species=draw(st.none() | st.sampled_from(["rat", "mouse", "human", "elephant"])),
        cell_class=draw(st.none() | text),
        groups=tuple(draw(st.lists(st.sampled_from(["interneuron", "principal cell"]), unique=True))),
        regions=tuple(draw(st.lists(st.sampled_from(["neocortex", "visual", "VISp", "CA1"]), unique=True))),
        layer=draw(st.none() | st.sampled_from(["1", "2/3", "4", "6a"])),
        parts=tuple(parts),
        traits=traits,
        numbers={name: value for name, value in numbers.items() if draw(st.booleans())},
    )
