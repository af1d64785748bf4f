"""Preparing held-out parts: what is compared, what is kept between runs, what is told to be missing."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest

from neuropil.compute import ComputeParameters
from neuropil.em.scoring import connect_held_out, open_held_out, prepare, score, score_volumes
from neuropil.em.scoring.fault_picture import draw_faults

Grown = tuple[dict[str, Any], Path]
BOX = [[8, 32], [0, 64], [3, 64]]
EXTRA = {"baseline": {"quantile": 0.35, "seed_nm": 20.0}, "split": "s"}


@pytest.fixture(autouse=True)
def checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (prepare, score):
        monkeypatch.setattr(module, "load_checkpoint", lambda path: SimpleNamespace(extra=EXTRA, calibration=None))


def _split(name: str) -> dict[str, Any]:
    return {"hash": "s", "volumes": {name: {"test": BOX}}, "notes": ["a note"]}


def _segmentation(grown: Grown, output: Path, change: Any = None, classes: bool = False) -> dict[str, Any]:
    """The truth (or what `change` makes of it) as a segmentation; class probabilities that know all mitochondria."""
    record, folder = grown
    output.mkdir(exist_ok=True)
    with h5py.File(folder / record["path"]) as volume, h5py.File(output / "small.h5", "w") as file:
        ids = volume["volumes/labels/neuron_ids"][:]
        file["volumes/labels/neuron_ids"] = ids if change is None else change(ids, volume)
        if classes:
            mitochondria = volume["volumes/labels/mitochondria"][:] > 0
            file["volumes/probabilities"] = np.stack([~mitochondria, *[mitochondria * 0] * 2, mitochondria]).astype(
                np.float16
            )
    return {"name": record["name"], "path": "small.h5", "digest": record["digest"]}


def _connected(grown: Grown, segmentation: dict[str, Any], output: Path, store: Path) -> list[dict[str, Any]]:
    record, folder = grown
    found = connect_held_out(
        [record], folder, _split(record["name"]), [segmentation], output, Path("none"), store,
        compute=ComputeParameters(workers=1),
    )  # fmt: skip
    return list(found)


def _scored(grown: Grown, parts: list[dict[str, Any]], output: Path, store: Path) -> tuple[dict[str, Any], list[Any]]:
    opened = open_held_out(parts, store, grown[1], output)
    return score_volumes(opened, Path("none"), _split(grown[0]["name"]), seed=0)


def test_a_second_run_writes_nothing_and_another_segmentation_is_taken_up(grown: Grown, tmp_path: Path) -> None:
    output, store = tmp_path / "out", tmp_path / "store"
    segmentation = _segmentation(grown, output)
    first = _connected(grown, segmentation, output, store)
    times = {file: file.stat().st_mtime_ns for file in store.rglob("*") if file.is_file()}
    assert _connected(grown, segmentation, output, store) == first
    assert {file: file.stat().st_mtime_ns for file in store.rglob("*") if file.is_file()} == times
    segmentation = _segmentation(grown, output, lambda ids, _: np.ones_like(ids))
    second = _connected(grown, segmentation, output, store)
    assert second[0]["counts"]["network"] == 1 < first[0]["counts"]["network"]


def test_arrays_hold_the_components_of_the_part_alone(grown: Grown, tmp_path: Path) -> None:
    output, store = tmp_path / "out", tmp_path / "store"
    parts = _connected(grown, _segmentation(grown, output), output, store)
    with h5py.File(grown[1] / grown[0]["path"]) as volume:
        ids, raw = (volume[name][8:32, 0:64, 3:64] for name in ("volumes/labels/neuron_ids", "volumes/raw"))
    (part,) = open_held_out(parts, store, grown[1], output)
    assert part.shape == (24, 64, 61) and part.class_id == 1 and not part.background_counts
    truth = np.asarray(part.truth[:])
    assert (truth == np.asarray(part.network[:])).all()
    assert len(np.unique(np.stack([truth.ravel(), ids.ravel()], 1), axis=0)) == len(np.unique(truth))
    for part in open_held_out(parts, store, grown[1], output):
        assert (part.raw[3:9, 5, ::2] == raw[3:9, 5, ::2]).all() and (part.true_ids[:] == ids).all()


def test_the_truth_itself_scores_without_error_and_has_no_faults(grown: Grown, tmp_path: Path) -> None:
    output, store = tmp_path / "out", tmp_path / "store"
    parts = _connected(grown, _segmentation(grown, output, classes=True), output, store)
    scores, worst = _scored(grown, parts, output, store)
    found = {(row["task"].split()[0], row["metric"], row["method"]): row for row in scores["scores"]}
    for metric, best in (("VOI", 0), ("adapted Rand error", 0), ("merges", 0), ("AP-75", 1), ("normalised ERL", 1)):
        assert found["instances", metric, "network + mutex watershed"]["score"] == pytest.approx(best, abs=1e-9)
    for metric in ("AP-50", "AP-75", "panoptic quality", "class IoU", "object precision"):
        assert found["mitochondria", metric, "network, class by class"]["score"] == pytest.approx(1)
    assert found["mitochondria", "class IoU", "one segment"]["score"] < 0.5
    assert found["mitochondria", "class IoU", "network, class by class"]["chance"] < 0.5
    assert worst == [] and draw_faults([], worst) == b""
    assert scores["notes"] == ["a note"]


def test_what_is_annotated_and_cannot_be_scored_is_told(grown: Grown, tmp_path: Path) -> None:
    output, store = tmp_path / "out", tmp_path / "store"
    parts = _connected(grown, _segmentation(grown, output), output, store)
    assert parts[0]["classes"] == [] and "mitochondria" in parts[0]["unscored"]
    scores, _ = _scored(grown, parts, output, store)
    assert any("mitochondria" in note and "output_probs" in note for note in scores["notes"])
    assert not any(row["task"].startswith("mitochondria") for row in scores["scores"])


def test_a_segmentation_of_one_class_is_compared_with_that_class(grown: Grown, tmp_path: Path) -> None:
    output, store = tmp_path / "out", tmp_path / "store"
    segmentation = _segmentation(grown, output, lambda _, volume: volume["volumes/labels/mitochondria"][:])
    parts = _connected(grown, {**segmentation, "class_id": 3}, output, store)
    assert (parts[0]["labels"], parts[0]["class_id"]) == ("mitochondria", 3)
    scores, _ = _scored(grown, parts, output, store)
    found = {(row["metric"], row["method"]): row["score"] for row in scores["scores"]}
    assert found["panoptic quality", "network + mutex watershed"] == pytest.approx(1)
    assert found["panoptic quality", "one segment"] < 0.5  # background counts
    assert ("normalised ERL", "network + mutex watershed") not in found
    assert _connected(grown, {**segmentation, "class_id": 7}, output, store) == []  # nobody annotated it


def test_faults_name_the_ids_of_the_files_at_a_place_where_both_meet(grown: Grown, tmp_path: Path) -> None:
    output, store = tmp_path / "out", tmp_path / "store"
    pairs: list[np.ndarray[Any, Any]] = []

    def merged(ids: np.ndarray[Any, Any], _: Any) -> np.ndarray[Any, Any]:
        values, counts = np.unique(ids[8:32, :, 3:], return_counts=True)
        largest = values[values > 0][np.argsort(-counts[values > 0])]
        touching = next(b for b in largest[1:] if ((ids[8:32, :, 4:] == largest[0]) & (ids[8:32, :, 3:-1] == b)).any())
        pairs.append(np.array([largest[0], touching]))
        return np.where(np.isin(ids, pairs[0]), 10**6, ids)

    parts = _connected(grown, _segmentation(grown, output, merged), output, store)
    _, worst = _scored(grown, parts, output, store)
    rows = [row for row in worst if row["kind"] == "merge" and row["whole"] == 10**6]
    row = rows[0]
    assert {row["main"], row["part"]} == set(pairs[0].tolist()) and 0 < row["share"] < 1
    with h5py.File(grown[1] / grown[0]["path"]) as volume:
        ids = volume["volumes/labels/neuron_ids"]
        place = (row["z"], row["y"], row["x"])
        assert ids[place] == row["part"] and ids[row["main_z"], row["main_y"], row["main_x"]] == row["main"]
        around = ids[tuple(slice(max(0, at - 2), at + 3) for at in place)]
        assert (around == row["main"]).any()
    picture = draw_faults(open_held_out(parts, store, grown[1], output), worst)
    assert picture.startswith(b"\x89PNG")
