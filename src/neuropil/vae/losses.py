"""The loss of SegVAE2D and its terms."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from neuropil.vae.network import Latent, VaeOutput
from neuropil.vae.parameters import VaeParameters

_HUBER = 0.1  # depth error, of a range of 1, from which the loss is linear
_EPSILON = 1e-6


@dataclass(frozen=True)
class VaeLoss:
    """The loss and its unweighted terms, scalars; `klds` in the order bottleneck, skip 1, skip 1/2, skip 1/4."""

    loss: Tensor
    seg_loss: Tensor
    depth_loss: Tensor
    kld: Tensor
    klds: tuple[Tensor, ...]


def vae_loss(
    output: VaeOutput, mask: Tensor, depth: Tensor, parameters: VaeParameters, *, warm: float = 1.0
) -> VaeLoss:
    """lambda_seg (CE + Dice) + lambda_depth Huber + warm beta kld_weight sum over latents of KL.

    Args:
        output: of the network.
        mask: classes, int64 [B, H, W].
        depth: float [B, H, W], 0 in the background.
        parameters: the weights, and the conventions of focal loss and KL.
        warm: how far the KL's warm-up is, in [0, 1].
    """
    logits = output.logits.float()
    entropy = cross_entropy(logits, mask, parameters.focal_gamma, parameters.foreground_share)
    seg_loss = entropy + soft_dice(logits, mask)
    depth_loss = foreground_depth(output.depth, depth)
    pixels = mask.shape[-2] * mask.shape[-1]
    klds = tuple(
        kl_term(latent, pixels=pixels, free_nats=parameters.free_nats, reduction=parameters.kl_reduction)
        for latent in (output.bottleneck, *output.skips)
    )
    kld = torch.stack(klds).sum()
    loss = (
        parameters.lambda_seg * seg_loss
        + parameters.lambda_depth * depth_loss
        + warm * parameters.beta * parameters.kld_weight * kld
    )
    return VaeLoss(loss, seg_loss, depth_loss, kld, klds)


def cross_entropy(logits: Tensor, mask: Tensor, gamma: float = 0.0, share: float | None = None) -> Tensor:
    """Mean over the pixels of -(1 - p)^gamma log p, p the probability of the true class (Lin et al. 2017).

    Args:
        logits: [B, C, H, W].
        mask: int64 [B, H, W].
        gamma: 0 is the cross-entropy.
        share: of the foreground (classes above 0) in the mean, whatever its area; None counts all pixels alike.
            Thin arbors cover a few percent of a view, and by area their classes hardly count.
    """
    surprise = functional.cross_entropy(logits, mask, reduction="none")
    if gamma > 0:
        surprise = (1 - torch.exp(-surprise)).clamp_min(0) ** gamma * surprise
    if share is None:
        return surprise.mean()
    inside = (mask > 0).to(surprise.dtype)
    foreground = (surprise * inside).sum() / inside.sum().clamp_min(1)
    background = (surprise * (1 - inside)).sum() / (1 - inside).sum().clamp_min(1)
    return share * foreground + (1 - share) * background


def soft_dice(logits: Tensor, mask: Tensor) -> Tensor:
    """1 - the mean, over the classes that the batch holds, of 2 |P T| / (|P| + |T|) with probabilities P.

    Sums go over batch and pixels (Milletari et al. 2016, without squares). Classes that are absent from the batch
    are left to the cross-entropy: their overlap is zero whatever is predicted.
    """
    probabilities = logits.softmax(dim=1)
    truth = functional.one_hot(mask, logits.shape[1]).movedim(-1, 1).to(probabilities.dtype)
    overlap = (probabilities * truth).sum(dim=(0, 2, 3))
    total = (probabilities + truth).sum(dim=(0, 2, 3))
    present = truth.amax(dim=(0, 2, 3))
    dice = 2 * overlap / (total + _EPSILON)
    return 1 - (dice * present).sum() / present.sum()


def foreground_depth(predicted: Tensor, depth: Tensor) -> Tensor:
    """Huber loss of the depth, averaged over the foreground (depth > 0); 0 where there is none.

    Scaled so that an error e far above 0.1 costs e - 0.05 (of a range of 1).
    """
    inside = (depth > 0).to(predicted.dtype)
    errors = functional.smooth_l1_loss(predicted, depth, beta=_HUBER, reduction="none")
    return (errors * inside).sum() / inside.sum().clamp_min(1)


def kl_elements(latent: Latent) -> Tensor:
    """KL(N(mu, sigma^2) || N(0, 1)) of each element in nats, [B, K, h, w]; never negative."""
    return 0.5 * (latent.mu**2 + torch.exp(latent.logvar) - 1 - latent.logvar)


def kl_term(latent: Latent, *, pixels: int, free_nats: float, reduction: str) -> Tensor:
    """The KL divergence of one latent map as it enters the loss.

    The divergence is averaged over batch and places for each channel; a channel below `free_nats` per element
    counts as `free_nats`, a constant without a gradient (free bits, Kingma et al. 2016).

    Args:
        latent: [B, K, h, w].
        pixels: of an image, H x W.
        free_nats: per latent element.
        reduction: "element": the mean over the elements of the map. "pixel": their sum divided by the pixels. The
            reconstruction losses are means over pixels, so with "pixel" the loss is a beta-VAE's bound per pixel, and
            `kld_weight` means the same at any width and size; with "element" a map of many elements is nearly free,
            which lets the skips do the work of the bottleneck.
    """
    channels = kl_elements(latent).mean(dim=(0, 2, 3)).clamp_min(free_nats)
    if reduction == "element":
        return channels.mean()
    places = latent.mu.shape[-2] * latent.mu.shape[-1]
    return channels.sum() * (places / pixels)
