"""Randomness as a function of names: the same seed and names give the same numbers in any process."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def derived_seed(seed: int, *names: int | str) -> int:
    """A seed in [0, 2^63) for a purpose, from the root seed and what names the purpose ("epoch", 3)."""
    text = "/".join(str(part) for part in (seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


@contextmanager
def seeded(seed: int, *names: int | str) -> Iterator[None]:
    """Run a block (the construction of a network, say) under a derived torch seed; the global state is restored.

    >>> with seeded(7, "vae", "weights"):
    ...     network = build()
    """
    with torch.random.fork_rng():
        torch.manual_seed(derived_seed(seed, *names))
        yield
