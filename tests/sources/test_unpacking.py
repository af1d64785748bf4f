"""Unpacking: the folder stands whole or not at all, and nothing an archive says of itself is believed."""

import io
import stat
import tarfile
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neuropil.errors import InputError, MachineError
from neuropil.sources import unpacking
from neuropil.sources.unpacking import MARK, unpack
from sources.archived import encrypted_flag, lying_size, special, tar_with, tarred, zipped

FILES = {"image/train.tif": b"II*\0" + bytes(range(256)) * 40, "seg/train.tif": b"II*\0labels", "read me.txt": b"hello"}
MOST = 10_000_000


def run(archive, folder, **options):
    return unpack(archive, folder, **{"most_bytes": MOST, **options})


def contents(folder):
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found.pop(MARK, None)
    return found


def refused(archive, tmp_path, words, **options):
    with pytest.raises(InputError, match=words) as caught:
        run(archive, tmp_path / "out", **options)
    assert "\n" not in str(caught.value) and str(archive) in str(caught.value)
    assert {path.name for path in tmp_path.iterdir()} <= {archive.name}, "something was left"


@pytest.mark.parametrize(
    "make",
    [
        lambda p: zipped(p / "a.zip", FILES),
        lambda p: zipped(p / "a", FILES, zipfile.ZIP_STORED),
        lambda p: zipped(p / "a.zip", FILES, zipfile.ZIP_BZIP2),
        lambda p: zipped(p / "a.zip", FILES, zipfile.ZIP_LZMA),
        lambda p: tarred(p / "a.tar", FILES),
        lambda p: tarred(p / "a.tar.gz", FILES, "w:gz"),
        lambda p: tarred(p / "a.bin", FILES, "w:bz2"),
        lambda p: tarred(p / "a.txz", FILES, "w:xz"),
    ],
)
def test_files_come_out_as_they_went_in(tmp_path, make):
    archive, folder = make(tmp_path), tmp_path / "out"
    paths = run(archive, folder)
    assert contents(folder) == FILES and paths == sorted(folder / name for name in FILES)


def test_only_what_is_wanted_is_unpacked_and_more_can_be_wanted_later(tmp_path):
    archive, folder = zipped(tmp_path / "a.zip", FILES), tmp_path / "out"
    assert run(archive, folder, wanted=lambda name: name.startswith("seg/")) == [folder / "seg/train.tif"]
    assert list(contents(folder)) == ["seg/train.tif"]
    assert run(archive, folder, wanted=lambda name: name.endswith(".txt")) == [folder / "read me.txt"]
    assert set(contents(folder)) == {"seg/train.tif", "read me.txt"}
    assert run(archive, folder, wanted=lambda name: False) == []


def test_what_was_unpacked_is_taken_as_it_is_also_without_the_archive(tmp_path, monkeypatch):
    archive, folder = tarred(tmp_path / "a.tar.gz", FILES, "w:gz"), tmp_path / "out"
    first = run(archive, folder)
    monkeypatch.setattr(unpacking, "opened", None)  # would fail if it were opened again
    assert run(archive, folder) == first
    archive.unlink()
    assert run(archive, folder) == first
    with pytest.raises(InputError, match="is not there"):
        (folder / "read me.txt").unlink()
        run(archive, folder)


def test_lost_changed_or_new_files_are_unpacked_anew(tmp_path):
    archive, folder = zipped(tmp_path / "a.zip", FILES), tmp_path / "out"
    run(archive, folder)
    (folder / "read me.txt").write_bytes(b"cut")
    (folder / "seg" / "train.tif").unlink()
    run(archive, folder)
    assert contents(folder) == FILES
    zipped(archive, {"new.txt": b"1"})
    run(archive, folder)
    assert contents(folder) == {"new.txt": b"1"}


def test_folder_of_another_maker_is_left_alone(tmp_path):
    archive, folder = zipped(tmp_path / "a.zip", FILES), tmp_path / "out"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="was not made by unpacking"):
        run(archive, folder)
    assert contents(folder) == {"mine.txt": b"mine"}


def test_names_of_other_systems_and_hidden_files(tmp_path):
    members = {
        "a\\b.txt": b"1",
        "./c//d.txt": b"2",
        "e/.hidden": b"3",
        "__MACOSX/e/._x": b"4",
        ".git/x": b"5",
        "f\\": b"",
    }
    folder = tmp_path / "out"
    run(zipped(tmp_path / "a.zip", members), folder)
    assert contents(folder) == {"a/b.txt": b"1", "c/d.txt": b"2"}


@pytest.mark.parametrize("name", ["../up.txt", "/etc/x", "a/../../x", "C:\\x", "..\\x", "\\\\host\\x", "//x"])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_name_that_climbs_refuses_the_whole(tmp_path, name, kind):
    make = zipped if kind == "zip" else tarred
    refused(make(tmp_path / f"a.{kind}", {**FILES, name: b"x"}), tmp_path, "leads out of the archive")
    refused(tmp_path / f"a.{kind}", tmp_path, "leads out", wanted=lambda name: name == "read me.txt")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_of_a_tar_are_not_made(tmp_path, kind):
    archive = tar_with(tmp_path / "a.tar", special("bad", kind, "/etc/passwd"))
    refused(archive, tmp_path, "a link|no regular file")
    folder = tmp_path / "out"
    assert run(archive, folder, wanted=lambda name: name == "good.swc") == [folder / "good.swc"]


def test_link_of_a_zip_is_not_made(tmp_path):
    info = zipfile.ZipInfo("bad")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    refused(tmp_path / "a.zip", tmp_path, "a link")


def test_bomb_is_refused_before_a_byte_is_written(tmp_path):
    big = bytes(40 << 20)
    refused(zipped(tmp_path / "a.zip", {"zeros": big}), tmp_path, "400 times its size", most_bytes=1 << 40)


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_packed_tar_that_is_a_bomb_is_refused(tmp_path, mode):
    archive = tarred(tmp_path / "a.tar", {"zeros": bytes(40 << 20), "x.txt": b"1"}, mode)
    refused(archive, tmp_path, "times its size", most_bytes=1 << 40)
    refused(archive, tmp_path, "unpacks to more than", most_bytes=1 << 40, wanted=lambda name: name == "x.txt")


def test_zip_whose_files_lie_over_one_another_is_refused(tmp_path):
    archive = zipped(tmp_path / "a.zip", {"a": bytes(range(256)) * 4000}, zipfile.ZIP_STORED)
    raw = archive.read_bytes()
    start, end = raw.index(b"PK\1\2"), raw.index(b"PK\5\6")
    entry, tail = raw[start:end], bytearray(raw[end:])
    tail[8:12] = (50).to_bytes(2, "little") * 2
    tail[12:16] = (50 * len(entry)).to_bytes(4, "little")
    archive.write_bytes(raw[:start] + entry * 50 + tail)
    refused(archive, tmp_path, "lie over one another", most_bytes=1 << 40)


def test_more_than_may_be_is_refused_by_what_is_wanted(tmp_path):
    archive = zipped(tmp_path / "a.zip", FILES)
    refused(archive, tmp_path, "more than the 100 that it may", most_bytes=100)
    assert len(run(archive, tmp_path / "out", most_bytes=100, wanted=lambda name: name == "read me.txt")) == 1


def test_size_that_lies_is_found_out(tmp_path):
    data = bytes(range(256)) * 400
    refused(lying_size(zipped(tmp_path / "a.zip", {"a": data}), 50), tmp_path, "damaged")
    refused(lying_size(zipped(tmp_path / "a.zip", {"a": data}), 200_000), tmp_path, "damaged|ends too early")


def test_encrypted_twice_named_and_file_that_is_a_folder_are_refused(tmp_path):
    refused(encrypted_flag(zipped(tmp_path / "a.zip", FILES)), tmp_path, "encrypted")
    with pytest.warns(UserWarning, match="Duplicate"):
        zipped(tmp_path / "a.zip", [("a", b"1"), ("a", b"2")])
    refused(tmp_path / "a.zip", tmp_path, "second member")
    refused(zipped(tmp_path / "a.zip", {"a": b"1", "a/b": b"2"}), tmp_path, "damaged")


@pytest.mark.parametrize("data", [b"", b"<html>sorry</html>", b"PK\3\4" + bytes(100), b"\x1f\x8b" + bytes(400)])
def test_what_is_no_archive_is_refused(tmp_path, data):
    (tmp_path / "a.zip").write_bytes(data)
    refused(tmp_path / "a.zip", tmp_path, "is no archive|damaged")


@pytest.mark.parametrize("make", [lambda p: zipped(p, FILES), lambda p: tarred(p, FILES, "w:gz")])
def test_damage_anywhere_is_one_line_or_harmless(tmp_path_factory, make):
    good = make(tmp_path_factory.mktemp("x") / "a").read_bytes()

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, len(good) - 1), st.integers(1, 255), st.booleans())
    def damaged(place, change, cut):
        folder = tmp_path_factory.mktemp("x")
        raw = bytearray(good)
        raw[place] ^= change
        (folder / "a").write_bytes(raw[:place] if cut else raw)
        try:
            run(folder / "a", folder / "out")
        except InputError as error:
            assert "\n" not in str(error)
            assert not (folder / "out").exists()
        assert {path.name for path in folder.iterdir()} <= {"a", "out"}

    damaged()


def test_header_of_a_tar_that_asks_for_gigabytes_is_refused(tmp_path):
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1 << 33
    (tmp_path / "a.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(2048))
    refused(tmp_path / "a.tar", tmp_path, "damaged")


def test_disk_without_room_is_told_before(tmp_path, monkeypatch):
    archive = zipped(tmp_path / "a.zip", FILES)
    monkeypatch.setattr(unpacking.shutil, "disk_usage", lambda _: type("usage", (), {"free": 1000}))
    with pytest.raises(MachineError, match="are to be unpacked"):
        run(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_a_killed_run_left_is_removed(tmp_path):
    archive = zipped(tmp_path / "a.zip", FILES)
    left = tmp_path / ".out.999999-0123abcd.part"
    left.mkdir()
    (left / "half").write_bytes(b"1")
    run(archive, tmp_path / "out")
    assert not left.exists()


def test_zip_beyond_four_gigabytes_of_listing_is_read(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, archive.open("big.txt", "w", force_zip64=True) as file:
        file.write(b"zip64")
    (tmp_path / "a.zip").write_bytes(buffer.getvalue())
    run(tmp_path / "a.zip", tmp_path / "out")
    assert contents(tmp_path / "out") == {"big.txt": b"zip64"}
