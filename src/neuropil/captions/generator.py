"""NeuronTextGenerator: captions at four levels of detail, each with the facts it states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from neuropil.captions.english import class_noun, group_noun, listed, region_phrase, with_article
from neuropil.captions.facts import NeuronFacts, fact
from neuropil.captions.traits import PARTS, TRAITS

if TYPE_CHECKING:
    import numpy as np

VERSION = 1
Level = Literal["broad", "standard", "detailed", "morphometric"]
LEVELS: tuple[Level, ...] = get_args(Level)
WEIGHTS: Mapping[str, float] = {"broad": 0.1, "standard": 0.3, "detailed": 0.4, "morphometric": 0.2}
_NUMBERS = {"branch points": "{} branch points", "total length": "total length {}"}


@dataclass(frozen=True)
class Caption:
    """A sentence about a neuron, the level it was made at, and the facts it states."""

    text: str
    level: Level
    facts: frozenset[str]


class NeuronTextGenerator:
    """Draws a caption for a sample; the same (seed, epoch, index) always gives the same one.

    Levels: broad ("a mouse neuron"), standard ("a mouse pyramidal neuron from visual cortex"), detailed (with
    layer and bins: "... with an extensive apical dendrite"), morphometric (with measured numbers: "... with
    127 branch points and total length 4.2 mm"). A fact that is missing is left out of the sentence.

    Args:
        weights: how often each level is drawn; they are normalised.
        seed: root of all draws.
        most_traits: the largest number of traits that one caption states.
        numbers: state measured numbers at the morphometric level; otherwise it states more bins instead, which
            a frozen sentence encoder tells apart better than numbers.
    """

    def __init__(
        self, weights: Mapping[str, float] = WEIGHTS, *, seed: int = 0, most_traits: int = 2, numbers: bool = True
    ) -> None:
        total = sum(weights.get(level, 0.0) for level in LEVELS)
        if total <= 0:
            raise ValueError("the weights of the caption levels sum to nothing")
        self._weights = [weights.get(level, 0.0) / total for level in LEVELS]
        self._seed = seed
        self._most_traits = most_traits
        self._numbers = numbers

    def draw(self, neuron: NeuronFacts, *, epoch: int, index: int) -> Caption:
        """The caption of sample `index` in `epoch`."""
        import numpy as np

        rng = np.random.default_rng([self._seed, epoch, index])
        level = LEVELS[int(rng.choice(len(LEVELS), p=self._weights))]
        return self.at_level(neuron, level, rng)

    def at_level(self, neuron: NeuronFacts, level: Level, rng: np.random.Generator) -> Caption:
        """A caption of a given level; which of the neuron's facts it states is drawn from `rng`."""
        sentence = _Sentence(neuron)
        if level == "broad":
            sentence.subject(species=True, group=bool(rng.random() < 0.3))
            return sentence.caption(level)
        # Leaving some facts out now and then teaches the short forms that people ask with ("a layer 4 neuron").
        species, cell_class, region = (bool(chance < 0.75) for chance in rng.random(3))
        if level == "standard":
            sentence.subject(species=species, cell_class=cell_class)
            sentence.region(wanted=region or not cell_class)
            return sentence.caption(level)
        sentence.subject(species=species, cell_class=cell_class, layer=True)
        sentence.region(wanted=region)
        most = self._most_traits
        if level == "morphometric":
            if self._numbers:
                sentence.numbers()
                return sentence.caption(level)
            most += 2
        sentence.traits(rng, most)
        return sentence.caption(level)

    def full(self, neuron: NeuronFacts, level: Level) -> Caption:
        """The caption of a level that depends on the neuron alone: what evaluation asks with."""
        sentence = _Sentence(neuron)
        sentence.subject(species=True, cell_class=level != "broad", layer=level in ("detailed", "morphometric"))
        sentence.region(wanted=level != "broad")
        if level == "detailed":
            sentence.traits(None, self._most_traits)
        if level == "morphometric" and self._numbers:
            sentence.numbers()
        elif level == "morphometric":
            sentence.traits(None, self._most_traits + 2)
        return sentence.caption(level)


class _Sentence:
    """A caption in the making: every phrase is added together with the facts it states."""

    def __init__(self, neuron: NeuronFacts) -> None:
        self._neuron = neuron
        self._facts: set[str] = set()
        self._subject = "neuron"
        self._from = ""
        self._with: list[str] = []

    def subject(self, *, species: bool, cell_class: bool = False, group: bool = False, layer: bool = False) -> None:
        """Say what the neuron is, by those of the asked facts that are known."""
        neuron, words = self._neuron, []
        if species and neuron.species:
            words.append(self._state("species", neuron.species))
        if layer and neuron.layer:
            words.append(f"layer {self._state('layer', neuron.layer)}")
        if cell_class and neuron.cell_class:
            words.append(class_noun(self._state("class", neuron.cell_class)))
        elif (cell_class or group) and neuron.groups:
            words.append(group_noun(self._state("group", neuron.groups[0])))
        else:
            words.append("neuron")
        self._subject = " ".join(words)

    def region(self, *, wanted: bool) -> None:
        if wanted and self._neuron.regions:
            self._state("region", self._neuron.regions[-1])
            self._from = f" from {region_phrase(self._neuron.regions)}"

    def traits(self, rng: np.random.Generator | None, most: int) -> None:
        """Add up to `most` trait phrases: drawn, or without an rng those in an outer bin, in the order of `TRAITS`."""
        neuron = self._neuron
        known = [trait for trait in TRAITS if trait.name in neuron.traits or trait.part in neuron.parts]
        if rng is None:
            known.sort(key=lambda trait: trait.name not in neuron.traits)
        elif len(known) > most:
            chosen = sorted(rng.choice(len(known), size=most, replace=False))
            known = [known[index] for index in chosen]
        for trait in known[:most]:
            word = neuron.traits.get(trait.name)
            if word is not None:
                self._state(trait.name, word)
            if trait.part is not None and trait.part in PARTS:
                self._state("has", trait.part)
            phrase = trait.phrase.format(word or "").strip()
            self._with.append(phrase if phrase.endswith("s") else with_article(phrase))

    def numbers(self) -> None:
        for name, phrase in _NUMBERS.items():
            if name in self._neuron.numbers:
                self._with.append(phrase.format(self._state(name, self._neuron.numbers[name])))

    def caption(self, level: Level) -> Caption:
        tail = f" with {listed(self._with)}" if self._with else ""
        return Caption(with_article(self._subject) + self._from + tail, level, frozenset(self._facts))

    def _state(self, kind: str, value: str) -> str:
        """Record that the sentence states a fact; return the value for use in a phrase."""
        self._facts.add(fact(kind, value))
        return value
