"""A volume of another voxel size is segmented on the network's grid and brought back to its own."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from neuropil.compute import ComputeParameters
from neuropil.em.affinity_store import predict_volumes
from neuropil.em.module import EmModule
from neuropil.em.network_checkpoint import save_calibrated
from neuropil.em.offsets import affinity_offsets
from neuropil.em.parameters import EmInferenceParameters
from neuropil.em.regridding import back, grid_box, on_grid
from neuropil.em.segment import decode_volumes
from neuropil.em.volume import open_volume
from neuropil.em.windows import blocks

SHAPE, FINE = (10, 48, 36), (30.0, 4.0, 4.0)


@pytest.fixture
def fine(tmp_path: Path) -> Path:
    """A volume of 30 x 4 x 4 nm whose ids are columns of 8 x 6 voxels."""
    path = tmp_path / "fine.h5"
    columns = np.arange(48)[:, None] // 8 * 6 + np.arange(36)[None] // 6 + 1 + 2**50
    with h5py.File(path, "w") as file:
        file["volumes/raw"] = np.random.default_rng(0).integers(0, 256, SHAPE).astype(np.uint8)
        file["volumes/raw"].attrs["resolution"] = FINE
        file["volumes/labels/neuron_ids"] = np.broadcast_to(columns, SHAPE).astype(np.uint64)
    return path


@pytest.mark.parametrize("spacing", [(30.0, 8.0, 8.0), (40.0, 6.5, 5.3), (20.0, 2.0, 3.0)])
def test_a_voxel_of_the_grid_is_the_same_in_whatever_box_it_is_read(fine: Path, spacing: tuple[float, ...]) -> None:
    with open_volume(fine) as volume:
        seen = on_grid(volume, spacing, 3)
        everything = (slice(None),) * 3
        raw, ids = seen.raw[everything], seen.labels["neuron_ids"][everything]
        extent = np.multiply(seen.shape, seen.resolution_nm) / np.multiply(SHAPE, FINE)
        assert raw.shape == ids.shape == seen.shape and np.abs(extent - 1).max() < 0.1
        assert ids.dtype == np.uint64 and set(np.unique(ids)) <= set(np.unique(volume.labels["neuron_ids"][:]))
        for z, y, x in blocks(((0, seen.shape[0]), (0, seen.shape[1]), (0, seen.shape[2])), (3, 7, 5)):
            box = (slice(*z), slice(*y), slice(*x))
            assert seen.raw[box] == pytest.approx(raw[box], abs=1e-3)
            assert (seen.labels["neuron_ids"][box] == ids[box]).all()


def test_a_volume_near_the_networks_voxel_size_is_left_as_it_is(fine: Path) -> None:
    with open_volume(fine) as volume:
        assert on_grid(volume, (30.0, 4.8, 3.4), 3) is volume
        assert on_grid(volume, (90.0, 4.0, 4.0), 2) is volume
        assert on_grid(volume, (90.0, 8.0, 8.0), 2).shape == (10, 24, 18)


@pytest.mark.parametrize("grid", [(10, 24, 18), (5, 96, 50), (13, 48, 36)])
def test_boxes_of_a_grid_fill_the_volume_once(grid: tuple[int, int, int]) -> None:
    ids = np.arange(1, np.prod(grid) + 1).reshape(grid)
    whole = ((0, grid[0]), (0, grid[1]), (0, grid[2]))
    parts = ((box, ids[tuple(slice(*span) for span in box)]) for box in blocks(whole, (4, 11, 7)))
    found = np.zeros(SHAPE, int)
    for box, values in back(parts, grid, SHAPE):
        where = tuple(slice(*span) for span in box)
        assert (found[where] == 0).all()
        found[where] = values
    centres = [((np.arange(new) + 0.5) * old / new).astype(int) for new, old in zip(SHAPE, grid, strict=True)]
    assert (found == ids[np.ix_(*centres)]).all()


def test_a_box_of_the_volume_becomes_the_voxels_inside_it() -> None:
    assert grid_box([[0, 10], [4, 47], [0, 1]], SHAPE, (10, 24, 18)) == ((0, 10), (2, 23), (0, 1))


@pytest.mark.parametrize("dims", [2, 3])
def test_instances_and_probabilities_come_out_on_the_volumes_own_grid(fine: Path, tmp_path: Path, dims: int) -> None:
    spacing = (30.0, 8.0, 8.0)
    options = {
        "encoder_name": "residual_unet", "feature_size": 4, "num_classes": 2, "emb_dim": 2, "spacing_nm": list(spacing),
        "offsets": [list(offset) for offset in affinity_offsets((30.0,), spacing, dims)], "spatial_dims": dims,
    }  # fmt: skip
    torch.manual_seed(0)
    module = EmModule(options, {}, {})
    source = tmp_path / "network.ckpt"
    torch.save(
        {"state_dict": module.state_dict(), "hyper_parameters": {"network": options},
         "pytorch-lightning_version": "2"}, source,
    )  # fmt: skip
    checkpoint = save_calibrated(
        source, tmp_path / "calibrated.ckpt", {"decoding": {"bias_near": 0.0, "bias_far": 0.0}}
    )
    p = EmInferenceParameters(
        patch_size="8x16x16", block_size="6x16x16", accelerator="cpu", output_probs=True,
        decoding={"method": "mutex_watershed", "block_size": "6x16x16", "overlap": "2x4x4", "min_size": 1},
    )  # fmt: skip
    records = list(predict_volumes([fine], checkpoint, tmp_path / "zarr", p))
    assert records[0]["grid"] == [10, 24, 18] and records[0]["shape"] == list(SHAPE)
    made = list(
        decode_volumes(
            records,
            tmp_path / "zarr",
            checkpoint,
            tmp_path / "out",
            p,
            compute=ComputeParameters(workers=1, scheduler=None),
            seed=1,
        )
    )
    assert made[0]["shape"] == list(SHAPE) and made[0]["resolution_nm"] == list(FINE)
    with h5py.File(tmp_path / "out" / "fine.h5") as file:
        ids = file["volumes/labels/neuron_ids"]
        assert ids.shape == SHAPE and tuple(ids.attrs["resolution"]) == FINE
        assert ids[:].min() > 0
        assert (ids[:, ::2, ::2] == ids[:, 1::2, 1::2]).all(), "one voxel of the grid is two by two of the volume"
        assert len(np.unique(ids[:])) > 1
        probabilities = file["volumes/probabilities"]
        assert probabilities.shape == (2, *SHAPE) and (probabilities[:, :, ::2] == probabilities[:, :, 1::2]).all()
