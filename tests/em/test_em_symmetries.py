"""Test-time augmentation: what is exactly symmetric stays so, and what is not becomes so; embeddings as pairs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import nn

from neuropil.em.affinity_store import predict_volumes
from neuropil.em.embedding_affinities import embedding_affinities, inside
from neuropil.em.inference import Predictor, whole
from neuropil.em.module import EmModule
from neuropil.em.network import EmNetwork
from neuropil.em.offsets import affinity_offsets, pair
from neuropil.em.parameters import EmInferenceParameters, EmLossParameters, EmOptimizerParameters
from neuropil.em.symmetries import IDENTITY, Symmetry, symmetries
from neuropil.em.volume import open_volume
from neuropil.errors import InputError

ISOTROPIC, SECTIONS = (8.0, 8.0, 8.0), (30.0, 8.0, 8.0)
CASES = [(3, ISOTROPIC), (3, SECTIONS), (2, SECTIONS)]


class Exact(nn.Module):
    """Answers that follow from the grey values alone, so that they turn with the window.

    Where the second voxel of a pair lies outside, the affinity logit is 0; `wrong` adds what does not turn with it.
    """

    def __init__(self, dims: int, spacing_nm: tuple[float, ...], wrong: float = 0.0) -> None:
        super().__init__()
        self.offsets = affinity_offsets((16.0, 40.0), spacing_nm, dims)
        self.hyperparameters: dict[str, Any] = {
            "spatial_dims": dims, "offsets": self.offsets, "num_classes": 2, "spacing_nm": spacing_nm,
        }  # fmt: skip
        self.multiple = (1,) * dims
        self.dims, self.wrong = dims, wrong

    def forward(self, x: torch.Tensor, heads: Any) -> dict[str, torch.Tensor]:
        grey = x[:, 0]
        logits = []
        for offset in self.offsets:
            one = torch.zeros_like(grey)
            first, second = pair(grey.shape[-self.dims :], offset[-self.dims :])
            first, second = (slice(None), *first), (slice(None), *second)
            one[first] = grey[first] * grey[second] + (grey[first] - grey[second]).abs()
            logits.append(one)
        places = torch.arange(grey.shape[-1]) * self.wrong
        found = {
            "affinity": torch.stack(logits, 1) + places,
            "semantic": torch.stack([grey, grey**2], 1) + torch.tensor([0.0, 1.0]).view(-1, *[1] * self.dims) * places,
            "embedding": torch.stack([grey, grey.sin()], 1) + places,
        }
        return {name: found[name] for name in heads}


def _parameters(kind: str, size: tuple[int, int, int] = (32, 64, 64), **options: Any) -> EmInferenceParameters:
    return EmInferenceParameters(
        patch_size=size, accelerator="cpu", output_probs=True, embedding_affinities=True, symmetries=kind, **options
    )


def _volume(seed: int, shape: tuple[int, int, int] = (7, 12, 9)) -> Any:
    values = np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)
    return SimpleNamespace(raw=values, shape=shape)


def _predicted(network: Any, kind: str, volume: Any, **options: Any) -> dict[str, NDArray[np.float32]]:
    found = Predictor(network, _parameters(kind, **options)).predict(
        volume, whole(volume.shape), bounds=whole(volume.shape), mean=0.0, std=1.0
    )
    assert found.probabilities is not None and found.embedding_affinities is not None
    return {"affinity": found.affinities, "semantic": found.probabilities, "embedding": found.embedding_affinities}


@pytest.mark.parametrize(("dims", "spacing"), CASES)
@pytest.mark.parametrize("kind", ["flips", "all"])
def test_answers_that_turn_with_the_window_stay_what_they_are(dims: int, spacing: Any, kind: str) -> None:
    volume, network = _volume(0), Exact(dims, spacing)
    plain, mean = _predicted(network, "none", volume), _predicted(network, kind, volume)
    for name, values in plain.items():
        np.testing.assert_allclose(mean[name], values, atol=1e-6, err_msg=name)


@pytest.mark.parametrize(("dims", "spacing"), CASES)
def test_the_mean_of_any_answers_turns_with_the_window(dims: int, spacing: Any) -> None:
    volume, network = _volume(1, (6, 8, 8)), Exact(dims, spacing, wrong=0.3)
    plain, mean = _predicted(network, "none", volume), _predicted(network, "all", volume)
    assert np.abs(mean["affinity"] - plain["affinity"]).max() > 0.1
    for side in symmetries("all", dims, spacing)[::5]:
        raw = np.ascontiguousarray(side.apply(volume.raw))
        turned = _predicted(network, "all", SimpleNamespace(raw=raw, shape=raw.shape))
        np.testing.assert_allclose(side.undo(turned["semantic"]), mean["semantic"], atol=1e-5)
        for name in ("affinity", "embedding"):
            back = side.undo(turned[name])
            for channel, offset in enumerate(network.offsets):
                old = side.old_offset(offset)
                positive = tuple(abs(step) for step in old)
                first, second = pair(volume.shape, positive)
                where = first if old == positive else second
                target = network.offsets.index(positive)
                np.testing.assert_allclose(back[(channel, *where)], mean[name][(target, *first)], atol=1e-5)


def test_how_many_symmetries_there_are() -> None:
    counts = {
        (kind, dims, spacing): len(symmetries(kind, dims, spacing))  # type: ignore[arg-type]
        for kind in ("none", "flips", "all") for dims, spacing in CASES
    }  # fmt: skip
    assert [counts["none", *case] for case in CASES] == [1, 1, 1]
    assert [counts["flips", *case] for case in CASES] == [8, 8, 4]
    assert [counts["all", *case] for case in CASES] == [48, 16, 8]
    assert all(symmetries(kind, 3, ISOTROPIC)[0] == IDENTITY for kind in ("none", "flips", "all"))  # type: ignore[arg-type]
    assert len(set(symmetries("all", 3, ISOTROPIC))) == 48


@settings(max_examples=60)
@given(
    order=st.permutations(range(3)), flips=st.tuples(*[st.booleans()] * 3),
    offset=st.tuples(*[st.integers(-2, 2)] * 3), place=st.tuples(*[st.integers(2, 3)] * 3),
)  # fmt: skip
def test_a_symmetry_is_undone_and_turns_offsets_as_it_turns_voxels(
    order: Any, flips: Any, offset: Any, place: Any
) -> None:
    side = Symmetry(tuple(order), flips)
    places = np.stack(np.meshgrid(range(6), range(7), range(8), indexing="ij"))
    turned = np.stack([side.apply(axis) for axis in places])
    assert (side.undo(turned) == places).all()
    other = tuple(at + step for at, step in zip(place, offset, strict=True))
    moved = turned[(slice(None), *other)] - turned[(slice(None), *place)]
    assert tuple(moved) == side.old_offset(offset)


@pytest.mark.parametrize("dims", [2, 3])
def test_a_real_network_is_averaged_over_overlapping_windows_and_sizes_that_are_filled_up(
    grown: tuple[dict[str, Any], Path], dims: int
) -> None:
    torch.manual_seed(0)
    network = EmNetwork(
        encoder_name="residual_unet", feature_size=4, num_classes=2, emb_dim=2, spacing_nm=SECTIONS, spatial_dims=dims,
        offsets=affinity_offsets((30.0,), SECTIONS, dims),
    )  # fmt: skip
    parameters = _parameters("flips", (6, 21, 18))
    with open_volume(grown[1] / grown[0]["path"]) as volume:
        bounds = whole((9, 40, 33))
        predictor = Predictor(network, parameters)
        options = {"bounds": bounds, "mean": 140.0, "std": 45.0}
        complete = predictor.predict(volume, bounds, **options)
        part = predictor.predict(volume, ((2, 7), (11, 40), (0, 20)), **options)
    box = (slice(None), slice(2, 7), slice(11, 40), slice(0, 20))
    for name in ("affinities", "probabilities", "embedding_affinities"):
        values = getattr(complete, name)
        assert np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1 + 1e-6
        np.testing.assert_allclose(getattr(part, name), values[box], atol=1e-5, err_msg=name)


def test_embedding_affinities_are_of_the_distance_of_the_embeddings() -> None:
    embeddings = torch.tensor([[[[0.0, 1.0, 1.0, 4.0]]], [[[0.0, 0.0, 2.0, 2.0]]]])
    found = embedding_affinities(embeddings, [(0, 0, 1), (0, 0, 2), (1, 0, 0), (0, 0, 9)], 2.0).numpy()
    squared = np.array([[1.0, 4.0, 9.0], [5.0, 13.0, 0.0]])
    np.testing.assert_allclose(found[0, 0, 0, :3], np.exp(-squared[0] / 8), atol=1e-6)
    np.testing.assert_allclose(found[1, 0, 0, :2], np.exp(-squared[1, :2] / 8), atol=1e-6)
    assert (found[0, ..., 3:] == 0).all() and (found[2:] == 0).all()
    assert inside((1, 1, 4), [(0, 0, 1), (0, 0, -1), (0, 0, 9)]).sum((1, 2, 3)).tolist() == [3, 3, 0]


def test_codes_that_change_from_window_to_window_do_not_change_their_affinities() -> None:
    class Moody(Exact):
        """Every window has codes of its own: the same ones, moved by what its first voxel says."""

        def forward(self, x: torch.Tensor, heads: Any) -> dict[str, torch.Tensor]:
            found = super().forward(x, heads)
            found["embedding"] = found["embedding"] + 10 * x.flatten()[0]
            return found

    volume = _volume(2, (6, 30, 30))
    moody, calm = (_predicted(kind(3, ISOTROPIC), "none", volume, size=(6, 16, 16)) for kind in (Moody, Exact))
    np.testing.assert_allclose(moody["embedding"], calm["embedding"], atol=1e-4)
    # And a pair outside is judged by the affinity head.
    outside = inside(volume.shape, Exact(3, ISOTROPIC).offsets) == 0
    np.testing.assert_array_equal(moody["embedding"][outside], moody["affinity"][outside])


def test_embeddings_that_were_not_trained_are_refused(tmp_path: Path, grown: tuple[dict[str, Any], Path]) -> None:
    options = {
        "encoder_name": "residual_unet", "feature_size": 4, "num_classes": 2, "emb_dim": 2, "spacing_nm": [8.0] * 3,
        "offsets": [[1, 0, 0], [0, 1, 0], [0, 0, 1]], "spatial_dims": 3,
    }  # fmt: skip
    loss = EmLossParameters(weight_embedding=0).model_dump(mode="json")
    module = EmModule(options, loss, EmOptimizerParameters().model_dump(mode="json"))
    torch.save({"state_dict": module.state_dict(), "hyper_parameters": dict(module.hparams)}, tmp_path / "a.ckpt")
    volume = grown[1] / grown[0]["path"]
    with pytest.raises(InputError, match="weight_embedding=0"):
        list(predict_volumes([volume], tmp_path / "a.ckpt", tmp_path / "store", _parameters("none")))
