"""Ask for neurons in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neuropil.captions.facts import NeuronFacts
from neuropil.captions.generator import NeuronTextGenerator
from neuropil.clip.model import load_clip
from neuropil.errors import InputError
from neuropil.search.index import open_index, records_at


@dataclass(frozen=True)
class Hit:
    """A neuron that was found.

    Attributes:
        rank: from 1.
        neuron_name: its name.
        similarity: cosine between the text's and the neuron's embedding, in [-1, 1].
        description: what is known of it, as a sentence.
        part: the part of the split it is in; the towers were trained on "train".
    """

    rank: int
    neuron_name: str
    similarity: float
    description: str
    part: str


def query(index_folder: Path | str, text: str, k: int = 10, *, checkpoint: Path | None = None) -> list[Hit]:
    """The k neurons nearest to a text, best first; all of them where there are fewer.

    Args:
        index_folder: the search store (the catalog's `search_store`).
        text: a description ("a layer 5 pyramidal neuron with an extensive apical dendrite").
        k: how many.
        checkpoint: the CLIP checkpoint; None takes the one that made the index.

    Raises:
        InputError: the text is empty, k is below 1, there is no index, or another checkpoint made it.
    """
    if not text.strip():
        raise InputError("search: the text is empty; describe a neuron, for instance 'a basket cell'")
    if k < 1:
        raise InputError(f"search: k={k}; ask for one neuron at least")
    index = open_index(Path(index_folder), checkpoint)
    similarity = np.asarray(index.vectors @ load_clip(index.checkpoint).embed_texts([text])[0])
    places = np.argsort(-similarity, kind="stable")[:k]
    sentences = NeuronTextGenerator(most_traits=3)
    return [
        Hit(
            rank=rank,
            neuron_name=str(record["neuron_name"]),
            similarity=float(similarity[place]),
            description=sentences.full(NeuronFacts.from_record(record), "detailed").text,
            part=str(record.get("part", "")),
        )
        for rank, (place, record) in enumerate(zip(places, records_at(index, places), strict=True), 1)
    ]
