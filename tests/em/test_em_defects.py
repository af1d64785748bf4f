"""The defects report: what is spoiled is named, what is sound is not; thresholds on real volumes."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from em.defective import Grey, Ids, cells, image, write_volume
from neuropil.compute import ComputeParameters
from neuropil.em.defects.defect import Defect, section_list
from neuropil.em.defects.known import known_defects
from neuropil.em.defects.report import note, report_defects
from neuropil.em.defects.rules import find_defects
from neuropil.em.defects.sheet import OF_ONE, STRIPS, chosen, draw_defect_sheet
from neuropil.em.defects.voxel_size import spacing_defects
from neuropil.em.inspection.inspect import inspect_volumes, inspection_of

SIZE = (10.0, 10.0, 10.0)
REAL = Path(os.environ.get("NEUROPIL_DATA", "none")) / "em"


@pytest.fixture(scope="module")
def tissue() -> tuple[Grey, Ids]:
    ids = cells((64, 96, 96))
    return image(ids), ids


def record_of(raw: Any, labels: dict[str, Any], size: tuple[float, float, float] = SIZE, **more: Any) -> dict[str, Any]:
    return {"name": "v", "shape": list(raw.shape), "resolution_nm": list(size), "labels": list(labels), **more}


def found(
    raw: Any, labels: dict[str, Any] | None = None, size: tuple[float, float, float] = SIZE, **more: Any
) -> dict[str, Defect]:
    labels = labels or {}
    box = more.get("annotated_box")
    defects = find_defects(record_of(raw, labels, size, **more), inspection_of(raw, labels, box))
    assert len({(one.check, one.label) for one in defects}) == len(defects)
    return {one.check: one for one in defects}


def test_sound_volume_has_no_defect(tissue: tuple[Grey, Ids]) -> None:
    raw, ids = tissue
    assert found(raw, {"neuron_ids": ids}) == {}


@pytest.mark.parametrize("name", ["fib25_train", "vnc_train"])
@pytest.mark.skipif(not REAL.is_dir(), reason="NEUROPIL_DATA is not set")
def test_real_volumes_have_no_defect_and_stay_far_from_every_threshold(name: str) -> None:
    import h5py

    with h5py.File(REAL / f"{name}.h5") as file:
        size = tuple(file["volumes/raw"].attrs["resolution"])
        raw, labels = file["volumes/raw"][:], {label: ids[:] for label, ids in file["volumes/labels"].items()}
    measured = inspection_of(raw, labels)
    assert find_defects(record_of(raw, labels, size), measured) == []
    assert min(measured["sections"]["structure"]) > 0.3 and max(measured["sections"]["modal"]) < 0.05
    difference = np.array(measured["sections"]["difference"][1:])
    assert difference.min() > 0.7 * np.median(difference)
    lengths = np.multiply(measured["proportions"]["lengths"], size)
    assert lengths.max() / lengths.min() < 1.35
    assert all(one["fit"]["shift"] == [0, 0, 0] for one in measured["labels"].values() if one["fit"])


def test_noise_is_one_severe_defect_and_labels_are_not_blamed(tissue: tuple[Grey, Ids]) -> None:
    noise = np.random.default_rng(0).normal(128, 30, tissue[0].shape).clip(0, 255).astype(np.uint8)
    defects = found(noise, {"neuron_ids": tissue[1]})
    assert set(defects) == {"noise"} and defects["noise"].severity == "severe"


def test_tissue_under_noise_of_twice_its_contrast_is_no_noise() -> None:
    ids = cells((24, 160, 160))
    raw = image(ids, noise=0).astype(float)
    noisy = 128 + (raw - raw.mean()) / 3 + np.random.default_rng(1).normal(0, 2 / 3 * raw.std(), raw.shape)
    assert "noise" not in found(noisy.clip(0, 255).astype(np.uint8))


def test_bad_sections_are_named_one_by_one(tissue: tuple[Grey, Ids]) -> None:
    raw, ids = tissue[0].copy(), tissue[1].copy()
    raw[10] = 0
    raw[20:23] = 130
    raw[30] = raw[29]
    raw[40] = raw[39] + (np.indices(raw[39].shape).sum(0) % 7 == 0)  # stored anew, a grey value off here and there
    raw[50] = np.random.default_rng(0).integers(0, 256, raw[50].shape)
    ids[60:] = 0
    defects = found(raw, {"neuron_ids": ids})
    assert {name: tuple(one.sections) for name, one in defects.items()} == {
        "constant sections": (10, 20, 21, 22),
        "repeated sections": (30, 40),
        "noise": (50,),
        "missing labels": (60, 61, 62, 63),
    }
    assert {one.severity for one in defects.values()} == {"minor"}
    assert "sections 10, 20-22" in defects["constant sections"].finding


def test_volume_without_an_image_is_severe(tissue: tuple[Grey, Ids]) -> None:
    defects = found(np.full(tissue[0].shape, 7, np.uint8), {"neuron_ids": tissue[1]})
    assert set(defects) == {"constant sections"} and defects["constant sections"].severity == "severe"
    frozen = np.repeat(tissue[0][:1], 30, 0)
    assert found(frozen)["repeated sections"].severity == "severe"


def test_transposed_misplaced_and_foreign_labels_are_told_apart(tissue: tuple[Grey, Ids]) -> None:
    raw, ids = tissue
    turned = found(raw, {"neuron_ids": ids.transpose(0, 2, 1)})["transposed labels"]
    assert turned.severity == "severe" and "axes in the order z x y" in turned.finding
    moved = found(raw, {"neuron_ids": np.roll(ids, (-8, 11), (1, 2))})["misplaced labels"]
    assert "+0 +8 -11 voxels" in moved.finding
    wide = image(cells((8, 320, 320)))
    assert "unrelated labels" in found(wide, {"neuron_ids": cells((8, 320, 320), seed=9)})


def test_labels_without_an_id_are_empty_and_a_stated_box_is_not_missing_labels(tissue: tuple[Grey, Ids]) -> None:
    raw, ids = tissue
    assert set(found(raw, {"clefts": np.zeros_like(ids)})) == {"empty labels"}
    assert set(found(raw, {"clefts": np.zeros_like(ids)}, instances={"clefts": 0})) == {"empty labels"}
    padded = np.zeros_like(ids)
    padded[8:56, 8:88, 8:88] = ids[8:56, 8:88, 8:88]
    assert found(raw, {"neuron_ids": padded}, annotated_box=[[8, 56], [8, 88], [8, 88]]) == {}
    assert "missing labels" in found(raw, {"neuron_ids": padded})


def test_low_contrast_and_clipping_are_told(tissue: tuple[Grey, Ids]) -> None:
    raw = tissue[0].astype(float)
    flat = found((100 + raw * 0.05).astype(np.uint8))
    assert "low contrast" in flat
    clipped = found((raw * 2.2 - 90).clip(0, 255).astype(np.uint8))
    assert set(clipped) == {"clipped"} and "white" in clipped["clipped"].finding


@pytest.mark.parametrize(
    ("size", "told"),
    [
        ((1, 1, 1), "never set"),
        ((0.03, 0.006, 0.006), "as micrometres it would be 30 x 6 x 6 nm"),
        ((1.6e-5, 1.6e-5, 1.6e-5), "as millimetres it would be 16 x 16 x 16 nm"),
        ((400, 40, 40), "as angstroms it would be 40 x 4 x 4 nm"),
        ((30, 6, 0.006), "have 2 to 200 nm"),
    ],
)
def test_voxel_sizes_that_cannot_be_are_told_with_the_unit_that_fits(
    size: tuple[float, float, float], told: str
) -> None:
    (defect,) = spacing_defects({"resolution_nm": size}, {"neighbours": 0.5, "lengths": (1.0, 9.0, 1.0)})
    assert defect.severity == "severe" and told in defect.finding


@pytest.mark.parametrize(
    "size", [(30, 6, 6), (40, 4, 4), (16, 16, 16), (30, 8, 8), (10, 10, 10), (50, 4.6, 4.6), (8, 8, 8)]
)
def test_voxel_sizes_of_published_volumes_are_plausible(size: tuple[float, float, float]) -> None:
    lengths = tuple(90 / step for step in size)
    assert spacing_defects({"resolution_nm": size}, {"neighbours": 0.5, "lengths": lengths}) == []
    assert spacing_defects({"resolution_nm": size}, None) == []


def test_voxel_size_that_the_image_contradicts_is_told() -> None:
    ids = cells((24, 160, 160), (5, 1, 1))
    tones = np.random.default_rng(1).integers(40, 220, int(ids.max()) + 1).astype(np.uint8)
    raw = tones[ids.astype(np.int64)]
    assert found(raw, size=(40, 8, 8)) == {}
    assert found(raw, size=(8, 8, 8))["voxel proportions"].severity == "minor"
    reversed_size = found(raw, size=(8, 8, 40))["voxel proportions"]
    assert reversed_size.severity == "severe" and "in the order x y z they would fit" in reversed_size.finding


def test_file_that_says_another_voxel_size_than_its_source_is_told() -> None:
    record = {"resolution_nm": [16, 16, 16], "provenance": {"resolution_in_file": [1, 1, 1]}}
    (defect,) = spacing_defects(record, None)
    assert defect.severity == "minor" and "the file says 1 x 1 x 1 nm" in defect.finding


def test_published_files_that_others_reported_are_known() -> None:
    def reports(name: str, source: str = "mitoem2") -> list[str]:
        return [one.report for one in known_defects({"name": name, "source": source})]

    assert len(reports("me2-jurkat_train02")) == 2 and "noise" in reports("macro_train02_0000")[0]
    assert "1.0" in reports("Dataset001_ME2-Beta_beta_train01")[0]
    assert reports("jurkat_train020") == reports("jurkat_train03") == reports("alphabeta") == []
    assert reports("jurkat_train02", "folder") == []


def test_sections_are_listed_with_ranges() -> None:
    chosen_ones = np.zeros(100, bool)
    chosen_ones[[3, 17, 18, 19]] = True
    assert section_list(chosen_ones) == "sections 3, 17-19"
    assert section_list(np.arange(5) == 2) == "section 2"
    assert section_list(np.arange(100) % 2 == 0).endswith("and 44 more")


@pytest.fixture(scope="module")
def reported(tissue: tuple[Grey, Ids], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A sound volume, a transposed one and one whose labels have another shape; all stand in one store."""
    folder = tmp_path_factory.mktemp("report")
    raw, ids = tissue
    oblong, its_ids = np.ascontiguousarray(raw[:, :, :72]), ids[:, :, :72]
    write_volume(folder / "good.h5", raw, {"neuron_ids": ids}, SIZE)
    write_volume(folder / "bad.h5", raw, {"neuron_ids": ids.transpose(0, 2, 1)}, SIZE)
    write_volume(folder / "oblong.h5", oblong, {"neuron_ids": its_ids.transpose(0, 2, 1)}, SIZE)
    write_volume(folder / "torn.h5", raw[:2], {}, SIZE).write_bytes(b"no HDF5")
    volumes = [{**record_of(raw, {"neuron_ids": 0}), "name": name, "path": f"{name}.h5", "digest": name}
               for name in ("good", "bad")]  # fmt: skip
    given = [{"name": name, "file": f"{name}.h5", "source": "folder"} for name in ("good", "bad", "oblong", "torn")]
    log = [{"name": one["name"], "source": "folder", "state": "done", "reason": None} for one in given]
    log[2] |= {"state": "refused", "reason": "oblong.h5: labels have shape (64, 72, 96), but raw has (64, 96, 72)"}
    log[3] |= {"state": "refused", "reason": "torn.h5: it is not HDF5"}
    inspections = inspect_volumes(volumes, folder, ComputeParameters())
    return folder, volumes, inspections, report_defects(volumes, inspections, log, given, folder)


def test_report_accounts_for_every_volume_and_says_what_to_do(reported: Any) -> None:
    table = list(reported[3][0])
    rows = {row["volume"]: row for row in table}
    assert len(rows) == len(table) == 4
    assert (rows["good"]["severity"], rows["good"]["finding"]) == ("none", "no evident defect")
    assert (rows["bad"]["severity"], rows["bad"]["check"]) == ("severe", "transposed labels")
    assert (rows["oblong"]["severity"], rows["oblong"]["check"]) == ("refused", "transposed labels")
    assert "neuron_ids fits with its axes in the order z x y" in rows["oblong"]["finding"]
    assert (rows["torn"]["severity"], rows["torn"]["check"]) == ("refused", "cannot be used")
    assert all(row["what_to_do"] for row in table if row["severity"] != "none")


def test_note_names_the_volumes_and_their_defects(reported: Any) -> None:
    assert reported[3][0].note == (
        "Volumes: 3 of 4 have defects (bad: transposed labels; oblong: refused; torn: refused)"
    )
    sound = [{"volume": "a", "severity": "none", "check": "all"}]
    assert note(sound) is None


def test_measured_volumes_are_not_measured_again(reported: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, volumes, inspections, _ = reported
    monkeypatch.setattr("neuropil.em.inspection.inspect.inspection_of", lambda *_: pytest.fail("measured again"))
    assert list(inspect_volumes(volumes, folder, ComputeParameters())) == list(inspections)


def test_changed_volume_is_measured_again(reported: Any) -> None:
    folder, volumes, *_ = reported
    changed = [{**volumes[0], "digest": "another"}]
    (again,) = inspect_volumes(changed, folder, ComputeParameters())
    assert again["digest"] == "another" and again["sections"]["share"] == 1


def pixels(png: bytes) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def yellow(picture: np.ndarray[Any, Any]) -> int:
    return int(((picture[..., 0] - picture[..., 2] > 100) & (picture[..., 1] > 120)).sum())


def test_sheet_shows_labels_as_they_are_and_where_they_fit(reported: Any) -> None:
    folder, _, _, (_, shown) = reported
    picture = pixels(draw_defect_sheet(shown, 4, folder, folder))
    for left in (362, 594):  # the two panels with outlines
        assert yellow(picture[:, left : left + 220]) > 500
    assert yellow(picture[:, :350]) == 0
    empty = pixels(draw_defect_sheet([], 4, folder, folder))
    assert (empty < 128).any()  # it says that there is none
    assert empty.shape[1] < 3 * empty.shape[0]  # a preview of Kedro-Viz stretches flatter pictures beyond reading


def test_sheet_has_severe_defects_first_and_is_bounded() -> None:
    def one(volume: int, severity: str, check: str) -> dict[str, Any]:
        return {"row": {"volume": volume, "severity": severity, "check": check}}

    many: Iterable[tuple[int, str]] = ((volume, check) for volume in range(30) for check in "abc")
    shown = [one(volume, "minor", check) for volume, check in many] + [one(99, "severe", "x"), one(98, "refused", "y")]
    drawn = chosen(shown)
    assert [strip["row"]["volume"] for strip in drawn[:2]] == [98, 99] and len(drawn) == STRIPS
    assert max(sum(strip["row"]["volume"] == volume for strip in drawn) for volume in range(30)) == OF_ONE


def test_volume_that_cannot_be_read_any_more_is_reported(tmp_path: Path) -> None:
    (tmp_path / "gone.h5").write_bytes(b"no HDF5")
    volumes = [{**record_of(np.zeros((2, 2, 2)), {}), "name": "gone", "path": "gone.h5", "digest": "d"}]
    inspections = inspect_volumes(volumes, tmp_path, ComputeParameters())
    log = [{"name": "gone", "source": "folder", "state": "done", "reason": None}]
    table, shown = report_defects(volumes, inspections, log, [], tmp_path)
    assert next(iter(table))["check"] == "unreadable"
    assert draw_defect_sheet(shown, 1, tmp_path, tmp_path).startswith(b"\x89PNG")
