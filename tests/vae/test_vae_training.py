"""A SegVAE is trained, kept, loaded and scored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from neuropil.errors import InputError
from neuropil.training.checkpoints import write_checkpoint
from neuropil.vae.baselines import Baselines
from neuropil.vae.load import load_vae
from neuropil.vae.network import SegVAE2D
from neuropil.vae.overlap import Overlap, depth_mae, mean_dice, mean_iou
from neuropil.vae.parameters import VaeParameters
from neuropil.vae.picture import draw_reconstructions
from neuropil.vae.scoring import score_vae
from neuropil.vae.train import train_vae, training_key
from neuropil.views.access import ViewAccess
from neuropil.views.parameters import ViewsParameters
from vae.view_folder import tiny, write_views


def test_training_lowers_the_loss_and_the_checkpoint_loads_without_being_told_its_widths(tmp_path: Path) -> None:
    train, validation = write_views(tmp_path, 6), write_views(tmp_path, 2, first=6)
    section = tiny(max_epochs=6, base_channels=6, skip_dropout=0.3, kld_warmup_steps=4)
    trained = train_vae(
        train, validation, views=ViewAccess(tmp_path), folder=tmp_path / "t", parameters=section, seed=1
    )
    first, last = trained.history[0], trained.history[-1]
    assert last["train/seg_loss"] < first["train/seg_loss"]
    assert {"val/loss", "val/kld_bottleneck", "val/kld_skip_1", "train/depth_loss"} <= last.keys()
    network = load_vae(trained.best)
    assert not network.training and network.latent_channels == 6
    assert network.encode(torch.zeros(1, 1, 16, 16)).shape == (1, 6, 2, 2)


@pytest.mark.parametrize("mode", ["variational", "deterministic"])
def test_a_fast_dev_run_without_validation_leaves_a_network(tmp_path: Path, mode: str) -> None:
    section = tiny(fast_dev_run=True, skip_mode=mode)
    train = write_views(tmp_path, 2)
    trained = train_vae(train, [], views=ViewAccess(tmp_path), folder=tmp_path / "t", parameters=section, seed=1)
    assert isinstance(load_vae(trained.best), SegVAE2D)


def test_the_same_training_gives_the_same_weights(tmp_path: Path) -> None:
    train = write_views(tmp_path, 2)

    def weights(folder: str, seed: int) -> list[torch.Tensor]:
        trained = train_vae(
            train, [], views=ViewAccess(tmp_path), folder=tmp_path / folder, parameters=tiny(), seed=seed
        )
        return list(load_vae(trained.best).parameters())

    one, again, other = weights("a", 1), weights("b", 1), weights("c", 2)
    assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
    assert not torch.equal(one[0], other[0])


def test_the_key_follows_what_changes_the_result() -> None:
    records = [{"neuron_name": "a", "mask": "m", "depth": "d"}]
    key = training_key(records, [], tiny())
    assert key == training_key(records, [], tiny(num_workers=2, accelerator="auto"))
    assert key != training_key(records, [], tiny(lr=1e-2))
    assert key != training_key(records, records, tiny())
    assert key == training_key(records, [], tiny(), ViewsParameters(cache_mib=5, online={"roll": {"probability": 1}}))
    online = training_key(records, [], tiny(), ViewsParameters(source="online"))
    rolled = ViewsParameters(source="online", online={"roll": {"probability": 1}})
    assert len({key, online, training_key(records, [], tiny(), rolled)}) == 3


def test_no_views_and_views_of_several_sizes_are_told_in_one_line(tmp_path: Path) -> None:
    mixed = write_views(tmp_path, 1) + write_views(tmp_path, 1, side=40, first=1)
    for records, said in (([], "no views"), (mixed, "2 sizes")):
        with pytest.raises(InputError, match=f"manifest_train: .*{said}"):
            train_vae(records, [], views=ViewAccess(tmp_path), folder=tmp_path / "t", parameters=tiny(), seed=1)


def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    write_checkpoint({"state_dict": {}, "hyper_parameters": {"kind": "neuropil.clip"}}, tmp_path / "clip.ckpt")
    with pytest.raises(InputError, match="no checkpoint of vae_pretrain"):
        load_vae(tmp_path / "clip.ckpt")


@pytest.mark.parametrize("bad", [{"lr": "abc"}, {"lr": 0}, {"base_channels": 1}, {"num_classes": 5}, {"no_such": 1}])
def test_parameters_out_of_range_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        VaeParameters.model_validate(bad)


def test_scores_stand_beside_their_baselines_with_intervals(tmp_path: Path) -> None:
    train, test = write_views(tmp_path, 3), write_views(tmp_path, 3, first=10)
    network = SegVAE2D(base_channels=4, latent_channels=3)
    scores = score_vae(network, test, train, views=ViewAccess(tmp_path), split="abc", seed=1)
    rows = scores["scores"]
    assert len(rows) == 12 and {row["n"] for row in rows} == {3} and {row["split"] for row in rows} == {"abc"}
    assert all(row["low"] <= row["score"] <= row["high"] for row in rows)
    assert scores["latents"].keys() == {"bottleneck", "skip_1", "skip_2", "skip_4"}
    assert score_vae(network, test, train, views=ViewAccess(tmp_path), split="abc", seed=1) == scores
    assert set(scores["per_class"]) == {row["method"] for row in rows}


def test_a_single_test_neuron_has_scores_without_intervals(tmp_path: Path) -> None:
    views = write_views(tmp_path, 1)
    network = SegVAE2D(base_channels=4, skip_mode="deterministic")
    scores = score_vae(network, views, views, views=ViewAccess(tmp_path), split="", seed=1)
    assert all(row["low"] is None for row in scores["scores"])
    nearest = [row["score"] for row in scores["scores"] if row["method"] == "nearest training view"]
    assert nearest == [1, 1, 0]  # the test view itself is in the training set


def test_overlap_of_the_truth_with_itself_is_perfect() -> None:
    truth = np.array([[0, 1], [2, 2]])
    depth = np.array([[0, 0.5], [0.5, 1.0]])
    overlap = Overlap(6)
    overlap.add("a", truth, truth, depth, depth)
    assert mean_iou(overlap.table()) == mean_dice(overlap.table()) == 1
    assert depth_mae(overlap.table()) == 0
    overlap.add("b", np.zeros_like(truth), truth, depth + 0.1, depth)
    assert mean_iou(overlap.table()) == 0.5
    assert depth_mae(overlap.table()) == pytest.approx(0.05)
    assert len(overlap.table()) == 2


def test_baselines_stay_inside_the_silhouette(tmp_path: Path) -> None:
    baselines = Baselines(write_views(tmp_path, 3), ViewAccess(tmp_path), 6)
    silhouette = np.zeros((32, 32), bool)
    silhouette[4:9, 4:20] = True
    for classes, depth in (baselines.majority(silhouette), baselines.nearest(silhouette)):
        assert np.array_equal(classes > 0, silhouette)
        assert np.array_equal(depth > 0, silhouette)


def test_the_picture_of_reconstructions_is_a_png(tmp_path: Path) -> None:
    picture = draw_reconstructions(SegVAE2D(base_channels=4), write_views(tmp_path, 2), ViewAccess(tmp_path))
    assert picture.startswith(b"\x89PNG")
