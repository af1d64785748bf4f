"""A trained CLIP for use: views and texts to embeddings, from its checkpoint alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from neuropil.clip.encoder import build_encoder
from neuropil.clip.network import ClipNetwork, NetworkShape
from neuropil.clip.parameters import ClipParameters
from neuropil.clip.text import KnownTexts, load_text_encoder
from neuropil.errors import InputError
from neuropil.training.checkpoints import hyperparameters, load_network, read_checkpoint

KIND = "neuropil.clip"


class ClipModel:
    """Embeds views and texts.

    Args:
        network: both towers, with their trained weights.
        text_encoder: the name of the frozen text encoder; it is loaded when the first text comes.
        parameters: what it was trained with.
    """

    def __init__(self, network: ClipNetwork, text_encoder: str, parameters: ClipParameters) -> None:
        self.text_encoder = text_encoder
        self.parameters = parameters
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._network = network.eval().to(self._device)
        self._texts: KnownTexts | None = None

    @torch.inference_mode()
    def embed_views(
        self, image: torch.Tensor, um_per_px: torch.Tensor
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Embeddings of single views.

        Args:
            image: [B, 1, H, W] silhouettes.
            um_per_px: [B] micrometres per pixel.

        Returns:
            Unit vectors [B, D], and the encoder's latents pooled by mean and maximum [B, 2 * latent].
        """
        image, scale = image.to(self._device), um_per_px.to(self._device)
        latent = self._network.posterior(image[:, None])[0]
        embedding = self._network.project(latent, scale[:, None])
        pooled = torch.cat([latent.mean((2, 3)), latent.amax((2, 3))], dim=1)
        return embedding.float().cpu().numpy(), pooled.float().cpu().numpy()

    @torch.inference_mode()
    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors [n, D] of the texts."""
        if self._texts is None:
            self._texts = KnownTexts(load_text_encoder(self.text_encoder))
        features = self._texts(texts).to(self._device)
        return self._network.embed_text(features).float().cpu().numpy()

    def embed_prompts(self, prompts: Sequence[Sequence[str]]) -> NDArray[np.float32]:
        """One unit vector a class from several prompts of it: embedded, averaged, normalised (Radford et al. 2021)."""
        means = np.stack([self.embed_texts(texts).mean(0) for texts in prompts])
        return means / np.linalg.norm(means, axis=1, keepdims=True)


def load_clip(path: Path | str) -> ClipModel:
    """Read a checkpoint of `clip_finetune`.

    Raises:
        InputError: the file is missing, damaged, or a checkpoint of something else.
    """
    checkpoint = read_checkpoint(path)
    known: dict[str, Any] = hyperparameters(checkpoint, path)
    if known.get("kind") != KIND:
        raise InputError(
            f"{path}: no checkpoint of clip_finetune; give clip_checkpoint the one that clip_finetune made"
        )
    network = ClipNetwork(build_encoder(known["encoder"]), NetworkShape.from_record(known["shape"]))
    load_network(network, checkpoint, path)
    return ClipModel(network, known["text_encoder"], ClipParameters.model_validate(known["parameters"]))
