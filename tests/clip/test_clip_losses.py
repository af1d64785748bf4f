"""The losses are what their formulas say, and each other where the definitions meet."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neuropil.clip.losses import MAX_LOGIT_SCALE, contrastive, fact_mask, infonce, kl_divergence, siglip, soft


def _logits(n: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    image, text = (torch.nn.functional.normalize(torch.randn(n, 8, generator=generator), dim=1) for _ in range(2))
    return 1 / 0.07 * image @ text.T


@given(st.integers(1, 12), st.integers(0, 100))
def test_infonce_is_open_clips(n: int, seed: int) -> None:
    logits = _logits(n, seed)
    # open_clip ClipLoss: (F.cross_entropy(logits_per_image, labels) + F.cross_entropy(logits_per_text, labels)) / 2
    rows = [math.log(sum(math.exp(v) for v in logits[i].tolist())) - logits[i, i].item() for i in range(n)]
    columns = [math.log(sum(math.exp(v) for v in logits[:, i].tolist())) - logits[i, i].item() for i in range(n)]
    assert infonce(logits).item() == pytest.approx((sum(rows) + sum(columns)) / (2 * n), rel=1e-4, abs=1e-5)


@given(st.integers(1, 12), st.integers(0, 100))
def test_soft_targets_are_infonce_where_every_caption_is_unique(n: int, seed: int) -> None:
    logits = _logits(n, seed)
    assert soft(logits, torch.eye(n, dtype=torch.bool)).item() == pytest.approx(infonce(logits).item(), rel=1e-5)


def test_soft_targets_share_the_positives_equally_both_ways() -> None:
    logits, mask = _logits(3), torch.tensor([[1, 1, 0], [1, 1, 0], [0, 1, 1]], dtype=torch.bool)
    rows, columns = logits.log_softmax(1), logits.log_softmax(0)
    to_text = -((rows[0, 0] + rows[0, 1]) / 2 + (rows[1, 0] + rows[1, 1]) / 2 + (rows[2, 1] + rows[2, 2]) / 2) / 3
    to_image = -((columns[0, 0] + columns[1, 0]) / 2 + columns[:, 1].sum() / 3 + columns[2, 2]) / 3
    assert soft(logits, mask).item() == pytest.approx(((to_text + to_image) / 2).item(), rel=1e-5)


def test_duplicate_captions_pull_apart_under_infonce_and_not_under_soft_targets() -> None:
    logits = torch.zeros(2, 2, requires_grad=True)
    soft(logits, torch.ones(2, 2, dtype=torch.bool)).backward()
    assert logits.grad is not None and torch.allclose(logits.grad, torch.zeros(2, 2), atol=1e-7)
    infonce(other := torch.zeros(2, 2, requires_grad=True)).backward()
    assert other.grad is not None and other.grad[0, 1] > 0


def test_siglip_is_its_formula() -> None:
    logits, mask, bias = _logits(4), torch.eye(4, dtype=torch.bool), torch.tensor(-10.0)
    total = 0.0
    for i in range(4):
        for j in range(4):
            z = 1 if i == j else -1
            total += math.log(1 + math.exp(-z * (logits[i, j].item() - 10)))
    assert siglip(logits, mask, bias).item() == pytest.approx(total / 4, rel=1e-5)


def test_losses_are_found_by_name() -> None:
    logits, mask, bias = _logits(4), torch.eye(4, dtype=torch.bool), torch.tensor(-10.0)
    assert contrastive("soft", logits, mask, bias) == soft(logits, mask)
    assert contrastive("infonce", logits, mask, bias) == infonce(logits)
    assert contrastive("siglip", logits, mask, bias) == siglip(logits, mask, bias)


def test_the_mask_is_true_where_all_facts_hold() -> None:
    neurons = [frozenset("ab"), frozenset("b"), frozenset()]
    captions = [frozenset("ab"), frozenset("b"), frozenset()]
    assert fact_mask(neurons, captions).tolist() == [[True, True, True], [False, True, True], [False, False, True]]


def test_the_divergence_of_a_normal_distribution_from_itself_is_zero() -> None:
    assert kl_divergence(torch.zeros(2, 3), torch.zeros(2, 3)) == 0
    assert kl_divergence(torch.ones(2, 3), torch.zeros(2, 3)).item() == pytest.approx(0.5)


def test_the_bound_of_the_scale_is_ln_100() -> None:
    assert pytest.approx(math.log(100), abs=1e-4) == MAX_LOGIT_SCALE
