"""Shapes, modes and the latents of SegVAE2D."""

from __future__ import annotations

import pytest
import torch

from neuropil.errors import InputError
from neuropil.training.seeding import seeded
from neuropil.vae.network import SegVAE2D


def _silhouettes(height: int = 24, width: int = 40) -> torch.Tensor:
    return (torch.rand(2, 1, height, width, generator=torch.Generator().manual_seed(0)) > 0.8).float()


@pytest.mark.parametrize("base", [2, 3, 6, 8])
@pytest.mark.parametrize("mode", ["variational", "deterministic"])
def test_outputs_have_the_size_of_the_input_at_any_width(base: int, mode: str) -> None:
    network = SegVAE2D(base_channels=base, latent_channels=5, num_classes=7, skip_mode=mode)  # type: ignore[arg-type]
    x = _silhouettes()
    output = network(x)
    assert output.logits.shape == (2, 7, 24, 40)
    assert output.depth.shape == (2, 24, 40) and output.depth.min() > 0 and output.depth.max() < 1
    assert output.bottleneck.mu.shape == (2, 5, 3, 5) == network.encode(x).shape
    skips = [(2, channels, 24 >> level, 40 >> level) for level, channels in enumerate(network.skip_channels)]
    assert [tuple(latent.mu.shape) for latent in output.skips] == (skips if mode == "variational" else [])
    assert [tuple(skip.shape) for skip in network.prior_skips(output.bottleneck.z)] == skips


def test_the_guides_network_has_about_fifteen_and_a_half_million_parameters() -> None:
    with torch.device("meta"):
        network = SegVAE2D()
    assert sum(one.numel() for one in network.parameters()) == pytest.approx(15.4e6, rel=0.01)


def test_sides_that_are_no_multiple_of_eight_are_told_in_one_line() -> None:
    with pytest.raises(InputError, match=r"20 x 40 pixels.*multiples of 8.*rendering\.height"):
        SegVAE2D(base_channels=2)(_silhouettes(20))


def test_log_variances_begin_at_minus_two() -> None:
    output = SegVAE2D(base_channels=4)(_silhouettes())
    for latent in (output.bottleneck, *output.skips):
        assert torch.all(latent.logvar == -2)


def test_training_draws_and_evaluation_decodes_the_mean() -> None:
    network = SegVAE2D(base_channels=4)
    x = _silhouettes()
    assert not torch.equal(network(x).logits, network(x).logits)
    network.eval()
    assert torch.equal(network(x).logits, network(x).logits)
    assert torch.equal(network(x).bottleneck.z, network.encode(x))


def test_dropped_skips_leave_the_bottleneck_alone() -> None:
    network = SegVAE2D(base_channels=4, skip_mode="deterministic", skip_dropout=1.0)
    x = _silhouettes()
    output = network(x)
    alone = network.decode(output.bottleneck.z, network.prior_skips(output.bottleneck.z))
    torch.testing.assert_close(output.logits, alone[0])


def test_the_same_seed_builds_the_same_network_and_the_record_builds_its_shape() -> None:
    def build() -> SegVAE2D:
        with seeded(3, "x"):
            return SegVAE2D(base_channels=3, latent_channels=2, skip_dropout=0.25)

    one, other = build(), build()
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    assert SegVAE2D(**one.record()).record() == one.record()


def test_a_smaller_image_size_keeps_the_outputs_size_and_reads_coverage() -> None:
    network = SegVAE2D(base_channels=2, latent_channels=3, image_size=16).eval()
    x = _silhouettes(32, 32)
    output = network(x)
    assert output.logits.shape == (2, 6, 32, 32) and output.depth.shape == (2, 32, 32)
    assert output.bottleneck.mu.shape == (2, 3, 2, 2)
    coverage = torch.nn.functional.avg_pool2d(x, 2)
    torch.testing.assert_close(network.encode(x), network.encode(coverage))
    assert SegVAE2D(**network.record()).image_size == 16
