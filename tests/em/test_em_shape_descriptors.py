"""Local shape descriptors: as by their formula voxel by voxel, of each instance alone, and learned only where asked."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from neuropil.em.arrays import prepare_part
from neuropil.em.losses.shape import shape_loss
from neuropil.em.module import EmModule
from neuropil.em.network import EmNetwork
from neuropil.em.network_checkpoint import load_checkpoint
from neuropil.em.offsets import affinity_offsets
from neuropil.em.parameters import EmDataParameters, EmLossParameters, EmModelParameters, EmOptimizerParameters
from neuropil.em.patches import PatchDataset
from neuropil.em.shape_descriptors import descriptor_count, shape_descriptors
from neuropil.em.train import network_options


def _by_formula(
    ids: NDArray[Any], resolution: Any, sigma: float, dims: int, unknown: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The docstring of `shape_descriptors`, one voxel after the other."""
    result = np.zeros((descriptor_count(dims), *ids.shape))
    places = np.stack(np.meshgrid(*[np.arange(size) for size in ids.shape], indexing="ij"), -1)
    axes = range(3 - dims, 3)
    for voxel in np.argwhere(ids > 0):
        away = (places - voxel) * np.array(resolution) / sigma
        steps = np.abs(places - voxel)
        near = np.ones(ids.shape, bool)
        for axis in range(3):
            reach = int(2.5 * sigma / resolution[axis] + 0.5) if axis in axes else 0
            near &= steps[..., axis] <= reach
        weight = np.exp(-(away[..., 3 - dims :] ** 2).sum(-1) / 2) * near
        own = weight * (ids == ids[tuple(voxel)])
        mean = (own[..., None] * away).sum((0, 1, 2)) / own.sum()
        covariance = np.einsum("zyx,zyxi,zyxj->ij", own, away - mean, away - mean) / own.sum()
        values = [min(own.sum() / (weight * ~unknown).sum(), 1)]
        values += [np.clip((mean[a] + 1) / 2, 0, 1) for a in axes]
        values += [min(covariance[a, a], 1) for a in axes]
        for a, b in itertools.combinations(axes, 2):
            spread = max(np.sqrt(max(covariance[a, a] * covariance[b, b], 0)), 1e-3)
            values.append((np.clip(covariance[a, b] / spread, -1, 1) + 1) / 2)
        result[(slice(None), *voxel)] = values
    return result


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 999), shape=st.tuples(st.integers(1, 4), st.integers(2, 9), st.integers(2, 9)),
    resolution=st.sampled_from([(8.0, 8.0, 8.0), (30.0, 8.0, 9.0)]), sigma=st.floats(8.0, 30.0),
    dims=st.sampled_from([2, 3]),
)  # fmt: skip
def test_descriptors_are_those_of_the_formula(
    seed: int, shape: tuple[int, int, int], resolution: Any, sigma: float, dims: int
) -> None:
    rng = np.random.default_rng(seed)
    ids = np.kron(rng.integers(0, 4, [-(-size // 3) for size in shape]), np.ones((3, 3, 3), int))
    ids = ids[tuple(slice(size) for size in shape)]
    unknown = (ids == 0) & (rng.random(shape) < 0.5)
    found, known = shape_descriptors(ids, resolution, sigma, spatial_dims=dims, unknown=unknown)
    assert found.dtype == np.float32 and (known == (ids > 0)).all()
    np.testing.assert_allclose(found, _by_formula(ids, resolution, sigma, dims, unknown), atol=2e-3)


def test_an_instance_that_fills_the_window_is_as_large_as_it_and_not_moved() -> None:
    found, known = shape_descriptors(np.ones((21, 21, 21), int), (8.0, 8.0, 8.0), 16.0, spatial_dims=3)
    middle = found[:, 10, 10, 10]
    np.testing.assert_allclose(middle[[0, 1, 2, 3, 7, 8, 9]], [1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5], atol=1e-4)
    assert (middle[4:7] > 0.85).all() and known.all()
    assert (found[1, 0] > 0.8).all()  # at the border what is seen lies inwards


def test_a_neurite_along_an_axis_is_long_on_that_axis_only() -> None:
    ids = np.zeros((3, 15, 60), int)
    ids[1, 6:9] = 5
    found, known = shape_descriptors(ids, (8.0, 8.0, 8.0), 24.0, spatial_dims=3)
    assert found[6, 1, 7, 30] > 0.8 > 0.2 > found[5, 1, 7, 30] > found[4, 1, 7, 30]
    assert (found[:, known == 0] == 0).all()


def test_what_is_next_to_an_instance_does_not_change_its_descriptors() -> None:
    rng = np.random.default_rng(0)
    ids = np.zeros((6, 20, 20), int)
    ids[:, 4:15, 4:15] = 1
    other = np.where(ids == 0, rng.integers(2, 5, ids.shape), ids)
    alone, crowded = (shape_descriptors(one, (10.0, 8.0, 8.0), 20.0, spatial_dims=3)[0] for one in (ids, other))
    np.testing.assert_array_equal(alone[:, ids == 1], crowded[:, ids == 1])


def test_wide_windows_look_at_every_second_place_and_say_nearly_the_same() -> None:
    ids = np.kron(np.random.default_rng(1).integers(1, 4, (2, 4, 4)), np.ones((12, 12, 12), int))
    fine, _ = shape_descriptors(ids, (8.0, 8.0, 8.0), 63.0, spatial_dims=3)
    coarse, known = shape_descriptors(ids, (8.0, 8.0, 8.0), 64.0, spatial_dims=3)
    assert known.mean() > 0.9
    assert np.abs(coarse - fine)[:, known > 0].mean() < 0.02


def test_high_ids_are_counted_anew() -> None:
    ids = np.kron(np.array([[[7, 2]]]), np.ones((2, 4, 4), int))
    high = np.where(ids == 7, 1 << 40, ids)
    one, other = (shape_descriptors(some, (8.0,) * 3, 16.0, spatial_dims=3)[0] for some in (ids, high))
    np.testing.assert_array_equal(one, other)
    assert shape_descriptors(np.zeros((2, 3, 4), int), (8.0,) * 3, 16.0, spatial_dims=3)[1].sum() == 0


def test_voxels_that_are_not_known_change_neither_loss_nor_gradient() -> None:
    torch.manual_seed(0)
    logits, truth, known = torch.randn(2, 6, 5, 5), torch.rand(2, 6, 5, 5), torch.ones(2, 5, 5, dtype=torch.uint8)
    known[:, 2] = 0
    other = logits.clone()
    other[:, :, 2] = 40.0
    first, second = (values.requires_grad_() for values in (logits, other))
    losses = [shape_loss(values, truth, known) for values in (first, second)]
    for loss in losses:
        loss.backward()
    assert torch.equal(losses[0], losses[1]) and torch.equal(first.grad, second.grad)
    assert (second.grad[:, :, 2] == 0).all() and (second.grad[:, :, 1] != 0).any()
    assert shape_loss(truth.logit(), truth, known) < 1e-10 and shape_loss(logits, truth, known * 0) == 0


@pytest.mark.parametrize("sections", [True, False])
def test_the_head_is_there_and_learns_where_it_has_weight(
    grown: tuple[dict[str, Any], Path], tmp_path: Path, sections: bool
) -> None:
    record, folder = grown
    part = prepare_part(record, folder, [[0, 20], [0, 64], [0, 64]], tmp_path / "parts")
    model = EmModelParameters(
        type="vista2d" if sections else "vista3d", encoder_name="residual_unet", feature_size=4, num_classes=4
    )
    data = EmDataParameters(slice_mode=sections, patch_size=(8, 32, 32), samples_per_epoch=2)
    for weight in (0.0, 2.0):
        loss = EmLossParameters(weight_lsd=weight, lsd_sigma_nm=40.0, weight_semantic=0, weight_embedding=0)
        options = network_options(model, [part], lsd=weight > 0)
        dataset = PatchDataset(
            [part], offsets=options["offsets"], data=data, loss=loss, seed=0, validation=False,
            spacing_nm=options["spacing_nm"],
        )  # fmt: skip
        dataset.set_epoch(0)
        batch = {name: value[None] for name, value in dataset[0].items()}
        module = EmModule(options, loss.model_dump(mode="json"), EmOptimizerParameters().model_dump(mode="json"))
        losses = module.losses(module.network(batch["raw"], module._heads), batch)
        losses["loss"].backward()
        assert ("loss_lsd" in losses) == ("lsd" in module.network.heads) == ("descriptors" in batch) == (weight > 0)
        if weight:
            assert batch["descriptors"].shape[1] == (6 if sections else 10)
            assert module.network.heads["lsd"].weight.grad.abs().sum() > 0
            torch.testing.assert_close(losses["loss"], losses["loss_aff"] + 2 * losses["loss_lsd"])
        content = {"state_dict": module.state_dict(), "hyper_parameters": dict(module.hparams)}
        torch.save(content, tmp_path / "network.ckpt")
        assert load_checkpoint(tmp_path / "network.ckpt").network.hyperparameters == options


def test_the_other_heads_begin_as_they_do_without_it() -> None:
    options: dict[str, Any] = {
        "encoder_name": "residual_unet", "feature_size": 4, "num_classes": 3, "emb_dim": 2,
        "offsets": affinity_offsets((30.0,), (8.0,) * 3, 3), "spacing_nm": (8.0,) * 3, "spatial_dims": 3,
    }  # fmt: skip
    networks = []
    for lsd in (False, True):
        torch.manual_seed(1)
        networks.append(EmNetwork(**options, lsd=lsd))
    plain, helped = (network.state_dict() for network in networks)
    assert all(torch.equal(value, helped[name]) for name, value in plain.items())
    assert {name for name in helped if name not in plain} == {"heads.lsd.weight", "heads.lsd.bias"}
