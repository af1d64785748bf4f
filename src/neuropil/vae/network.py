"""SegVAE2D: a U-Net whose bottleneck and skips are latents; from silhouettes to classes and depth."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from neuropil.errors import InputError

_GROUPS = 8
_STRIDE = 8  # three halvings
_FIRST_LOG_VARIANCE = -2.0
_LOG_VARIANCES = (-12.0, 8.0)  # beyond these, exp leaves half precision


@dataclass(frozen=True)
class Latent:
    """A diagonal normal distribution for each element of a map, and what was drawn from it.

    Attributes:
        mu, logvar: mean and log-variance, [B, K, h, w].
        z: what the decoder was given.
    """

    mu: Tensor
    logvar: Tensor
    z: Tensor


@dataclass(frozen=True)
class VaeOutput:
    """What the network makes of a batch.

    Attributes:
        logits: class scores [B, classes, H, W].
        depth: [B, H, W] in (0, 1); it has a meaning in the foreground only.
        bottleneck: the latent at 1/8 resolution.
        skips: the latents at resolutions 1, 1/2, 1/4; empty in the deterministic mode.
    """

    logits: Tensor
    depth: Tensor
    bottleneck: Latent
    skips: tuple[Latent, ...]


class SegVAE2D(nn.Module):
    """U-Net VAE (Kingma & Welling 2014; Ronneberger et al. 2015) with variational skips.

    The encoder has widths c, 2c, 4c, 8c at resolutions 1, 1/2, 1/4, 1/8 (3x3 convolutions, GroupNorm, SiLU,
    stride-2 convolutions down). 1x1 convolutions give mean and log-variance of the bottleneck
    [B, latent_channels, H/8, W/8] and, with `skip_mode="variational"`, of a latent of half the width for each
    skip; the decoder upsamples bilinearly. Log-variances begin at -2.

    Args:
        base_channels: c. GroupNorm has 8 groups, or fewer where 8 does not divide a width.
        latent_channels: channels of the bottleneck.
        num_classes: classes of the segmentation, background included.
        skip_mode: "variational", or "deterministic": the skips pass as they are.
        image_size: side in pixels at which the network works: larger images are area-pooled to it (a silhouette
            becomes grey coverage) and the outputs are brought back bilinearly; None works at the images' own size.
        skip_dropout: share of training images whose skips are replaced by draws from their prior (zeros in the
            deterministic mode), so that the bottleneck learns to carry the image alone.
    """

    def __init__(
        self,
        *,
        base_channels: int = 64,
        latent_channels: int = 128,
        num_classes: int = 6,
        skip_mode: Literal["variational", "deterministic"] = "variational",
        image_size: int | None = None,
        skip_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.base_channels = base_channels
        self.latent_channels = latent_channels
        self.num_classes = num_classes
        self.skip_mode = skip_mode
        self.image_size = image_size
        self.skip_dropout = skip_dropout
        widths = [base_channels << level for level in range(4)]
        variational = skip_mode == "variational"
        self.skip_channels = tuple(width // 2 if variational else width for width in widths[:3])
        self.stem = _double(1, widths[0])
        self.down = nn.ModuleList(
            nn.Sequential(_convolution(before, after, stride=2), _double(after, after))
            for before, after in itertools.pairwise(widths)
        )
        self.to_latent = _Distribution(widths[3], latent_channels)
        self.to_skip = nn.ModuleList(
            _Distribution(width, kept)
            for width, kept in zip(widths[:3], self.skip_channels, strict=True)
            if variational
        )
        self.from_latent = nn.Sequential(nn.Conv2d(latent_channels, widths[3], 1), _double(widths[3], widths[3]))
        self.up = nn.ModuleList(
            _double(widths[level + 1] + self.skip_channels[level], widths[level]) for level in (2, 1, 0)
        )
        self.classes = nn.Conv2d(widths[0], num_classes, 1)
        self.depth = nn.Conv2d(widths[0], 1, 1)

    def forward(self, x: Tensor) -> VaeOutput:
        """Encode, draw and decode.

        In training mode latents are drawn (the reparametrisation trick); in evaluation mode means are decoded.

        Args:
            x: silhouettes, float [B, 1, H, W] in {0, 1}; H and W multiples of 8.

        Raises:
            InputError: a side of the images is no multiple of 8.
        """
        features = self._features(x)
        bottleneck = self.to_latent(features[3], self.training)
        skips = tuple(head(feature, self.training) for head, feature in zip(self.to_skip, features, strict=False))
        passed = [latent.z for latent in skips] if self.to_skip else features[:3]
        if self.training and self.skip_dropout > 0:
            passed = self._dropped(passed)
        logits, depth = self.decode(bottleneck.z, passed)
        return VaeOutput(resized(logits, x), resized(depth[:, None], x)[:, 0], bottleneck, skips)

    def encode(self, x: Tensor) -> Tensor:
        """The mean of the bottleneck: [B, 1, H, W] -> [B, latent_channels, H/8, W/8]. Pooling is the caller's.

        Raises:
            InputError: a side of the images is no multiple of 8.
        """
        return self.posterior(x)[0]

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the bottleneck, [B, latent_channels, H/8, W/8] each; nothing is drawn.

        Raises:
            InputError: a side of the images is no multiple of 8.
        """
        latent: Latent = self.to_latent(self._features(x)[3], False)
        return latent.mu, latent.logvar

    def record(self) -> dict[str, Any]:
        """What the network is built from, as plain values: `SegVAE2D(**record)` is one of the same shape."""
        return {
            "base_channels": self.base_channels,
            "latent_channels": self.latent_channels,
            "num_classes": self.num_classes,
            "skip_mode": self.skip_mode,
            "image_size": self.image_size,
            "skip_dropout": self.skip_dropout,
        }

    def decode(self, z: Tensor, skips: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Latents to class scores [B, classes, H, W] and depth [B, H, W].

        Args:
            z: bottleneck [B, latent_channels, H/8, W/8].
            skips: at resolutions 1, 1/2, 1/4, of `skip_channels` channels.
        """
        y = self.from_latent(z)
        for block, skip in zip(self.up, reversed(skips), strict=True):
            y = functional.interpolate(y, scale_factor=2, mode="bilinear", align_corners=False)
            y = block(torch.cat([y, skip], dim=1))
        # The sigmoid in single precision: its gradient vanishes in half precision long before.
        return self.classes(y), torch.sigmoid(self.depth(y).float()).squeeze(1)

    def prior_skips(self, z: Tensor) -> list[Tensor]:
        """Skips that know nothing of the image: draws from the prior; zeros in the deterministic mode.

        Args:
            z: a bottleneck, for batch, size, type and device.
        """
        batch, _, height, width = z.shape
        shapes = [
            (batch, channels, height * (_STRIDE >> level), width * (_STRIDE >> level))
            for level, channels in enumerate(self.skip_channels)
        ]
        draw = torch.randn if self.to_skip else torch.zeros
        return [draw(shape, dtype=z.dtype, device=z.device) for shape in shapes]

    def _features(self, x: Tensor) -> list[Tensor]:
        if self.image_size is not None and self.image_size < min(x.shape[-2:]):
            x = functional.adaptive_avg_pool2d(x, self.image_size)
        height, width = x.shape[-2:]
        if height % _STRIDE or width % _STRIDE:
            raise InputError(
                f"views of {height} x {width} pixels: sides must be multiples of {_STRIDE}; "
                "set rendering.height and rendering.width"
            )
        features = [self.stem(x)]
        for block in self.down:
            features.append(block(features[-1]))
        return features

    def _dropped(self, skips: Sequence[Tensor]) -> list[Tensor]:
        """Replace all skips of some images of the batch."""
        batch = skips[0].shape[0]
        kept = torch.rand((batch, 1, 1, 1), device=skips[0].device) >= self.skip_dropout
        blank = self.prior_skips(skips[0][..., ::_STRIDE, ::_STRIDE])
        return [torch.where(kept, skip, other) for skip, other in zip(skips, blank, strict=True)]


def resized(maps: Tensor, like: Tensor) -> Tensor:
    """Maps [B, C, h, w] at the height and width of `like`, bilinearly; the maps themselves where these are equal."""
    if maps.shape[-2:] == like.shape[-2:]:
        return maps
    return functional.interpolate(maps, size=like.shape[-2:], mode="bilinear", align_corners=False)


class _Distribution(nn.Module):
    """1x1 convolutions to mean and log-variance of a latent map."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.mu = nn.Conv2d(width, channels, 1)
        self.logvar = nn.Conv2d(width, channels, 1)
        nn.init.zeros_(self.logvar.weight)
        nn.init.constant_(self.logvar.bias, _FIRST_LOG_VARIANCE)  # type: ignore[arg-type]

    def forward(self, x: Tensor, sample: bool) -> Latent:
        mu, logvar = self.mu(x).float(), self.logvar(x).float().clamp(*_LOG_VARIANCES)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu) if sample else mu
        return Latent(mu, logvar, z)


def _convolution(before: int, after: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False),
        nn.GroupNorm(math.gcd(_GROUPS, after), after),
        nn.SiLU(inplace=True),
    )


def _double(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(_convolution(before, after), _convolution(after, after))
