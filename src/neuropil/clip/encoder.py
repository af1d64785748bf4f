"""The image encoder: the downward half of a pretrained SegVAE2D."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from neuropil.vae.load import load_vae
from neuropil.vae.network import SegVAE2D


class ImageEncoder(nn.Module):
    """Silhouettes to the distribution of the bottleneck; decoder and skips of the VAE are left behind.

    Args:
        vae: its layers are taken over, not copied.
    """

    def __init__(self, vae: SegVAE2D) -> None:
        super().__init__()
        self.latent_channels = vae.latent_channels
        self.stem = vae.stem
        self.down = vae.down
        self.to_latent = vae.to_latent
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # convolved faster, same values

    def posterior(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance [B, latent, H/8, W/8] of silhouettes [B, 1, H, W]."""
        features = self.stem(image)
        for block in self.down:
            features = block(features)
        latent = self.to_latent(features, False)
        return latent.mu, latent.logvar


def load_encoder(vae_checkpoint: Path) -> tuple[ImageEncoder, dict[str, Any]]:
    """The pretrained encoder, and the plain values to build it again without the checkpoint.

    Raises:
        InputError: the file is missing, damaged, or not a checkpoint of vae_pretrain.
    """
    vae = load_vae(vae_checkpoint)
    return ImageEncoder(vae), vae.record()


def build_encoder(known: Mapping[str, Any]) -> ImageEncoder:
    """An encoder with fresh weights from what `load_encoder` returned."""
    return ImageEncoder(SegVAE2D(**known))
