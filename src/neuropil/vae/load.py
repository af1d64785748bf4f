"""A trained SegVAE2D from its checkpoint alone."""

from __future__ import annotations

from pathlib import Path

from neuropil.errors import InputError
from neuropil.training.checkpoints import hyperparameters, load_network, read_checkpoint
from neuropil.vae.network import SegVAE2D

KIND = "neuropil.vae"


def load_vae(path: Path | str) -> SegVAE2D:
    """The network of a checkpoint of `vae_pretrain`, in evaluation mode, on the CPU; widths come from the file.

    Raises:
        InputError: the file is missing, damaged, or a checkpoint of something else.
    """
    checkpoint = read_checkpoint(path)
    known = hyperparameters(checkpoint, path)
    if known.get("kind") != KIND:
        raise InputError(f"{path}: no checkpoint of vae_pretrain; give vae_checkpoint the one that vae_pretrain made")
    network = SegVAE2D(**known["network"])
    load_network(network, checkpoint, path)
    return network.eval()
