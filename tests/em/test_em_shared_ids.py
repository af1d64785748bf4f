"""Ids that parts share are counted as numpy counts them, once, and across crops of MICrONS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from neuropil.em import shared_ids as module
from neuropil.em.shared_ids import sentence, shared_ids

BOXES = {
    "train": [[0, 20], [0, 150], [0, 40]],
    "val": [[22, 30], [0, 150], [0, 40]],
    "test": [[32, 40], [0, 150], [0, 40]],
}


def _write(folder: Path, name: str, ids: NDArray[np.uint64], source: str = "folder") -> dict[str, Any]:
    with h5py.File(folder / f"{name}.h5", "w") as file:
        raw = file.create_dataset("volumes/raw", data=np.zeros(ids.shape, np.uint8))
        raw.attrs["resolution"] = (30, 8, 8)
        file.create_dataset("volumes/labels/neuron_ids", data=ids, chunks=(16, 64, 40))
    return {"name": name, "path": f"{name}.h5", "shape": list(ids.shape), "resolution_nm": [30, 8, 8],
            "labels": ["neuron_ids"], "digest": f"digest of {name}", "source": source}  # fmt: skip


def _ids(seed: int) -> NDArray[np.uint64]:
    """Ids above 2^53 in short runs, 0 and CREMI's `none` among them; each section has some of its own."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 12, (40, 150, 10)) + rng.integers(0, 2, (40, 1, 1)) * np.arange(40)[:, None, None]
    ids = np.where(values > 0, values.astype(np.uint64) + np.uint64(2**53), np.uint64(0)).repeat(4, axis=2)
    ids[:, :3] = np.uint64(2**64 - 1)
    return ids


def _expected(ids: NDArray[np.uint64], part: str, earlier: list[str]) -> dict[str, int]:
    def inside(name: str) -> NDArray[np.uint64]:
        values = ids[tuple(slice(*span) for span in BOXES[name])].ravel()
        return values[(values > 0) & (values < np.uint64(2**64 - 1))]

    here, before = inside(part), np.concatenate([inside(name) for name in earlier])
    also = np.isin(here, before)
    return {"ids": len(np.unique(here)), "shared_ids": len(np.unique(here[also])), "voxels": len(here),
            "shared_voxels": int(also.sum())}  # fmt: skip


def test_shares_are_those_of_a_count_over_the_whole_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TILE", 1 << 12)  # many tiles
    ids = _ids(1)
    record = _write(tmp_path, "a", ids)
    found = shared_ids([record], tmp_path, {"volumes": {"a": BOXES}}, tmp_path / "ledger.jsonl")
    assert found["a"] == {"val": _expected(ids, "val", ["train"]), "test": _expected(ids, "test", ["train", "val"])}
    assert 0 < found["a"]["test"]["shared_ids"] < found["a"]["test"]["ids"]


def test_a_second_run_reads_nothing_and_a_changed_split_is_counted_anew(tmp_path: Path) -> None:
    record = _write(tmp_path, "a", _ids(2))
    first = shared_ids([record], tmp_path, {"volumes": {"a": BOXES}}, tmp_path / "ledger.jsonl")
    (tmp_path / "a.h5").rename(tmp_path / "b.h5")
    assert shared_ids([record], tmp_path, {"volumes": {"a": BOXES}}, tmp_path / "ledger.jsonl") == first
    (tmp_path / "b.h5").rename(tmp_path / "a.h5")
    fewer = {"volumes": {"a": {name: BOXES[name] for name in ("train", "val")}}}
    assert set(shared_ids([record], tmp_path, fewer, tmp_path / "ledger.jsonl")["a"]) == {"val"}


def test_ids_are_compared_across_crops_of_microns_and_not_across_other_volumes(tmp_path: Path) -> None:
    split = {"volumes": {"a": {"train": BOXES["train"]}, "b": {"test": BOXES["test"]}}}
    for source, compared in (("microns", True), ("folder", False)):
        records = [_write(tmp_path, name, _ids(3), source) for name in ("a", "b")]
        found = shared_ids(records, tmp_path, split, tmp_path / f"{source}.jsonl")
        assert found == ({"b": {"test": _expected(_ids(3), "test", ["train"])}} if compared else {})


def test_the_sentence_gives_the_range_over_the_volumes() -> None:
    shared = {
        name: {"test": {"ids": 5, "shared_ids": 1, "voxels": 1000, "shared_voxels": voxels}}
        for name, voxels in (("a", 910), ("b", 250))
    }
    line = sentence(shared)
    assert line is not None and line.startswith("25 to 91 % of the labelled voxels of the test parts")
    assert sentence({}) is None and sentence({"a": {"val": shared["a"]["test"]}}) is None
