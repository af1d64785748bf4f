"""The two towers: views and texts as points on one sphere."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from neuropil.clip.encoder import ImageEncoder
from neuropil.clip.losses import MAX_LOGIT_SCALE, SIGLIP_BIAS

_GRID = 4  # cells along each side for pooling="grid"
_SCALE_WAVES = 4  # sine and cosine pairs that code the micrometres per pixel
_WHITENING_SHRINKAGE = 0.1


@dataclass(frozen=True)
class NetworkShape:
    """What the towers are built from, as plain values."""

    text_width: int
    clip_embed_dim: int
    image_size: int | None
    image_pooling: str
    scale_input: bool
    projection_dropout: float
    logit_scale: float
    learnable_temperature: bool

    def record(self) -> dict[str, Any]:
        """The fields as a dictionary."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> NetworkShape:
        """Read what `record` gave."""
        return cls(**{name: record[name] for name in cls.__dataclass_fields__})


class ClipNetwork(nn.Module):
    """Image tower (encoder, pooling, projection), text projection, and the scale of their similarities.

    Args:
        encoder: the pretrained encoder; it becomes part of the network.
        shape: sizes and choices.
    """

    text_mean: Tensor
    text_whitening: Tensor

    def __init__(self, encoder: ImageEncoder, shape: NetworkShape) -> None:
        super().__init__()
        self.encoder = encoder
        self.shape = shape
        cells = {"mean": 1, "max": 1, "mean_max": 2, "grid": _GRID * _GRID}[shape.image_pooling]
        pooled = encoder.latent_channels * cells
        inputs = pooled + (2 * _SCALE_WAVES if shape.scale_input else 0)
        self.norm = nn.LayerNorm(pooled)
        self.image_projection = nn.Sequential(
            nn.Dropout(shape.projection_dropout),
            nn.Linear(inputs, shape.clip_embed_dim),
            nn.GELU(),
            nn.Linear(shape.clip_embed_dim, shape.clip_embed_dim),
        )
        self.text_projection = nn.Linear(shape.text_width, shape.clip_embed_dim)
        self.register_buffer("text_mean", torch.zeros(shape.text_width))
        self.register_buffer("text_whitening", torch.eye(shape.text_width))
        self.logit_scale = nn.Parameter(torch.tensor(shape.logit_scale), requires_grad=shape.learnable_temperature)
        self.logit_bias = nn.Parameter(torch.tensor(SIGLIP_BIAS))

    def embed_image(self, image: Tensor, um_per_px: Tensor) -> Tensor:
        """Unit vectors [B, D] of neurons.

        Args:
            image: [B, V, 1, H, W], V silhouettes of each neuron; their projections are averaged.
            um_per_px: [B, V] micrometres per pixel.
        """
        return self.project(self.posterior(image)[0], um_per_px)

    def posterior(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance [B * V, latent, h, w] that the encoder gives the views [B, V, 1, H, W].

        Views larger than `image_size` are area-pooled to it first: silhouettes become grey coverage.
        """
        views, size = image.flatten(0, 1), self.shape.image_size
        if size is not None and size < min(views.shape[-2:]):
            views = functional.adaptive_avg_pool2d(views, size)
        return self.encoder.posterior(views)

    def project(self, latent: Tensor, um_per_px: Tensor) -> Tensor:
        """Unit vectors [B, D] from the views' latents [B * V, latent, h, w] and their scales [B, V]."""
        features = self.norm(_pool(latent, self.shape.image_pooling))
        if self.shape.scale_input:
            features = torch.cat([features, _scale_code(um_per_px.flatten())], dim=1)
        projected: Tensor = self.image_projection(features)
        views = functional.normalize(projected, dim=1).unflatten(0, um_per_px.shape)
        return functional.normalize(views.mean(1), dim=1)

    def embed_text(self, features: Tensor) -> Tensor:
        """Unit vectors [B, D] of the frozen encoder's features [B, text_width]."""
        white = (features - self.text_mean) @ self.text_whitening
        return functional.normalize(self.text_projection(white), dim=1)

    def logits(self, image: Tensor, text: Tensor) -> Tensor:
        """Similarities of unit vectors, times the scale, which never leaves [1, 100]; images in rows."""
        return self.logit_scale.clamp(0, MAX_LOGIT_SCALE).exp() * image @ text.T

    def whiten(self, features: Tensor) -> None:
        """Set the whitening of the text features from those of the training captions, [n, text_width].

        The zero-phase whitening (ZCA), with the covariance shrunk towards a multiple of the identity, because
        there are often fewer distinct captions than dimensions.
        """
        mean = features.double().mean(0)
        centred = features.double() - mean
        covariance = centred.T @ centred / max(1, len(features) - 1)
        level = covariance.diagonal().mean().clamp_min(1e-12)
        values, vectors = torch.linalg.eigh(covariance)
        factors = (values.clamp_min(0) + _WHITENING_SHRINKAGE * level).rsqrt()
        self.text_mean.copy_(mean)
        self.text_whitening.copy_(vectors * factors @ vectors.T)


def _pool(latent: Tensor, kind: str) -> Tensor:
    """[B, C, h, w] -> [B, C * cells]."""
    if kind == "mean":
        return latent.mean((2, 3))
    if kind == "max":
        return latent.amax((2, 3))
    if kind == "mean_max":
        return torch.cat([latent.mean((2, 3)), latent.amax((2, 3))], dim=1)
    return functional.adaptive_avg_pool2d(latent, _GRID).flatten(1)


def _scale_code(um_per_px: Tensor) -> Tensor:
    """Micrometres per pixel [B] as [B, 8] sines and cosines of its logarithm, with periods of 4 to 32 octaves."""
    octaves = torch.log2(um_per_px.clamp_min(1e-6))[:, None]
    periods = torch.tensor([4.0 * 2**wave for wave in range(_SCALE_WAVES)], device=um_per_px.device)
    angles = 2 * math.pi * octaves / periods
    return torch.cat([angles.sin(), angles.cos()], dim=1)
