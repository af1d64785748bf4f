"""A CLIP is trained, kept, and embeds from its checkpoint alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from clip.tiny_clip import WordCounts, facts_of, tiny, write_vae, write_views
from neuropil.clip.model import ClipModel, load_clip
from neuropil.clip.parameters import ClipParameters
from neuropil.clip.text import KnownTexts
from neuropil.clip.train import train_clip
from neuropil.errors import InputError
from neuropil.training.fit import Trained
from neuropil.views.access import ViewAccess
from neuropil.views.dataset import ViewDataset


def _train(root: Path, *, folder: str = "t", seed: int = 1, validate: bool = True, **changes: Any) -> Trained:
    return train_clip(
        vae_checkpoint=write_vae(root / "vae.ckpt"),
        train=write_views(root, range(8)),
        validation=write_views(root, range(8, 12)) if validate else [],
        views=ViewAccess(root),
        captions={f"n{number}": facts_of(number) for number in range(12)},
        parameters=tiny(**changes),
        seed=seed,
        folder=root / folder,
        text_encoder=WordCounts(),
    )


def _loaded(path: Path) -> ClipModel:
    model = load_clip(path)
    model._texts = KnownTexts(WordCounts())
    return model


def test_training_lowers_the_loss_and_the_checkpoint_alone_tells_shapes_apart(tmp_path: Path) -> None:
    trained = _train(tmp_path, max_epochs=12, learnable_temperature=True, lambda_kld=0.001)
    first, last = trained.history[0], trained.history[-1]
    assert last["train/loss"] < first["train/loss"]
    assert {"val/loss", "train/kld", "train/temperature", "train/hit"} <= last.keys()
    model = _loaded(trained.best)
    views = ViewDataset(write_views(tmp_path, range(20, 26)), tmp_path)
    batch = [views[index] for index in range(len(views))]
    images, latents = model.embed_views(
        torch.stack([view["image"] for view in batch]), torch.stack([view["um_per_px"] for view in batch])
    )
    texts = model.embed_prompts([["a rat basket cell", "a basket cell"], ["a rat pyramidal neuron"]])
    assert latents.shape == (12, 12)
    assert np.allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-5)
    wanted = [facts_of(int(view["neuron_name"][1:])).cell_class == "pyramidal" for view in views.records]
    assert ((images @ texts.T).argmax(1) == np.array(wanted)).mean() > 0.8


def test_a_checkpoint_holds_tensors_and_plain_values_only(tmp_path: Path) -> None:
    trained = _train(tmp_path, max_epochs=1)
    for path in (trained.best, trained.last):
        checkpoint = torch.load(path, weights_only=True)
        assert checkpoint["hyper_parameters"]["kind"] == "neuropil.clip"
    weights = torch.load(trained.best, weights_only=True)["state_dict"]
    assert not any("up." in name or "classes" in name for name in weights), "the decoder was left behind"


@pytest.mark.parametrize("loss", ["soft", "infonce", "siglip"])
def test_every_loss_runs_with_several_views_and_without_validation(tmp_path: Path, loss: str) -> None:
    trained = _train(tmp_path, validate=False, fast_dev_run=True, loss=loss, views_per_neuron=2, image_pooling="grid")
    assert np.isfinite(trained.history[-1]["train/loss"])
    assert trained.best.is_file()


def test_a_frozen_encoder_stays_as_it_was_and_a_free_one_does_not(tmp_path: Path) -> None:
    pretrained = torch.load(write_vae(tmp_path / "vae.ckpt"), weights_only=True)["state_dict"][
        "network.stem.0.0.weight"
    ]
    for freeze in (True, False):
        trained = _train(tmp_path, folder=f"{freeze}", freeze_encoder=freeze, max_epochs=1)
        weights = torch.load(trained.best, weights_only=True)["state_dict"]["network.encoder.stem.0.0.weight"]
        assert torch.equal(weights, pretrained) is freeze


def test_the_encoder_learns_at_its_own_rate_and_norms_do_not_decay(tmp_path: Path) -> None:
    trained = _train(tmp_path, max_epochs=1, encoder_lr_mult=0.1, lr_scheduler="constant", weight_decay=0.3)
    optimizer = torch.load(trained.last, weights_only=True)["optimizer_states"][0]
    rates = {(round(group["lr"], 6), group["weight_decay"]) for group in optimizer["param_groups"]}
    assert rates == {(5e-3, 0.3), (5e-3, 0.0), (5e-4, 0.3), (5e-4, 0.0)}


def test_a_second_call_returns_what_the_first_trained_and_other_data_train_anew(tmp_path: Path) -> None:
    first = _train(tmp_path, max_epochs=1)
    assert not first.reused
    assert _train(tmp_path, max_epochs=1).reused
    assert not _train(tmp_path, max_epochs=1, temperature=0.1).reused


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    one, two = (_train(tmp_path, folder=name, max_epochs=1) for name in "ab")
    first, second = (torch.load(trained.best, weights_only=True)["state_dict"] for trained in (one, two))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_one_neuron_is_too_few(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="two at least"):
        train_clip(
            vae_checkpoint=write_vae(tmp_path / "vae.ckpt"),
            train=write_views(tmp_path, [1]),
            validation=[],
            views=ViewAccess(tmp_path),
            captions={},
            parameters=tiny(),
            seed=0,
            folder=tmp_path / "t",
            text_encoder=WordCounts(),
        )


def test_other_checkpoints_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no checkpoint of clip_finetune"):
        load_clip(write_vae(tmp_path / "vae.ckpt"))
    with pytest.raises(InputError, match="no such checkpoint"):
        load_clip(tmp_path / "missing.ckpt")


def test_parameters_refuse_what_makes_no_sense() -> None:
    for wrong in (
        {"temperature": 0},
        {"batch_size": 1},
        {"caption_weights": {"broad": 0, "standard": 0, "detailed": 0, "morphometric": 0}},
        {"columns": {"colour": "x"}},
        {"loss": "other"},
        {"no_such_key": 1},
    ):
        with pytest.raises(ValidationError):
            ClipParameters.model_validate(wrong)
