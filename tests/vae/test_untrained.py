"""A checkpoint of a network that has seen nothing."""

from __future__ import annotations

from pathlib import Path

import torch

from neuropil.clip.encoder import load_encoder
from neuropil.vae.load import load_vae
from neuropil.vae.module import VaeModule
from neuropil.vae.untrained import write_untrained
from vae.view_folder import tiny


def test_its_seed_decides_the_weights_and_it_loads_as_any_other(tmp_path: Path) -> None:
    section = tiny(base_channels=6, image_size=16)
    one, same, other = (
        load_vae(write_untrained(tmp_path / "new" / f"{place}.ckpt", section, seed)).state_dict()
        for place, seed in enumerate((1, 1, 2))
    )
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)
    assert one.keys() == VaeModule(section).network.state_dict().keys()
    encoder, record = load_encoder(tmp_path / "new" / "0.ckpt")
    assert record["image_size"] == 16 and torch.equal(encoder.to_latent.mu.weight, one["to_latent.mu.weight"])
