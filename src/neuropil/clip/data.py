"""Pairs of views and captions, one view (or set of views) of a neuron in a batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from neuropil.captions.facts import NeuronFacts
from neuropil.captions.generator import NeuronTextGenerator
from neuropil.clip.losses import fact_mask
from neuropil.clip.text import KnownTexts
from neuropil.views.dataset import ViewDataset

Sample = tuple[int, tuple[int, ...]]
"""A neuron's index and the indices of the views that stand for it."""


class PairDataset(Dataset):
    """Views of a neuron with a caption that is drawn anew in each epoch.

    Args:
        views: the views of all neurons.
        neurons: the facts of each neuron.
        generator: draws the captions from (seed, epoch, index of the first view).
    """

    def __init__(self, views: ViewDataset, neurons: Sequence[NeuronFacts], generator: NeuronTextGenerator) -> None:
        self._views = views
        self._neurons = neurons
        self._facts = [neuron.facts() for neuron in neurons]
        self._generator = generator
        self._epoch = 0

    def __len__(self) -> int:
        return len(self._neurons)

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes: captions and augmentation change with it."""
        self._epoch = epoch
        self._views.set_epoch(epoch)

    def __getitem__(self, sample: Sample) -> dict[str, Any]:
        neuron, indices = sample
        views = [self._views[index] for index in indices]
        caption = self._generator.draw(self._neurons[neuron], epoch=self._epoch, index=indices[0])
        return {
            "image": torch.stack([view["image"] for view in views]),
            "um_per_px": torch.stack([view["um_per_px"] for view in views]),
            "caption": caption,
            "facts": self._facts[neuron],
        }


@dataclass(frozen=True)
class Collate:
    """Make a batch: `image` [B, V, 1, H, W], `um_per_px` [B, V], `text` features [B, width], `mask` bool [B, B]."""

    known: KnownTexts

    def __call__(self, samples: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        """Stack the samples; texts are encoded once each."""
        captions = [sample["caption"] for sample in samples]
        return {
            "image": torch.stack([sample["image"] for sample in samples]),
            "um_per_px": torch.stack([sample["um_per_px"] for sample in samples]),
            "text": self.known([caption.text for caption in captions]),
            "mask": fact_mask([sample["facts"] for sample in samples], [caption.facts for caption in captions]),
        }


class OneSamplePerNeuron(Sampler[list[Sample]]):
    """Batches in which no neuron stands twice; an epoch goes through every view.

    Two views of a neuron in a batch would each be a wrong negative of the other's caption. In each round
    every neuron gives its next `views_per_neuron` views; a round is cut into batches of nearly equal size.

    Args:
        views_of: for each neuron the indices of its views.
        batch_size: the largest number of neurons in a batch.
        views_per_neuron: views in a sample; a last set that is short is filled up from the first views.
        seed: with the epoch it decides the order.
        shuffle: False keeps the order of neurons and views (validation).
    """

    def __init__(
        self,
        views_of: Sequence[Sequence[int]],
        batch_size: int,
        *,
        views_per_neuron: int = 1,
        seed: int = 0,
        shuffle: bool = True,
    ) -> None:
        self._views_of = views_of
        self._batch_size = batch_size
        self._views_per_neuron = views_per_neuron
        self._seed = seed
        self._shuffle = shuffle
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes: the order changes with it."""
        self._epoch = epoch

    def __len__(self) -> int:
        sets = np.array([-(-len(views) // self._views_per_neuron) for views in self._views_of])
        rounds = [int((sets > number).sum()) for number in range(sets.max(initial=0))]
        return sum(-(-neurons // self._batch_size) for neurons in rounds)

    def __iter__(self) -> Iterator[list[Sample]]:
        rng = np.random.default_rng([self._seed, self._epoch])
        sets = [self._sets(views, rng) for views in self._views_of]
        for number in range(max((len(one) for one in sets), default=0)):
            neurons = np.array([neuron for neuron, one in enumerate(sets) if len(one) > number])
            if self._shuffle:
                rng.shuffle(neurons)
            for batch in np.array_split(neurons, -(-len(neurons) // self._batch_size)):
                yield [(int(neuron), sets[neuron][number]) for neuron in batch]

    def _sets(self, views: Sequence[int], rng: np.random.Generator) -> list[tuple[int, ...]]:
        order = [views[place] for place in rng.permutation(len(views))] if self._shuffle else list(views)
        size = self._views_per_neuron
        padded = order + [order[place % len(order)] for place in range(-len(order) % size)]
        return [tuple(padded[start : start + size]) for start in range(0, len(padded), size)]


def group_views(
    records: Sequence[Mapping[str, Any]], captions: Mapping[str, NeuronFacts]
) -> tuple[list[NeuronFacts], list[list[int]]]:
    """The neurons of a manifest, in the order of their first view, with the indices of each one's views.

    A neuron without a caption record has no facts; it is captioned "a neuron".
    """
    views_of: dict[str, list[int]] = {}
    for index, record in enumerate(records):
        views_of.setdefault(str(record["neuron_name"]), []).append(index)
    return [captions.get(name, NeuronFacts(name)) for name in views_of], list(views_of.values())
