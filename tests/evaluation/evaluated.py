"""Neurons with embeddings that are made so that the answer is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuropil.captions.facts import NeuronFacts
from neuropil.clip.parameters import ClipParameters
from neuropil.evaluation.score import Scored

CLASSES = ("basket", "Martinotti", "pyramidal", "chandelier")


class WordModel:
    """A stand-in for the text tower: a text lies where its class lies."""

    text_encoder = "words"
    parameters = ClipParameters()

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        counts = np.array([[name in text for name in CLASSES] for text in texts], dtype=np.float32)
        return (counts + 0.01) / np.linalg.norm(counts + 0.01, axis=1, keepdims=True)

    def embed_prompts(self, prompts: Sequence[Sequence[str]]) -> np.ndarray:
        means = np.stack([self.embed_texts(texts).mean(0) for texts in prompts])
        return means / np.linalg.norm(means, axis=1, keepdims=True)


def neurons(n: int) -> list[NeuronFacts]:
    return [NeuronFacts(f"n{i}", species="rat", cell_class=CLASSES[i % 4], layer="4") for i in range(n)]


def scored(n: int = 48, noise: float = 0.05) -> Scored:
    rng = np.random.default_rng(0)
    vectors = np.eye(4)[np.arange(n) % 4] + rng.normal(0, noise, (n, 4))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    parts = ["train" if i < n // 2 else "test" for i in range(n)]
    return Scored(neurons(n), parts, unit, rng.normal(size=(n, 6)), rng.normal(size=(n, 3)), split="hash", seed=1)
