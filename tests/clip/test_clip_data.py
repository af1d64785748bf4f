"""No neuron stands twice in a batch, every view is used, and epochs repeat exactly."""

from __future__ import annotations

from pathlib import Path

import torch
from hypothesis import given
from hypothesis import strategies as st

from clip.tiny_clip import WordCounts, facts_of, write_views
from neuropil.captions.generator import NeuronTextGenerator
from neuropil.clip.data import Collate, OneSamplePerNeuron, PairDataset, group_views
from neuropil.clip.text import KnownTexts
from neuropil.views.dataset import ViewDataset

COUNTS = st.lists(st.integers(1, 6), min_size=1, max_size=12)


def _views_of(counts: list[int]) -> list[list[int]]:
    starts = [sum(counts[:place]) for place in range(len(counts))]
    return [list(range(start, start + count)) for start, count in zip(starts, counts, strict=True)]


@given(COUNTS, st.integers(2, 5), st.integers(1, 3), st.integers(0, 9), st.booleans())
def test_a_batch_holds_each_neuron_once_and_an_epoch_every_view(
    counts: list[int], batch_size: int, views: int, epoch: int, shuffle: bool
) -> None:
    sampler = OneSamplePerNeuron(_views_of(counts), batch_size, views_per_neuron=views, seed=1, shuffle=shuffle)
    sampler.set_epoch(epoch)
    batches = list(sampler)
    assert len(batches) == len(sampler)
    for batch in batches:
        neurons = [neuron for neuron, _ in batch]
        assert len(set(neurons)) == len(neurons) <= batch_size
        assert all(len(indices) == views for _, indices in batch)
    assert {index for batch in batches for _, indices in batch for index in indices} == set(range(sum(counts)))
    for neuron, indices in (sample for batch in batches for sample in batch):
        assert set(indices) <= set(_views_of(counts)[neuron])


@given(COUNTS)
def test_the_order_is_a_function_of_seed_and_epoch(counts: list[int]) -> None:
    def order(seed: int, epoch: int) -> list:
        sampler = OneSamplePerNeuron(_views_of(counts), 3, seed=seed)
        sampler.set_epoch(epoch)
        return list(sampler)

    assert order(1, 2) == order(1, 2)


def test_epochs_differ() -> None:
    sampler = OneSamplePerNeuron(_views_of([4] * 8), 4, seed=1)
    first = list(sampler)
    sampler.set_epoch(1)
    assert list(sampler) != first


def test_a_batch_has_the_mask_of_its_captions_and_texts_are_encoded_once(tmp_path: Path) -> None:
    records = write_views(tmp_path, range(6))
    neurons, views_of = group_views(records, {f"n{i}": facts_of(i) for i in range(6)})
    encoder = WordCounts()
    pairs = PairDataset(ViewDataset(records, tmp_path), neurons, NeuronTextGenerator(seed=1))
    collate = Collate(KnownTexts(encoder))
    for epoch in range(3):
        pairs.set_epoch(epoch)
        for batch in OneSamplePerNeuron(views_of, 6, seed=1):
            samples = [pairs[sample] for sample in batch]
            made = collate(samples)
            assert made["image"].shape == (6, 1, 1, 32, 32)
            assert made["um_per_px"].shape == (6, 1)
            assert made["mask"].diagonal().all()
            for i, neuron in enumerate(samples):
                for j, other in enumerate(samples):
                    assert made["mask"][i, j] == (other["caption"].facts <= neuron["facts"])
    assert len(encoder.encoded) == len(set(encoder.encoded))


def test_known_texts_forget_the_oldest_and_stay_right() -> None:
    encoder = WordCounts()
    known = KnownTexts(encoder, most=2)
    texts = ["a b", "c", "a b", "d", "e"]
    assert torch.equal(known(texts), WordCounts().encode(texts))
    assert torch.equal(known(["a b"]), WordCounts().encode(["a b"]))


def test_a_neuron_without_captions_is_a_neuron(tmp_path: Path) -> None:
    neurons, views_of = group_views(write_views(tmp_path, [3]), {})
    assert neurons[0].facts() == frozenset()
    assert views_of == [[0, 1]]
