"""Data loaders whose order and augmentation depend on (seed, epoch) alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader

from neuropil.training.seeding import derived_seed


class EpochLoader:
    """A data loader that is told the epoch each time it is iterated.

    Lightning makes the first iterator of a process before it knows which epoch it resumes, so a resumed training
    would draw other batches than an undisturbed one. Here an iterator begins with its first batch: the generator
    that rules the shuffling and the seeds of the worker processes is seeded by (seed, epoch), and the dataset,
    sampler and batch sampler are told by `set_epoch(epoch)` where they have it.

    Args:
        loader: the data loader; its generator, and that of its sampler, is replaced.
        seed: the root seed.
        epoch: gives the epoch that an iterator is made for.

    Raises:
        ValueError: persistent workers hold copies of the dataset that no `set_epoch` reaches.
    """

    def __init__(self, loader: DataLoader[Any], seed: int, epoch: Callable[[], int]) -> None:
        batch_sampler = getattr(loader, "batch_sampler", None)
        candidates: list[Any] = [loader.dataset, loader.sampler, batch_sampler, getattr(batch_sampler, "sampler", None)]
        self._told = list({id(one): one for one in candidates if callable(getattr(one, "set_epoch", None))}.values())
        if loader.persistent_workers and self._told:
            raise ValueError("persistent workers would miss set_epoch; make the data loader without them")
        self._loader = loader
        self._seed = seed
        self._epoch = epoch
        self._generator = torch.Generator()
        loader.generator = self._generator
        for sampler in candidates[1:]:
            if hasattr(sampler, "generator"):
                sampler.generator = self._generator

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator[Any]:
        epoch = self._epoch()
        self._generator.manual_seed(derived_seed(self._seed, "batches", epoch))
        for one in self._told:
            one.set_epoch(epoch)
        yield from self._loader
