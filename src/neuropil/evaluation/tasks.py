"""Classification tasks: which label, which classes, which neurons, and how a class is said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuropil.captions.english import class_noun, region_phrase, with_article
from neuropil.captions.facts import NeuronFacts

TITLES = {
    "cell_class": "cell class",
    "layer": "layer",
    "region": "region",
    "species": "species",
    "layer_class": "layer and cell class",
}


@dataclass(frozen=True)
class Task:
    """A label with the classes that have enough test neurons.

    Attributes:
        label: the label's name ("cell_class").
        classes: the values kept, in the order of the alphabet.
        phrases: a noun phrase for each class, without an article ("basket cell").
        train, test: indices of the neurons of each part whose value is kept.
        train_labels, test_labels: their class indices.
        left_out: value -> test neurons, of values with too few of them.
        unlabelled: test neurons without a value.
    """

    label: str
    classes: tuple[str, ...]
    phrases: tuple[str, ...]
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    train_labels: NDArray[np.int64]
    test_labels: NDArray[np.int64]
    left_out: dict[str, int]
    unlabelled: int

    @property
    def title(self) -> str:
        """The label as it is said."""
        return TITLES.get(self.label, self.label)

    @property
    def problem(self) -> str | None:
        """Why the task cannot be scored; None where it can."""
        if len(self.classes) < 2:
            few = f", {len(self.left_out)} more with too few test neurons" if self.left_out else ""
            return f"{len(self.classes)} value of {self.title} among the test neurons{few}: nothing to tell apart"
        return None


def make_task(label: str, neurons: Sequence[NeuronFacts], parts: Sequence[str], *, min_test: int) -> Task:
    """The task of a label over neurons whose part of the split ("train", "val", "test") is given."""
    values = [neuron.label(label) for neuron in neurons]
    in_test = Counter(value for value, part in zip(values, parts, strict=True) if part == "test" and value is not None)
    classes = sorted(value for value, count in in_test.items() if count >= min_test)
    number = {value: index for index, value in enumerate(classes)}
    chosen = {
        part: [index for index, value in enumerate(values) if parts[index] == part and value in number]
        for part in ("train", "test")
    }
    first = {value: next(neuron for neuron in neurons if neuron.label(label) == value) for value in classes}
    return Task(
        label=label,
        classes=tuple(classes),
        phrases=tuple(noun_phrase(first[value], label) for value in classes),
        train=np.array(chosen["train"], dtype=np.int64),
        test=np.array(chosen["test"], dtype=np.int64),
        train_labels=np.array([number[values[index] or ""] for index in chosen["train"]], dtype=np.int64),
        test_labels=np.array([number[values[index] or ""] for index in chosen["test"]], dtype=np.int64),
        left_out={value: count for value, count in sorted(in_test.items()) if count < min_test},
        unlabelled=sum(value is None and part == "test" for value, part in zip(values, parts, strict=True)),
    )


def noun_phrase(neuron: NeuronFacts, label: str) -> str:
    """How the value of a label is said, as a noun without an article ("layer 4 neuron")."""
    value = neuron.label(label) or ""
    if label == "cell_class":
        return class_noun(value)
    if label == "layer":
        return f"layer {value} neuron"
    if label == "region":
        return f"neuron from {region_phrase(neuron.regions)}"
    if label == "layer_class":
        return f"layer {neuron.layer} {class_noun(neuron.cell_class or '')}"
    return f"{value} neuron"


def prompts(phrase: str, templates: Sequence[str]) -> list[str]:
    """The templates filled with a noun phrase; "a {}" becomes "an {}" where the sound asks for it."""
    return [
        template.replace("a {}", with_article(phrase)) if "a {}" in template else template.replace("{}", phrase)
        for template in templates
    ]
