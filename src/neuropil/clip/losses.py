"""Contrastive losses between image and text embeddings, and the mask of what is true of what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

MAX_LOGIT_SCALE = 4.6052  # ln 100, the bound of CLIP
SIGLIP_BIAS = -10.0


def fact_mask(neurons: Sequence[frozenset[str]], captions: Sequence[frozenset[str]]) -> Tensor:
    """Whether all facts of caption j are true of neuron i.

    Args:
        neurons: facts of each neuron.
        captions: facts that each caption states.

    Returns:
        Bool tensor [neurons, captions].
    """
    return torch.tensor([[caption <= neuron for caption in captions] for neuron in neurons], dtype=torch.bool).reshape(
        len(neurons), len(captions)
    )


def infonce(logits: Tensor) -> Tensor:
    """The symmetric InfoNCE of CLIP (Radford et al. 2021): the mean cross-entropy of the diagonal, both ways.

    Args:
        logits: [B, B] scaled similarities, images in rows, texts in columns.
    """
    wanted = torch.arange(len(logits), device=logits.device)
    return (functional.cross_entropy(logits, wanted) + functional.cross_entropy(logits.T, wanted)) / 2


def soft(logits: Tensor, mask: Tensor) -> Tensor:
    """InfoNCE with several positives, after UniCL (Yang et al. 2022).

    For image i the target over texts is mask[i] / sum(mask[i]), for text j the target over images is
    mask[:, j] / sum(mask[:, j]); the loss is the mean of both cross-entropies. Where every caption is true of
    its own neuron only, it is `infonce`.

    Args:
        logits: [B, B] scaled similarities, images in rows, texts in columns.
        mask: bool [B, B]; the diagonal is true.
    """
    target = mask.to(logits.dtype)
    to_text = functional.cross_entropy(logits, target / target.sum(1, keepdim=True))
    to_image = functional.cross_entropy(logits.T, target.T / target.T.sum(1, keepdim=True))
    return (to_text + to_image) / 2


def siglip(logits: Tensor, mask: Tensor, bias: Tensor) -> Tensor:
    """The sigmoid loss of SigLIP (Zhai et al. 2023): -sum log sigmoid(+-(logits + bias)) / B, + for the mask's pairs.

    Args:
        logits: [B, B] scaled similarities.
        mask: bool [B, B], the positive pairs.
        bias: the learned scalar; it starts at -10, because most pairs are negative.
    """
    signs = mask.to(logits.dtype) * 2 - 1
    return -functional.logsigmoid(signs * (logits + bias)).sum() / len(logits)


def contrastive(kind: Literal["soft", "infonce", "siglip"], logits: Tensor, mask: Tensor, bias: Tensor) -> Tensor:
    """The loss by its name; see the three above."""
    if kind == "infonce":
        return infonce(logits)
    if kind == "siglip":
        return siglip(logits, mask, bias)
    return soft(logits, mask)


def kl_divergence(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mu, exp(logvar)) || N(0, 1)), the mean over all latent elements (nats per element)."""
    return 0.5 * (mu.square() + logvar.exp() - 1 - logvar).mean()
