"""One training of the experiment on learned encoders: its pictures, its encoder, what that makes of all cells."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from encoder_views import ResampledAccess, Sampling
from numpy.typing import NDArray
from rat_cells import RatCells
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader

from neuropil.captions.collect import neuron_facts, training_bins
from neuropil.clip.encoder import build_encoder
from neuropil.clip.network import ClipNetwork, NetworkShape
from neuropil.clip.parameters import ClipParameters
from neuropil.clip.text import KnownTexts, load_text_encoder
from neuropil.clip.train import train_clip
from neuropil.compute import ComputeParameters
from neuropil.morphology.morphometry import measure
from neuropil.morphology.swc import load_neuron, write_swc
from neuropil.morphology.twins import twin
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.store import render_neurons
from neuropil.training.checkpoints import load_network, read_checkpoint
from neuropil.vae.load import load_vae
from neuropil.vae.parameters import VaeParameters
from neuropil.vae.train import train_vae
from neuropil.vae.untrained import write_untrained
from neuropil.views.access import ViewAccess
from neuropil.views.fixed_features import gradients, picture
from neuropil.views.parameters import ViewsParameters
from neuropil.work.atomic import atomic_path, write_text
from neuropil.work.index import read_lines, write_lines
from neuropil.work.keys import content_key, file_digest

VERSION = 1
"""Part of every unit's key: raise it when an encoder would see or be something else."""

FRONT = (0, 3)
"""The views from +PC3 and -PC3, from which a cell is at its widest."""

_GRID = 4
_BATCH = 64
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Unit:
    """An arm, trained on some cells with one seed.

    Attributes:
        arm: its name.
        protocol, run, fold: `thirds` or `unseen`; the number of the seed; which fold.
        train: names of the cells that may be seen.
        seed: of the training.
        section: kind, vae, clip, online, sampling: all that shapes the training.
        pictures: folder of `make_pictures`.
        out: folder of the experiment.
    """

    arm: str
    protocol: str
    run: int
    fold: str
    train: tuple[str, ...]
    seed: int
    section: Mapping[str, Any] = field(repr=False)
    pictures: Path
    out: Path

    @property
    def name(self) -> str:
        """For the ledger."""
        return f"{self.arm}, {self.protocol} {self.run}, {self.fold}"

    @property
    def key(self) -> str:
        """Of what the embeddings depend on; alike units of two arms share it."""
        # A random encoder and fixed features depend on no cell.
        kind = self.section["kind"]
        cells = () if kind in ("random", "fixed") else self.train
        seed = None if kind == "fixed" else self.seed
        return content_key(VERSION, self.section, self.pictures.name, file_digest(self.manifest), cells, seed)

    @property
    def manifest(self) -> Path:
        """The records of all views."""
        return self.pictures / "views.jsonl"

    @property
    def embeddings(self) -> Path:
        """Where `run_unit` puts what the encoder makes of every cell."""
        return self.out / "embeddings" / f"{self.key[:24]}.npz"


def make_pictures(cells: RatCells, section: Mapping[str, Any], folder: Path, seed: int) -> None:
    """Write the cells (or their twins) as SWC, their measures, and their views; what is there is not drawn again."""
    store, mark = folder / "neurons", folder / "key.txt"
    key = content_key(VERSION, section, seed, [file_digest(file) for file in cells.files])
    if mark.is_file() and mark.read_text(encoding="utf-8") == key:
        return
    records, rows = [], []
    for name, cell in zip(cells.names, cells.neurons, strict=True):
        neuron = twin(cell) if section.get("twin") else cell
        file = store / "swc" / f"{name}.swc"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_swc(neuron, file)
        records.append({"neuron_name": name, "swc": f"swc/{name}.swc", "digest": file_digest(file)})
        rows.append({"neuron_name": name, **measure(neuron)})
    views = render_neurons(
        records,
        neuron_store=store,
        view_store=folder / "views",
        parameters=RenderingParameters.model_validate(section["rendering"]),
        compute=ComputeParameters(),
        seed=seed,
    )
    write_lines(folder / "views.jsonl", views)
    write_lines(folder / "measures.jsonl", rows)
    write_lines(folder / "metadata.jsonl", cells.metadata)
    write_text(mark, key)


def run_unit(unit: Unit) -> dict[str, Any]:
    """Train the encoder of a unit and embed all cells with it, each from its plain pictures.

    Writes `unit.embeddings`: neuron_name [n], and for each feature [n, 2, d]: the mean over all views, and over those
    of `FRONT`. Features: `grid` and `mean_max`, the encoder's latents pooled in 4 x 4 cells, and by mean and maximum;
    `shared`, the embedding that meets the texts.

    Returns:
        CPU seconds of training and of embedding.
    """
    if unit.embeddings.is_file():
        with np.load(unit.embeddings) as done:
            return {"train_s": float(done["train_s"]), "embed_s": float(done["embed_s"])}
    torch.set_num_threads(1)
    kind = unit.section["kind"]
    start = time.process_time()
    checkpoint = None if kind == "fixed" else _trained(unit)
    trained = time.process_time()
    features = _fixed(unit) if checkpoint is None else _embedded(unit, checkpoint)
    seconds = {"train_s": trained - start, "embed_s": time.process_time() - trained}
    with atomic_path(unit.embeddings) as part, open(part, "wb") as file:
        np.savez(file, **features, **{name: np.array(value) for name, value in seconds.items()})
    return seconds


def _trained(unit: Unit) -> Path:
    """The checkpoint of the unit's encoder."""
    kind, section = unit.section["kind"], unit.section
    folder = unit.out / "trainings" / unit.key[:24]
    vae = VaeParameters.model_validate(section["vae"])
    if kind == "random":
        return write_untrained(folder / "untrained.ckpt", vae, unit.seed)
    records = [record for record in read_lines(unit.manifest) if record["neuron_name"] in set(unit.train)]
    access = training_views(unit.pictures, section)
    if kind == "clip":
        start = write_untrained(folder / "untrained.ckpt", vae, unit.seed)
    else:
        start = train_vae(records, [], views=access, folder=folder / "vae", parameters=vae, seed=unit.seed).best
    if kind == "vae":
        return start
    clip = ClipParameters.model_validate(section["clip"])
    return train_clip(
        vae_checkpoint=start,
        train=records,
        validation=[],
        views=access,
        captions=_captions(unit, clip),
        parameters=clip,
        seed=unit.seed,
        folder=folder / "clip",
        text_encoder=_text_encoder(clip.text_encoder),
    ).best


def training_views(pictures: Path, section: Mapping[str, Any]) -> ViewAccess:
    """Stored pictures, or pictures drawn afresh where the section has changes of the neurons."""
    online, sampling = section.get("online"), section.get("sampling")
    views = ViewsParameters.model_validate({"source": "online", "online": online} if online else {})
    return ResampledAccess(pictures / "views", pictures / "neurons", views, Sampling(**sampling) if sampling else None)


def _captions(unit: Unit, clip: ClipParameters) -> dict[str, Any]:
    """Facts of the training cells; their bins know no other cell."""
    rows = {row["neuron_name"]: row for row in read_lines(unit.pictures / "measures.jsonl")}
    split = {"hash": "", "parts": {"train": list(unit.train)}}
    bins = training_bins(rows, split, clip.caption_percentile)["bins"]
    return {
        record["neuron_name"]: neuron_facts(
            record, rows[record["neuron_name"]], bins, source=clip.source, columns=clip.columns
        )
        for record in read_lines(unit.pictures / "metadata.jsonl")
        if record["neuron_name"] in set(unit.train)
    }


@cache
def _text_encoder(name: str) -> _Remembered:
    return _Remembered(name)


class _Remembered:
    """A text encoder that encodes no sentence twice in a process: the trainings share most of theirs."""

    def __init__(self, name: str) -> None:
        encoder = load_text_encoder(name)
        self.name, self.width = encoder.name, encoder.width
        self._known = KnownTexts(encoder)

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Features [len(texts), width]."""
        return self._known(texts)


def _embedded(unit: Unit, checkpoint: Path) -> dict[str, Any]:
    """The features of all cells; see `run_unit`."""
    records = list(read_lines(unit.manifest))
    views = ViewAccess(unit.pictures / "views").open(records)
    with_texts = unit.section["kind"].startswith("clip")
    clip = _towers(checkpoint) if with_texts else None
    vae = None if with_texts else load_vae(checkpoint)
    found: dict[str, list[Array]] = {}
    for batch in DataLoader(views, batch_size=_BATCH):  # type: ignore[var-annotated]
        with torch.inference_mode():
            if clip is not None:
                latent = clip.posterior(batch["image"][:, None])[0]
                shared = clip.project(latent, batch["um_per_px"][:, None])
                found.setdefault("shared", []).append(shared.numpy())
            elif vae is not None:
                latent = vae.encode(batch["image"])
        found.setdefault("grid", []).append(functional.adaptive_avg_pool2d(latent, _GRID).flatten(1).numpy())
        pooled = torch.cat([latent.mean((2, 3)), latent.amax((2, 3))], 1)
        found.setdefault("mean_max", []).append(pooled.numpy())
    names = [record["neuron_name"] for record in records]
    order = list(dict.fromkeys(names))
    front = np.array([record["view"] in FRONT for record in records])
    of = np.array([order.index(name) for name in names])
    features = {
        feature: np.stack([_means(np.concatenate(values), of, chosen) for chosen in (front | True, front)], axis=1)
        for feature, values in found.items()
    }
    return {"neuron_name": np.array(order), **features}


def _towers(checkpoint: Path) -> ClipNetwork:
    """Both towers of a checkpoint of clip_finetune, to read the map that the encoder makes as well."""
    read = read_checkpoint(checkpoint)
    known = read["hyper_parameters"]
    towers = ClipNetwork(build_encoder(known["encoder"]), NetworkShape.from_record(known["shape"]))
    load_network(towers, read, checkpoint)
    return towers.eval()


def _means(values: Array, of: NDArray[np.int64], chosen: NDArray[np.bool_]) -> Array:
    """The mean of the chosen rows of each neuron, [neurons, d]."""
    sums = np.zeros((of.max() + 1, values.shape[1]))
    np.add.at(sums, of[chosen], values[chosen])
    return (sums / np.bincount(of[chosen], minlength=len(sums))[:, None]).astype(np.float32)


def _fixed(unit: Unit) -> dict[str, Any]:
    """Histograms of gradients of one picture along z, 1500 um round the soma; the second of the pair is mirrored."""
    drawn = {record["neuron_name"]: record["swc"] for record in read_lines(unit.manifest)}
    names = list(drawn)
    greys = [picture(load_neuron(unit.pictures / "neurons" / drawn[name]), frame_um=1500) for name in names]
    return {"neuron_name": np.array(names), "hog": np.stack([gradients(grey) for grey in greys])}
