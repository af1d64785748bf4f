"""Embeddings of all neurons: views through the image tower, pooled per neuron."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from neuropil.clip.model import ClipModel
from neuropil.compute import ComputeParameters
from neuropil.errors import InputError
from neuropil.views.access import ViewAccess
from neuropil.work.atomic import atomic_path
from neuropil.work.items import Item, run_items
from neuropil.work.keys import content_key
from neuropil.work.ledger import Entry, Ledger

if TYPE_CHECKING:
    import pandas as pd

VERSION = 1
_CHUNK = 64  # neurons in one item of work
Record = Mapping[str, Any]


def embed_neurons(
    records: Iterable[Record],
    views: ViewAccess,
    *,
    model: ClipModel,
    checkpoint: str,
    parts: Mapping[str, str],
    pooling: Literal["mean", "max"],
    batch_size: int,
    store: Path,
) -> pd.DataFrame:
    """Embed every neuron that has views, in chunks of 64; chunks that are done are not done again.

    Args:
        records: of the manifests; those of a neuron stand together.
        views: where the views come from.
        model: the trained towers.
        checkpoint: digest of the model's file.
        parts: neuron name -> part of the split.
        pooling: how the embeddings of a neuron's views become one.
        batch_size: views embedded at a time.
        store: where chunks and their ledger are kept.

    Returns:
        A table with columns neuron_name, part, views (their number), embedding (unit vector, float32 [D]) and
        encoder (pooled latents of the image encoder, float32).

    Raises:
        InputError: a chunk could not be embedded (a picture is missing or damaged).
    """
    import pandas as pd

    work = partial(_embed_chunk, views=views, model=model, pooling=pooling, batch_size=batch_size, store=store)
    entries = run_items(
        _items(records, (checkpoint, pooling, VERSION)),
        work,
        ledger=Ledger(store / "ledger.jsonl"),
        compute=ComputeParameters(),  # one network, here: torch has the cores
        label="embedding neurons",
        present=partial(_is_there, store=store),
    )
    tables = [_read_chunk(entry, store, parts) for entry in entries]
    if not tables:
        raise InputError("views: no view to embed; run the rendering pipeline")
    return pd.concat(tables, ignore_index=True)


def pooled(vectors: NDArray[np.float32], pooling: Literal["mean", "max"]) -> NDArray[np.float32]:
    """One unit vector of several [views, D]: their mean, or their maximum in each dimension."""
    one = vectors.mean(0) if pooling == "mean" else vectors.max(0)
    return one / max(float(np.linalg.norm(one)), 1e-12)


def _items(views: Iterable[Record], settings: Sequence[Any]) -> Iterator[Item]:
    by_neuron = itertools.groupby(views, key=lambda record: str(record["neuron_name"]))
    for number, group in enumerate(_chunks((list(records) for _, records in by_neuron), _CHUNK)):
        records = [record for one in group for record in one]
        yield Item(f"chunk_{number:06d}", content_key(*settings, records), (number, records))


def _chunks(values: Iterator[list[Record]], size: int) -> Iterator[list[list[Record]]]:
    while chunk := list(itertools.islice(values, size)):
        yield chunk


def _embed_chunk(
    payload: tuple[int, list[Record]],
    *,
    views: ViewAccess,
    model: ClipModel,
    pooling: Literal["mean", "max"],
    batch_size: int,
    store: Path,
) -> dict[str, Any]:
    from torch.utils.data import DataLoader

    number, records = payload
    embeddings, latents = [], []
    for batch in DataLoader(views.open(records, once=True), batch_size=batch_size):  # type: ignore[var-annotated]
        embedding, latent = model.embed_views(batch["image"], batch["um_per_px"])
        embeddings.append(embedding)
        latents.append(latent)
    embedding, latent = np.concatenate(embeddings), np.concatenate(latents)
    places: dict[str, list[int]] = {}
    for index, record in enumerate(records):
        places.setdefault(str(record["neuron_name"]), []).append(index)
    name = f"chunk_{number:06d}.npz"
    with atomic_path(store / name) as part, open(part, "wb") as file:
        np.savez(
            file,
            neuron_name=np.array(list(places)),
            views=np.array([len(one) for one in places.values()]),
            embedding=np.stack([pooled(embedding[one], pooling) for one in places.values()]),
            encoder=np.stack([latent[one].mean(0) for one in places.values()]),
        )
    return {"file": name}


def _is_there(entry: Entry, *, store: Path) -> bool:
    return (store / entry.result["file"]).is_file()


def _read_chunk(entry: Entry, store: Path, parts: Mapping[str, str]) -> pd.DataFrame:
    import pandas as pd

    if entry.state == "failed":
        raise InputError(f"embedding neurons: {entry.reason}")
    with np.load(store / entry.result["file"], allow_pickle=False) as data:
        names = [str(name) for name in data["neuron_name"]]
        return pd.DataFrame(
            {
                "neuron_name": names,
                "part": [parts.get(name, "") for name in names],
                "views": data["views"],
                "embedding": list(data["embedding"]),
                "encoder": list(data["encoder"]),
            }
        )
