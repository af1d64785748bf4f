"""What the loss is zero for, and what it grows with."""

from __future__ import annotations

import pytest
import torch

from neuropil.vae.losses import cross_entropy, foreground_depth, kl_elements, kl_term, soft_dice, vae_loss
from neuropil.vae.network import Latent, SegVAE2D, VaeOutput
from vae.view_folder import tiny


def _latent(mu: float, logvar: float, channels: int = 3, side: int = 4) -> Latent:
    values = torch.full((2, channels, side, side), mu)
    return Latent(values, torch.full_like(values, logvar), values)


def _truth() -> tuple[torch.Tensor, torch.Tensor]:
    mask = torch.randint(0, 6, (2, 32, 32), generator=torch.Generator().manual_seed(1))
    return mask, (mask > 0) * 0.5


def test_a_perfect_prediction_with_latents_at_their_prior_costs_nothing() -> None:
    mask, depth = _truth()
    logits = 40 * torch.nn.functional.one_hot(mask, 6).movedim(-1, 1).float()
    terms = vae_loss(VaeOutput(logits, depth, _latent(0, 0), (_latent(0, 0),)), mask, depth, tiny())
    assert terms.loss == pytest.approx(0, abs=1e-4)
    assert terms.kld == 0


def test_the_loss_is_the_weighted_sum_of_its_terms() -> None:
    mask, depth = _truth()
    output = SegVAE2D(base_channels=4, latent_channels=2)(torch.ones(2, 1, 32, 32))
    section = tiny(lambda_seg=2.0, lambda_depth=3.0, kld_weight=0.5, beta=4.0)
    terms = vae_loss(output, mask, depth, section, warm=0.25)
    expected = 2 * terms.seg_loss + 3 * terms.depth_loss + 0.25 * 4 * 0.5 * terms.kld
    torch.testing.assert_close(terms.loss, expected)
    torch.testing.assert_close(terms.kld, torch.stack(terms.klds).sum())
    assert len(terms.klds) == 4


def test_kl_is_that_of_torch() -> None:
    latent = _latent(0.7, -1.3)
    normal = torch.distributions.Normal(latent.mu, torch.exp(0.5 * latent.logvar))
    prior = torch.distributions.Normal(torch.zeros(()), torch.ones(()))
    torch.testing.assert_close(kl_elements(latent), torch.distributions.kl_divergence(normal, prior))


def test_kl_per_pixel_counts_elements_and_kl_per_element_does_not() -> None:
    def kl(channels: int, reduction: str) -> float:
        return float(kl_term(_latent(1, 0, channels), pixels=64, free_nats=0, reduction=reduction))

    assert kl(3, "element") == kl(6, "element") == 0.5
    assert kl(3, "pixel") == pytest.approx(0.5 * 3 * 16 / 64)
    assert kl(6, "pixel") == pytest.approx(2 * kl(3, "pixel"))


def test_below_the_free_nats_kl_is_a_constant_without_a_gradient() -> None:
    latent = _latent(0.1, 0)
    latent.mu.requires_grad_()
    term = kl_term(latent, pixels=16, free_nats=0.2, reduction="element")
    assert float(term.detach()) == pytest.approx(0.2)
    term.backward()
    assert latent.mu.grad is not None and torch.all(latent.mu.grad == 0)


def test_focal_loss_without_focus_is_cross_entropy_and_focus_discounts_the_easy() -> None:
    mask, _ = _truth()
    logits = torch.randn(2, 6, 32, 32, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(cross_entropy(logits, mask, 1e-9), cross_entropy(logits, mask), rtol=1e-4, atol=1e-5)
    easy = 8 * torch.nn.functional.one_hot(mask, 6).movedim(-1, 1).float()
    discount = [float(cross_entropy(x, mask, 2) / cross_entropy(x, mask)) for x in (easy, logits)]
    assert discount[0] < discount[1] < 1


def test_dice_looks_at_the_classes_of_the_batch_only() -> None:
    mask = torch.zeros(1, 8, 8, dtype=torch.int64)
    mask[0, 2:4] = 3
    perfect = 50 * torch.nn.functional.one_hot(mask, 6).movedim(-1, 1).float()
    assert float(soft_dice(perfect, mask)) == pytest.approx(0, abs=1e-5)
    assert float(soft_dice(-perfect, mask)) > 0.5


def test_depth_counts_in_the_foreground_only_and_an_empty_view_costs_nothing() -> None:
    _, depth = _truth()
    wrong_background = torch.where(depth > 0, depth, torch.ones(()))
    assert foreground_depth(wrong_background, depth) == 0
    assert foreground_depth(torch.ones(1, 4, 4), torch.zeros(1, 4, 4)) == 0
    assert float(foreground_depth(depth + 0.4, depth)) == pytest.approx(0.35, abs=1e-4)


def test_foreground_share_is_free_of_the_foregrounds_area() -> None:
    logits = torch.zeros(1, 6, 16, 16)
    logits[:, 0] = 3.0  # everywhere background
    costs = []
    for rows in (1, 8):
        mask = torch.zeros(1, 16, 16, dtype=torch.int64)
        mask[:, :rows] = 2
        costs.append((float(cross_entropy(logits, mask, share=0.9)), float(cross_entropy(logits, mask))))
    assert costs[0][0] == pytest.approx(costs[1][0], rel=1e-5)
    assert costs[0][1] < costs[1][1]


def test_foreground_share_by_area_is_the_plain_mean() -> None:
    mask, _ = _truth()
    logits = torch.randn(2, 6, 32, 32, generator=torch.Generator().manual_seed(2))
    area = float((mask > 0).float().mean())
    torch.testing.assert_close(cross_entropy(logits, mask, share=area), cross_entropy(logits, mask))
