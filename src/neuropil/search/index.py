"""The search index: embeddings, names and facts of neurons, and the checkpoint that made them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuropil.captions.facts import NeuronFacts
from neuropil.errors import InputError
from neuropil.work.atomic import atomic_path
from neuropil.work.index import read_lines, write_lines
from neuropil.work.keys import file_digest

if TYPE_CHECKING:
    import pandas as pd

VERSION = 1
_FOLDER = "index"
_VECTORS, _NEURONS, _ABOUT = "embeddings.npy", "neurons.jsonl", "about.json"


@dataclass(frozen=True)
class SearchIndex:
    """An index as it is read: vectors stay on disk and are mapped.

    Attributes:
        vectors: unit vectors [n, D], float32.
        neurons: where the record of each is: a JSON lines file in the same order.
        checkpoint: the CLIP checkpoint that made the vectors.
    """

    vectors: NDArray[np.float32]
    neurons: Path
    checkpoint: Path


def build_index(
    embeddings: pd.DataFrame, captions: Mapping[str, NeuronFacts], checkpoint: Path, store: Path
) -> dict[str, Any]:
    """Write the index into `store`, whole or not at all; what stood there is replaced.

    Args:
        embeddings: table with neuron_name, part and embedding.
        captions: neuron name -> facts.
        checkpoint: the file whose towers made the embeddings.
        store: the folder for the index.

    Returns:
        What the index says of itself: neurons, dimensions, checkpoint (relative to `store`) and its digest.
    """
    vectors = np.stack(list(embeddings["embedding"])).astype(np.float32)
    about = {
        "version": VERSION,
        "neurons": len(vectors),
        "dimensions": int(vectors.shape[1]),
        "checkpoint": os.path.relpath(checkpoint.resolve(), store.resolve()),
        "checkpoint_digest": file_digest(checkpoint),
    }
    with atomic_path(store / _FOLDER, folder=True) as part:
        np.save(part / _VECTORS, vectors)
        write_lines(
            part / _NEURONS,
            (
                captions.get(name, NeuronFacts(name)).record() | {"part": piece}
                for name, piece in zip(embeddings["neuron_name"], embeddings["part"], strict=True)
            ),
        )
        (part / _ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    return about


def open_index(store: Path, checkpoint: Path | None = None) -> SearchIndex:
    """Open the index of a folder.

    Args:
        store: the folder that `build_index` wrote into.
        checkpoint: the checkpoint to embed texts with; None takes the one the index names.

    Raises:
        InputError: there is no index, it is damaged, or another checkpoint made it.
    """
    folder = Path(store) / _FOLDER
    if not (folder / _ABOUT).is_file():
        raise InputError(
            f"{store}: no search index; run `kedro run` (or its pipeline evaluation with --tags infer) first"
        )
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        vectors = np.load(folder / _VECTORS, mmap_mode="r", allow_pickle=False)
        named, digest, version = Path(about["checkpoint"]), about["checkpoint_digest"], about["version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder}: damaged ({error}); build it anew with the pipeline evaluation") from error
    checkpoint = checkpoint or Path(os.path.normpath(Path(store).resolve() / named))
    if not checkpoint.is_file():
        raise InputError(f"{checkpoint}: the checkpoint that made the index of {store} is gone; train or index again")
    if version != VERSION or file_digest(checkpoint) != digest:
        raise InputError(
            f"{store}: its index was made by another checkpoint than {checkpoint}; "
            "build it anew with `kedro run --pipeline evaluation --tags infer`"
        )
    return SearchIndex(vectors, folder / _NEURONS, checkpoint)


def records_at(index: SearchIndex, places: NDArray[np.int64]) -> list[dict[str, Any]]:
    """The neurons' records at some places of the index, in the order of `places`; reads the file once."""
    wanted = set(places.tolist())
    found = {place: dict(record) for place, record in enumerate(read_lines(index.neurons)) if place in wanted}
    return [found[place] for place in places.tolist()]
