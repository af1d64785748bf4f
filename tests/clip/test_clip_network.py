"""Embeddings are unit vectors; scale, pooling and whitening do what they say."""

from __future__ import annotations

import math

import pytest
import torch

from neuropil.clip.encoder import ImageEncoder
from neuropil.clip.network import ClipNetwork, NetworkShape
from neuropil.vae.network import SegVAE2D

SHAPE: dict = {
    "text_width": 10,
    "clip_embed_dim": 12,
    "image_size": None,
    "image_pooling": "mean_max",
    "scale_input": True,
    "projection_dropout": 0.0,
    "logit_scale": math.log(1 / 0.07),
    "learnable_temperature": True,
}


def _network(**changes: object) -> ClipNetwork:
    torch.manual_seed(0)
    return ClipNetwork(
        ImageEncoder(SegVAE2D(base_channels=4, latent_channels=6)), NetworkShape(**SHAPE | changes)
    ).eval()


@pytest.mark.parametrize("pooling", ["mean", "max", "mean_max", "grid"])
@pytest.mark.parametrize("size", [None, 16])
def test_embeddings_are_unit_vectors_at_any_size_and_number_of_views(pooling: str, size: int | None) -> None:
    network = _network(image_pooling=pooling, image_size=size)
    for side, views in ((32, 1), (48, 3)):
        made = network.embed_image(torch.rand(2, views, 1, side, side), torch.ones(2, views))
        assert made.shape == (2, 12)
        assert torch.allclose(made.norm(dim=1), torch.ones(2), atol=1e-5)
    assert torch.allclose(network.embed_text(torch.rand(3, 10)).norm(dim=1), torch.ones(3), atol=1e-5)


def test_the_encoder_gives_what_the_vae_encodes() -> None:
    vae = SegVAE2D(base_channels=4, latent_channels=6).eval()
    image = (torch.rand(2, 1, 32, 32) > 0.7).float()
    wanted = vae.encode(image)
    assert torch.allclose(ImageEncoder(vae).posterior(image)[0], wanted, atol=1e-5)


def test_views_of_a_neuron_may_come_in_any_order() -> None:
    network, image, scale = _network(), torch.rand(1, 3, 1, 32, 32), torch.tensor([[1.0, 2.0, 3.0]])
    turned = network.embed_image(image[:, [2, 0, 1]], scale[:, [2, 0, 1]])
    assert torch.allclose(network.embed_image(image, scale), turned, atol=1e-5)


def test_the_scale_matters_only_where_it_is_an_input() -> None:
    image = torch.rand(1, 1, 1, 32, 32)
    for wanted in (True, False):
        network = _network(scale_input=wanted)
        near, far = (network.embed_image(image, torch.tensor([[scale]])) for scale in (0.5, 8.0))
        assert torch.allclose(near, far) is not wanted


def test_the_logit_scale_never_leaves_one_to_a_hundred() -> None:
    network, unit = _network(), torch.nn.functional.normalize(torch.rand(2, 12), dim=1)
    for value, factor in ((9.0, 100.0), (-3.0, 1.0), (math.log(20), 20.0)):
        network.logit_scale.data.fill_(value)
        assert torch.allclose(network.logits(unit, unit), factor * unit @ unit.T, rtol=1e-3)


def test_whitened_features_are_centred_and_of_one_spread() -> None:
    network = _network()
    features = torch.randn(500, 10) @ torch.diag(torch.logspace(0, 1, 10)) + 5
    network.whiten(features)
    white = (features - network.text_mean) @ network.text_whitening
    assert torch.allclose(white.mean(0), torch.zeros(10), atol=1e-3)
    spread = white.std(0)
    assert spread.max() / spread.min() < features.std(0).max() / features.std(0).min() / 2


def test_whitening_fewer_texts_than_dimensions_stays_finite() -> None:
    network = _network()
    network.whiten(torch.rand(2, 10))
    assert torch.isfinite(network.text_whitening).all()
    network.whiten(torch.ones(4, 10))
    assert torch.isfinite(network.text_whitening).all()


def test_the_shape_round_trips_as_plain_values() -> None:
    shape = NetworkShape(**SHAPE)
    assert NetworkShape.from_record(shape.record()) == shape
