"""Published EM volumes from a server with faults: every source ends in the same HDF5, or in one clear line."""

import io
import json
import zipfile

import h5py
import numpy as np
import pytest

from loopback import Cut, Drop, Endless, Garbled, Html, Loopback, Redirect, Reply, Status
from neuropil.compute import ComputeParameters
from neuropil.errors import InputError
from neuropil.sources.gathering import gather_volumes
from neuropil.sources.http.parameters import HttpParameters
from neuropil.sources.parameters import VolumeSources
from neuropil.sources.volume_intake import take_in_volumes
from published_layouts import (
    CREMI_NAMES,
    FIRST_ROOT_ID,
    MITOEM2_FOLDERS,
    NO_CLEFT,
    checksum,
    tissue,
    write_cremi,
    write_mitoem1,
    write_mitoem1_zips,
    write_mitoem2,
    write_mitoem2_zip,
    write_precomputed,
    write_snemi_guide,
    write_snemi_mirror,
    write_snemi_zip,
)

A, B = tissue((12, 32, 32), cells=6), tissue((12, 32, 32), seed=1, cells=6)
QUICK = HttpParameters(backoff_s=0.01, backoff_most_s=0.05, connect_timeout_s=2, read_timeout_s=1, attempts=4)
COMPUTE = ComputeParameters()


@pytest.fixture
def server():
    with Loopback() as one:
        yield one


def gathered(store, http=QUICK, **sources):
    return gather_volumes(list(sources), VolumeSources(**sources), http, store, seed=1, compute=COMPUTE)


def converted(folder, **sources):
    """The arrays of every volume after conversion, by name, with the facts that are written beside them."""
    records = gathered(folder / "raw", **sources)
    volumes, _ = take_in_volumes(records, folder / "raw", folder / "volumes", COMPUTE)
    return {volume["name"]: read(folder / "volumes" / volume["path"]) for volume in volumes}


def read(path):
    with h5py.File(path) as file:
        labels = {name: one[()] for name, one in file["volumes/labels"].items()} if "volumes/labels" in file else {}
        raw = file["volumes/raw"]
        return {"raw": raw[()], "resolution": tuple(raw.attrs["resolution"]), **labels}


def same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert np.array_equal(one[name], other[name]), name
    return True


def refusal(folder, http=QUICK, **sources):
    with pytest.raises(InputError) as caught:
        gathered(folder, http, **sources)
    line = str(caught.value)
    assert "\n" not in line and "Traceback" not in line
    return line


def hostile_zip(name, data=b"x"):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("image/train-input.tif", b"II*\0")
        archive.writestr(name, data)
    return buffer.getvalue()


# SNEMI3D ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def snemi(server, tmp_path):
    """`snemi.zip` on the server, with its checksum."""
    archive = write_snemi_zip(tmp_path / "snemi.zip", A, B, scratch=tmp_path / "scratch")
    server.serve("/files/snemi.zip", archive.read_bytes())
    return {"zenodo": {"url": server.url("/files/snemi.zip?download=1"), "md5": checksum(archive, "md5")}}


def test_snemi_is_the_same_from_zip_guide_and_mirror(server, snemi, tmp_path):
    write_snemi_mirror(tmp_path / "mirror.h5", A)
    server.serve("/mirror", (tmp_path / "mirror.h5").read_bytes())
    mirror = {"url": server.url("/mirror"), "sha256": checksum(tmp_path / "mirror.h5", "sha256")}
    fetched = converted(tmp_path / "fetched", snemi3d=snemi)
    guide = converted(tmp_path / "guide", snemi3d={"path": write_snemi_guide(tmp_path / "snemi3d", A, B)})
    mirrored = converted(
        tmp_path / "mirrored", snemi3d={"origin": "mirror", "mirror_train": mirror, "mirror_test": None}
    )
    assert same(fetched["AC4"], guide["AC4"]) and same(fetched["AC4"], mirrored["AC4"])
    assert np.array_equal(fetched["AC4"]["raw"], A.raw) and np.array_equal(fetched["AC4"]["neuron_ids"], A.neurons)
    assert fetched["AC4"]["neuron_ids"].dtype == np.uint64 and fetched["AC4"]["resolution"] == (30, 6, 6)
    assert np.array_equal(fetched["AC3"]["raw"], guide["AC3"]["raw"]) and "neuron_ids" not in fetched["AC3"]


@pytest.mark.parametrize(
    "faults",
    [[Cut(5000), Cut(9000)], [Status(503), Drop()], [Status(429, retry_after="0")], [Html()], [Garbled(300)]],
    ids=["cut", "503", "429", "page", "wrong byte"],
)
def test_snemi_arrives_through_faults_that_pass(server, snemi, tmp_path, faults):
    server.fail("/files/snemi.zip", *faults)
    fetched = converted(tmp_path / "w", snemi3d=snemi)
    assert np.array_equal(fetched["AC4"]["raw"], A.raw) and len(server.asked("/files/snemi.zip")) > len(faults)


def test_a_second_run_asks_for_nothing_also_without_the_archive(server, snemi, tmp_path):
    first = list(gathered(tmp_path / "raw", snemi3d=snemi))
    asked = len(server.requests)
    assert list(gathered(tmp_path / "raw", snemi3d=snemi)) == first
    (tmp_path / "raw" / "snemi3d" / "snemi.zip").unlink()
    assert list(gathered(tmp_path / "raw", snemi3d=snemi)) == first and len(server.requests) == asked


def test_another_address_is_fetched_anew_and_the_old_unpacking_goes(server, snemi, tmp_path):
    (old,) = {record["raw"]["path"].split("/")[2] for record in gathered(tmp_path / "raw", snemi3d=snemi)}
    archive = write_snemi_zip(tmp_path / "other.zip", B, A, scratch=tmp_path / "other")
    server.serve("/new.zip", archive.read_bytes())
    moved = {"zenodo": {"url": server.url("/new.zip"), "md5": checksum(archive, "md5")}}
    fetched = converted(tmp_path, snemi3d=moved)
    assert (
        np.array_equal(fetched["AC4"]["raw"], B.raw) and not (tmp_path / "raw" / "snemi3d" / "unpacked" / old).exists()
    )


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Garbled(300), "was published"),
        (Html(), "a web page came instead of a zip archive"),
        (Status(404), "404"),
        (Endless(), "what came is not a zip archive"),
        (Redirect("http://localhost:1/elsewhere.zip"), "redirects to another host"),
    ],
    ids=["wrong checksum", "page", "gone", "endless", "other host"],
)
def test_faults_that_stay_are_one_line_with_address_and_field(server, snemi, tmp_path, fault, expected):
    server.fail("/files/snemi.zip", fault, times=20)
    line = refusal(tmp_path / "raw", snemi3d={**snemi, "most_gb": 0.002})
    assert expected in line and server.url("/files/snemi.zip") in line
    assert "ingestion.volumes.snemi3d.zenodo" in line and "ingestion.volumes.snemi3d.path" in line
    assert not list((tmp_path / "raw").rglob("*.tif"))


@pytest.mark.parametrize(
    "name", ["../../climbed.tif", "/etc/climbed.tif", "a/../../climbed.tif"], ids=["up", "root", "in and up"]
)
def test_a_zip_that_climbs_writes_nothing(server, tmp_path, name):
    server.serve("/climb.zip", hostile_zip(name))
    line = refusal(tmp_path / "w" / "raw", snemi3d={"zenodo": {"url": server.url("/climb.zip")}})
    assert "snemi.zip" in line
    assert not list(tmp_path.rglob("*climbed*")) and not list(tmp_path.rglob("*.tif"))


def test_a_zip_bomb_writes_nothing(server, tmp_path):
    bomb = hostile_zip("image/test-input.tif", bytes(64 << 20))
    assert len(bomb) < 100_000
    server.serve("/bomb.zip", bomb)
    line = refusal(tmp_path / "raw", snemi3d={"zenodo": {"url": server.url("/bomb.zip")}})
    assert "snemi.zip" in line and not list((tmp_path / "raw").rglob("*.tif"))


def test_a_zip_that_holds_something_else_is_one_line(server, tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "moved")
    server.serve("/other.zip", buffer.getvalue())
    line = refusal(tmp_path / "raw", snemi3d={"zenodo": {"url": server.url("/other.zip")}})
    assert "what was fetched holds no volume of SNEMI3D" in line


# CREMI --------------------------------------------------------------------------------------------------------------


def cremi(server, folder, forms=("cropped", "padded", "test")):
    """The samples A and B on the server, as parameters."""
    parameters = {"samples": ["A", "B"]}
    for form in forms:
        for file, sample in zip(write_cremi(folder, {"A": A, "B": B}, form), "AB", strict=True):
            server.serve(f"/static/data/{file.name}", file.read_bytes())
            if form != "test":
                parameters.setdefault(f"sha256_{form}", {})[sample] = checksum(file, "sha256")
        field = "unlabelled" if form == "test" else form
        parameters[field] = server.url("/static/data/") + CREMI_NAMES[form].format("{sample}")
    return parameters


def test_cremi_is_the_same_fetched_and_in_the_guides_layout(server, tmp_path):
    asked = cremi(server, tmp_path / "published")
    server.fail(f"/static/data/{CREMI_NAMES['cropped'].format('A')}", Cut(3000), Status(503))
    write_cremi(tmp_path / "cremi3d", {"A": A, "B": B}, "guide")
    fetched = converted(tmp_path / "fetched", cremi3d={**asked, "test": True})
    guide = converted(tmp_path / "guide", cremi3d={"path": tmp_path / "cremi3d", "samples": ["A", "B"]})
    assert set(fetched) == {"sample_A", "sample_B", "sample_A+", "sample_B+"}
    assert same(fetched["sample_A"], guide["sample_A"]) and same(fetched["sample_B"], guide["sample_B"])
    assert np.array_equal(fetched["sample_A"]["neuron_ids"], A.neurons)
    assert np.array_equal(fetched["sample_A"]["clefts"], np.where(A.clefts == NO_CLEFT, 0, A.clefts))


def test_padded_cremi_has_its_labels_where_their_offset_says(server, tmp_path):
    padded = converted(tmp_path / "w", cremi3d={**cremi(server, tmp_path / "published"), "form": "padded"})
    one, inside = padded["sample_B"], np.s_[3:-3, 8:-8, 8:-8]
    assert np.array_equal(one["raw"][inside], B.raw) and np.array_equal(one["neuron_ids"][inside], B.neurons)
    assert one["neuron_ids"].sum() == B.neurons.sum() and one["raw"].shape == (18, 48, 48)


def test_a_sample_of_another_checksum_is_named(server, tmp_path):
    asked = cremi(server, tmp_path / "published")
    asked["sha256_cropped"]["B"] = "0" * 64
    line = refusal(tmp_path / "raw", cremi3d=asked)
    assert "sample_B_20160501.hdf" in line and "0" * 64 in line and "ingestion.volumes.cremi3d.path" in line


# MitoEM -------------------------------------------------------------------------------------------------------------


def mitoem(server, folder, *, listed="archives", datasets=("beta", "mossy")):
    """Data sets on the server, with a list of checksums of the archives or of the files within, as parameters."""
    lines = []
    for dataset in datasets:
        cases = {"train": {"c1": A}, "val": {"c2": B}, "test": {"c3": A}}
        root = write_mitoem2(folder / "plain", cases, dataset, spacing=(1, 1, 1))
        archive = write_mitoem2_zip(root, folder)
        server.serve(f"/files/{archive.name}", archive.read_bytes())
        files = [archive] if listed == "archives" else sorted(root.rglob("*.nii.gz"))
        base = folder if listed == "archives" else root.parent
        lines += [f"{checksum(file, 'sha256')}  {file.relative_to(base).as_posix()}" for file in files]
    server.serve("/files/checksums.txt", "\n".join(lines).encode())
    address = server.url("/files/")
    return {"url": address + "{file}", "checksums": address + "checksums.txt", "datasets": list(datasets)}


@pytest.mark.parametrize("listed", ["archives", "files"])
def test_mitoem2_is_the_same_fetched_and_on_disk(server, tmp_path, listed):
    asked = mitoem(server, tmp_path / "published", listed=listed)
    server.fail(f"/files/{MITOEM2_FOLDERS['beta']}.zip", Cut(2000))
    fetched = converted(tmp_path / "fetched", mitoem2=asked)
    local = converted(tmp_path / "local", mitoem2={"path": tmp_path / "published" / "plain"})
    assert set(fetched) == {f"{name}_c{number}" for name in ("beta", "mossy") for number in (1, 2, 3)}
    assert all(same(fetched[name], local[name]) for name in fetched)
    one = fetched["beta_c2"]
    assert one["resolution"] == (16, 16, 16) and fetched["mossy_c1"]["resolution"] == (30, 8, 8)
    assert np.array_equal(one["raw"], B.raw)
    assert np.array_equal(one["classes"] == 3, B.semantic == 1) and np.array_equal(one["classes"] == 4, B.semantic == 2)
    assert one["mitochondria"].dtype == np.uint64


@pytest.mark.parametrize("listed", ["archives", "files"])
def test_mitoem2_of_another_checksum_is_one_line(server, tmp_path, listed):
    asked = mitoem(server, tmp_path / "published", listed=listed, datasets=("beta",))
    wrong = server.reply(type("Asked", (), {"path": "/files/checksums.txt"})()).body.split(b"\n")
    wrong[0] = b"0" * 64 + wrong[0][64:]
    server.serve("/files/checksums.txt", b"\n".join(wrong))
    line = refusal(tmp_path / "raw", mitoem2=asked)
    assert "0" * 64 in line and "was published" in line
    assert (f"{MITOEM2_FOLDERS['beta']}.zip" if listed == "archives" else ".nii.gz") in line


def test_checksums_that_cannot_be_had_say_how_to_go_without(server, tmp_path):
    asked = mitoem(server, tmp_path / "published", datasets=("beta",))
    server.serve("/files/checksums.txt", Reply(b"gone", 404))
    assert "ingestion.volumes.mitoem2.checksums" in refusal(tmp_path / "raw", mitoem2=asked)
    assert len(gathered(tmp_path / "raw", mitoem2={**asked, "checksums": None})) == 3


def test_the_first_mitoem_is_the_same_fetched_and_on_disk(server, tmp_path):
    folder = write_mitoem1(tmp_path / "mitoem2" / "rat", A, train=6, val=3)
    parts = {}
    for what, file in zip(("images", "labels"), write_mitoem1_zips(folder, tmp_path / "zips", "R"), strict=True):
        server.serve(f"/{file.name}", file.read_bytes())
        parts[what] = {"url": server.url(f"/{file.name}"), "sha256": checksum(file, "sha256")}
    fetched = converted(tmp_path / "fetched", mitoem2={"datasets": "rat", "rat": parts})
    local = converted(tmp_path / "local", mitoem2={"path": tmp_path / "mitoem2"})
    assert set(fetched) == {"rat_train", "rat_val"} and all(same(fetched[name], local[name]) for name in fetched)
    assert np.array_equal(fetched["rat_val"]["raw"], A.raw[6:9])
    assert np.array_equal(fetched["rat_val"]["mitochondria"], A.mitochondria[6:9])
    assert not server.asked("/files/checksums.txt")


# MICrONS ------------------------------------------------------------------------------------------------------------

OFFSET = (100, 200, 400)
CROP = {"start": (102, 205, 403), "size": (8, 20, 24)}
INSIDE = np.s_[2:10, 5:25, 3:27]


@pytest.fixture
def microns(server, tmp_path):
    """A precomputed volume on the server, as parameters."""
    server.serve_folder(write_precomputed(tmp_path / "minnie65", A, version=943, offset=OFFSET), "/minnie65/")
    return {
        "em": server.url("/minnie65/em"),
        "segmentation": server.url("/minnie65/seg_m{version}"),
        "version": 943,
        "crops": {"centre": CROP},
        "block": (8, 16, 16),
    }


def test_a_crop_of_microns_is_the_box_that_was_asked_for(microns, tmp_path):
    one = converted(tmp_path / "w", microns=microns)["minnie65_centre"]
    assert np.array_equal(one["raw"], A.raw[INSIDE]) and one["resolution"] == (40, 8, 8)
    expected = np.where(A.neurons > 0, A.neurons + np.uint64(FIRST_ROOT_ID), 0)[INSIDE]
    assert np.array_equal(one["neuron_ids"], expected) and one["neuron_ids"].dtype == np.uint64


def test_other_scales_and_images_alone_can_be_had(microns, tmp_path):
    crop = {"centre": {"start": (100, 102, 202), "size": (12, 12, 12)}}
    one = converted(tmp_path / "w", microns={**microns, "mip": 1, "crops": crop, "segmentation": None})
    one = one["minnie65_centre"]
    assert np.array_equal(one["raw"], A.raw[:, ::2, ::2][:, 2:14, 2:14]) and one["resolution"] == (40, 16, 16)
    assert "neuron_ids" not in one


def test_file_addresses_give_the_same_crop(microns, tmp_path):
    local = {**microns, "em": f"file://{tmp_path}/minnie65/em", "segmentation": f"file://{tmp_path}/minnie65/seg_m943"}
    fetched = converted(tmp_path / "a", microns=microns)["minnie65_centre"]
    assert same(fetched, converted(tmp_path / "b", microns=local)["minnie65_centre"])


def test_a_crop_comes_through_faults_that_pass(server, microns, tmp_path):
    for path in [path for path in server._answers if path.startswith("/minnie65/") and not path.endswith("info")]:
        server.fail(path, Status(503), Drop(), Cut(20))
    one = converted(tmp_path / "w", microns=microns)["minnie65_centre"]
    assert np.array_equal(one["raw"], A.raw[INSIDE])


def test_a_crop_goes_on_where_it_stopped(server, microns, tmp_path):
    microns["crops"] = {"whole": {"start": OFFSET, "size": (12, 32, 32)}}  # each block is one published chunk
    lost = "/minnie65/em/0/416-432_200-216_100-112"
    server.fail(lost, *[Status(503)] * 20)
    line = refusal(tmp_path / "w" / "raw", microns={**microns, "block": (12, 16, 16)})
    assert "1 of 4 blocks did not come" in line and server.url("/minnie65/em") in line and "503" in line
    server._faults.clear()
    asked = len(server.requests)
    one = converted(tmp_path / "w", microns={**microns, "block": (12, 16, 16)})["minnie65_whole"]
    assert np.array_equal(one["raw"], A.raw)
    again = [logged.request.path for logged in server.requests[asked:] if not logged.request.path.endswith("info")]
    assert sorted(again) == [lost, lost.replace("/em/", "/seg_m943/")]
    asked = len(server.requests)
    gathered(tmp_path / "w" / "raw", microns={**microns, "block": (12, 16, 16)})
    assert {logged.request.path.rpartition("/")[2] for logged in server.requests[asked:]} == {"info"}


def test_requests_name_the_project(server, microns, tmp_path):
    gathered(tmp_path / "raw", microns=microns)
    assert {logged.request.headers["user-agent"].split("/")[0] for logged in server.requests} == {"neuropil"}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"em": "/nowhere"}, "there is no such file"),
        ({"em": "/page"}, "/page/info: does not describe"),
        ({"em": "/else"}, "does not describe a Neuroglancer precomputed volume"),
        ({"mip": 5}, "has the scales 0 to 1"),
        ({"version": 117}, "seg_m117/info: there is no such file"),
        (
            {"crops": {"centre": {"start": (95, 205, 403), "size": (8, 8, 8)}}},
            "reaches from 100x200x400 to 112x232x432",
        ),
        ({"crops": {"centre": None}}, "none is set"),
    ],
    ids=["gone", "page", "something else", "no such mip", "no such version", "outside", "no crop"],
)
def test_what_is_wrong_with_a_crop_is_one_line_that_names_the_field(server, microns, tmp_path, changed, expected):
    server.serve("/page/info", b"<!DOCTYPE html><html></html>")
    server.serve("/else/info", json.dumps({"scales": 3}).encode())
    if "em" in changed:
        changed = {"em": server.url(changed["em"])}
    line = refusal(tmp_path / "raw", microns={**microns, **changed})
    assert expected in line and "ingestion.volumes.microns." in line


def test_a_server_that_is_not_there_is_one_line(tmp_path):
    quick = HttpParameters(backoff_s=0.01, backoff_most_s=0.02, attempts=2)
    line = refusal(tmp_path, quick, microns={"em": "http://127.0.0.1:9/em", "segmentation": None})
    assert "http://127.0.0.1:9/em: cannot be read" in line and "ingestion.volumes.microns.em" in line


def test_a_crop_that_is_no_longer_asked_for_leaves_the_store(microns, tmp_path):
    gathered(tmp_path / "raw", microns=microns)
    other = {"other": CROP, "centre": None}
    (record,) = gathered(tmp_path / "raw", microns={**microns, "crops": other})
    stores = [path.name for path in (tmp_path / "raw" / "microns").glob("*.zarr")]
    assert [f"microns/{name}" for name in stores] == [record["raw"]["path"]]


def test_empty_blocks_are_told(server, microns, tmp_path, caplog):
    for path in [path for path in server._answers if path.startswith("/minnie65/em/0/")]:
        server.serve(path, Reply(b"", 404))
    gathered(tmp_path / "raw", microns=microns)
    assert "4 of 4 blocks hold no image" in caplog.text
