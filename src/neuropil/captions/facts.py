"""What is known of a neuron, as facts that a caption can state and that are either true or not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Facts = frozenset[str]
"""Facts as plain strings, `kind:value` ("class:basket", "layer:4", "axon:sparse", "branch points:127")."""


@dataclass(frozen=True)
class NeuronFacts:
    """A neuron's facts in the form that sentences are made of. What is unknown is absent, never a filler.

    Attributes:
        name: the neuron's name; it is no fact, no caption states it.
        species: "rat".
        cell_class: the specific class ("basket", "pyramidal").
        groups: the broad classes ("interneuron", "principal cell").
        regions: brain regions from the widest to the narrowest, without the layer.
        layer: "4", "2/3".
        parts: compartments that were traced: "axon", "apical dendrite".
        traits: a bin's word for each morphometric trait that lies in an outer bin ("axon" -> "sparse").
        numbers: measured values as they are stated ("branch points" -> "127", "total length" -> "4.2 mm").
        labels: other labels of the metadata ("mtype" -> "L4_PC"): scored, never stated.
    """

    name: str
    species: str | None = None
    cell_class: str | None = None
    groups: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    layer: str | None = None
    parts: tuple[str, ...] = ()
    traits: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    def facts(self) -> Facts:
        """Everything that is true of the neuron and can be stated."""
        single = [("species", self.species), ("class", self.cell_class), ("layer", self.layer)]
        several = [("group", self.groups), ("region", self.regions), ("has", self.parts)]
        named = [*self.traits.items(), *self.numbers.items()]
        return frozenset(
            [fact(kind, value) for kind, value in single if value is not None]
            + [fact(kind, value) for kind, values in several for value in values]
            + [fact(kind, value) for kind, value in named]
        )

    def label(self, task: str) -> str | None:
        """The value of a classification task.

        Args:
            task: "cell_class", "layer", "species", "region" (the narrowest), "layer_class" (both together), or
                the name of a metadata label ("mtype").
        """
        if task == "region":
            return self.regions[-1] if self.regions else None
        if task == "layer_class":
            return f"layer {self.layer} {self.cell_class}" if self.layer and self.cell_class else None
        if task in ("cell_class", "layer", "species"):
            value: str | None = getattr(self, task)
            return value
        return self.labels.get(task)

    def record(self) -> dict[str, Any]:
        """The facts as a JSON object; absent facts are left out."""
        fields = {
            "species": self.species,
            "cell_class": self.cell_class,
            "groups": list(self.groups),
            "regions": list(self.regions),
            "layer": self.layer,
            "parts": list(self.parts),
            "traits": dict(self.traits),
            "numbers": dict(self.numbers),
            "labels": dict(self.labels),
        }
        return {"neuron_name": self.name} | {key: value for key, value in fields.items() if value}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> NeuronFacts:
        """Read what `record` wrote; other keys are passed over."""
        return cls(
            name=str(record["neuron_name"]),
            species=record.get("species"),
            cell_class=record.get("cell_class"),
            groups=tuple(record.get("groups", ())),
            regions=tuple(record.get("regions", ())),
            layer=record.get("layer"),
            parts=tuple(record.get("parts", ())),
            traits=dict(record.get("traits", {})),
            numbers=dict(record.get("numbers", {})),
            labels=dict(record.get("labels", {})),
        )


def fact(kind: str, value: str) -> str:
    """One fact as a string; letter case makes no difference."""
    return f"{kind}:{value}".casefold()


def true_of(caption_facts: Iterable[str], neuron_facts: Iterable[str]) -> bool:
    """Whether all facts of a caption hold for a neuron (a caption without facts holds for every neuron)."""
    return frozenset(caption_facts) <= frozenset(neuron_facts)
