"""A checkpoint of a SegVAE2D that has seen nothing: where a training that starts from scratch starts."""

from __future__ import annotations

from pathlib import Path

from neuropil.training.checkpoints import write_checkpoint
from neuropil.training.seeding import seeded
from neuropil.vae.module import VaeModule
from neuropil.vae.parameters import VaeParameters


def write_untrained(path: Path, parameters: VaeParameters, seed: int) -> Path:
    """Write a network with its first weights, in the form of a checkpoint of `vae_pretrain`.

    `clip.train.train_clip` then trains the encoder from scratch, and `vae.load.load_vae` gives a random encoder to
    compare with.

    Args:
        path: the file.
        parameters: the section `vae_pretrain`; only what shapes the network matters.
        seed: decides the weights: those that `vae.train.train_vae` with the same seed starts from.

    Returns:
        `path`.
    """
    with seeded(seed, "vae", "weights"):
        module = VaeModule(parameters)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_checkpoint({"state_dict": module.state_dict(), "hyper_parameters": dict(module.hparams)}, path)
    return path
