"""The nodes of volumes: gathered, converted, inspected, reported, drawn; all accounted for, nothing done twice."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import pytest

from em.defective import cells, image, write_volume
from neuropil.compute import ComputeParameters
from neuropil.datasets import IndexDataset, PictureDataset, TableDataset
from neuropil.errors import InputError
from neuropil.pipelines.ingestion.nodes import (
    convert_volumes,
    draw_volume_cards,
    gather_volumes,
    inspect_volumes,
    report_volume_defects,
)
from neuropil.sources.parameters import IngestionParameters
from neuropil.work.index import Index
from neuropil.work.skipped import Skipped

COMPUTE = ComputeParameters()


class Made(NamedTuple):
    """What the nodes of volumes return, in their order."""

    raw: Any
    volumes: Any
    log: Any
    inspections: Any
    defects: Any
    defect_sheet: Any
    cards: Any
    card_sheet: Any


def converted(tmp_path: Path, path: Path | None) -> tuple[Any, Any, Any]:
    parameters = IngestionParameters(sources=["folder"], volumes={"folder": {"path": path}})
    raw = gather_volumes(list(parameters.sources), parameters.volumes, parameters.http, 17, COMPUTE, tmp_path / "raw")
    return raw, *convert_volumes(raw, tmp_path / "raw", COMPUTE, tmp_path / "v")


def made(tmp_path: Path, path: Path | None) -> Made:
    raw, volumes, log = converted(tmp_path, path)
    store = tmp_path / "v"
    inspections = inspect_volumes(volumes, store, COMPUTE)
    report = report_volume_defects(volumes, inspections, log, raw, tmp_path / "raw", store)
    cards = draw_volume_cards(volumes, inspections, store, COMPUTE, tmp_path / "cards")
    return Made(raw, volumes, log, inspections, *report, *cards)


def volume(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        raw = file.create_dataset("volumes/raw", data=np.arange(8 * 9 * 10, dtype=np.uint8).reshape(8, 9, 10))
        raw.attrs["resolution"] = (30.0, 8.0, 8.0)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound volume, one whose labels are transposed, one of noise, one of two shapes, one torn."""
    place = tmp_path_factory.mktemp("in")
    ids = cells((24, 80, 80), (5, 1, 1))
    raw, size = image(ids), (40.0, 8.0, 8.0)
    noise = np.random.default_rng(0).integers(0, 256, raw.shape).astype(np.uint8)
    write_volume(place / "sound.h5", raw, {"neuron_ids": ids}, size)
    write_volume(place / "turned.h5", raw, {"neuron_ids": ids.transpose(0, 2, 1)}, size)
    write_volume(place / "noise.h5", noise, {"neuron_ids": ids}, size)
    write_volume(place / "oblong.h5", raw[:, :, :60], {"neuron_ids": ids[:, :, :60].transpose(0, 2, 1)}, size)
    (place / "torn.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + b"junk" * 99)
    return place


def test_volume_is_converted(tmp_path: Path) -> None:
    _, volumes, log = converted(tmp_path, volume(tmp_path / "tissue.h5"))
    (record,) = volumes
    assert record["name"] == "tissue" and record["shape"] == [8, 9, 10] and record["resolution_nm"] == [30, 8, 8]
    assert (tmp_path / "v" / record["path"]).exists()
    assert list(log) == [{"name": "tissue", "source": "folder", "state": "done", "reason": None}]


def test_corrupt_volume_among_others_is_left_out_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "in").mkdir()
    volume(tmp_path / "in" / "good.h5")
    (tmp_path / "in" / "torn.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + b"junk" * 99)
    with caplog.at_level(logging.WARNING):
        _, volumes, log = converted(tmp_path, tmp_path / "in")
    assert [record["name"] for record in volumes] == ["good"] and "torn" in caplog.text
    assert [(line["name"], line["state"]) for line in log] == [("good", "done"), ("torn", "refused")]


def test_only_corrupt_volumes_are_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "torn.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + b"junk" * 99)
    with pytest.raises(InputError, match=r"none of the 1 volumes can be used.*torn"):
        converted(tmp_path, tmp_path / "torn.h5")
    assert not list((tmp_path / "v").glob("*.h5"))


def test_volumes_of_an_earlier_run_leave_the_store_that_segmentation_reads(tmp_path: Path) -> None:
    converted(tmp_path, volume(tmp_path / "before.h5"))
    converted(tmp_path, volume(tmp_path / "after.h5"))
    assert [path.name for path in (tmp_path / "v").glob("*.h5")] == ["after.h5"]


def test_no_volume_path_skips_all_that_follows(tmp_path: Path) -> None:
    raw, *rest = made(tmp_path, None)
    assert "ingestion.volumes.folder.path" in raw.reason
    assert len(rest) == 7 and all(isinstance(output, Skipped) and output.reason == raw.reason for output in rest)


def test_every_volume_is_in_the_report_and_every_converted_one_has_a_card(tmp_path: Path, folder: Path) -> None:
    found = made(tmp_path, folder)
    rows = {row["volume"]: (row["severity"], row["check"]) for row in found.defects}
    assert rows == {
        "noise": ("severe", "noise"),
        "oblong": ("refused", "transposed labels"),
        "sound": ("none", "all"),
        "torn": ("refused", "cannot be used"),
        "turned": ("severe", "transposed labels"),
    }
    assert len(found.defects) == 5 and found.defects.note.startswith("Volumes: 4 of 5 have defects (noise: noise; ")
    assert [card["name"] for card in found.cards] == [record["name"] for record in found.volumes]
    assert all((tmp_path / "cards" / card["path"]).stat().st_size > 5000 for card in found.cards)


def test_what_the_nodes_make_can_be_saved_read_and_previewed(tmp_path: Path, folder: Path) -> None:
    found = made(tmp_path, folder)
    table = TableDataset(str(tmp_path / "out" / "defects.parquet"))
    table.save(found.defects)
    assert table.load()["severity"].value_counts().to_dict() == {"severe": 2, "refused": 2, "none": 1}
    assert len(table.preview()["data"]) == 5
    for name in ("defect_sheet", "card_sheet"):
        picture = PictureDataset(str(tmp_path / "out" / f"{name}.png"))
        picture.save(getattr(found, name))
        assert len(picture.preview()) > 20_000
    for name in ("log", "inspections", "cards"):
        index = IndexDataset(str(tmp_path / "out" / f"{name}.jsonl"))
        index.save(getattr(found, name))
        assert list(index.load()) == list(getattr(found, name)) and index.preview()["data"]


def test_sound_volumes_have_no_note_and_a_sheet_that_says_so(tmp_path: Path, folder: Path) -> None:
    found = made(tmp_path, folder / "sound.h5")
    assert found.defects.note is None and isinstance(found.defects, Index)
    assert [row["finding"] for row in found.defects] == ["no evident defect"]
    assert found.defect_sheet.startswith(b"\x89PNG")


def test_second_run_measures_and_draws_nothing_again_and_gives_the_same(tmp_path: Path, folder: Path) -> None:
    first = made(tmp_path, folder)
    ledgers = [tmp_path / "v" / "inspect.ledger.jsonl", tmp_path / "cards" / "cards.ledger.jsonl"]
    files = [*(tmp_path / "v").glob("*.h5"), *(tmp_path / "cards").glob("*.png"), *ledgers]
    assert len(files) == 3 + 3 + 2
    times = {file: file.stat().st_mtime_ns for file in files}
    second = made(tmp_path, folder)
    assert {file: file.stat().st_mtime_ns for file in times} == times
    for one, other in zip(first, second, strict=True):
        assert (one == other) if isinstance(one, bytes) else (list(one) == list(other))
