"""Archives: members are read where they lie, hostile ones are named, the others are kept, nothing is extracted."""

import bz2
import contextlib
import gzip
import lzma
import os
import stat
import tarfile
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neuropil.errors import InputError
from neuropil.sources import archives, members
from neuropil.sources.archives import (
    BOMB,
    CLIMBS,
    ENCRYPTED,
    LINK,
    METHOD,
    NESTED,
    NO_FILE,
    TOO_LARGE,
    TWICE,
    DamagedArchiveError,
    list_members,
)
from neuropil.sources.members import read_member
from sources.archived import SWC, encrypted_flag, lying_size, special, tar_with, tarred, zipped

TWO = {"a.swc": SWC, "deep/er/b.CNG.swc": SWC.replace(b"20", b"30")}


def listed(path):
    return list(list_members(path, path.parent / "unpacked" / "x.tar"))


def problems(path):
    return {member.name: member.problem for member in listed(path)}


def read(path):
    return {member.name: read_member(member.place) for member in listed(path) if member.place}


def with_zip_info(path, **fields):
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("bad.swc")
        for key, value in fields.items():
            setattr(info, key, value)
        archive.writestr(info, "target")
        archive.writestr("good.swc", SWC)
    return path


@pytest.mark.parametrize(
    "make",
    [
        lambda p: zipped(p / "x.zip", TWO),
        lambda p: zipped(p / "x.ZIP", TWO, zipfile.ZIP_STORED),
        lambda p: tarred(p / "x.tar", TWO),
        lambda p: tarred(p / "x.tar.gz", TWO, "w:gz"),
        lambda p: tarred(p / "x.tgz", TWO, "w:gz"),
        lambda p: tarred(p / "x.tar.bz2", TWO, "w:bz2"),
        lambda p: tarred(p / "x.txz", TWO, "w:xz"),
    ],
)
def test_members_are_read_in_their_order(tmp_path, make):
    path = make(tmp_path)
    assert read(path) == TWO and [member.name for member in listed(path)] == list(TWO)
    assert {file.name for file in tmp_path.rglob("*") if file.is_file()} <= {path.name, "x.tar"}


def test_single_packed_file_is_an_archive_of_one(tmp_path):
    path = tmp_path / "cell.swc.gz"
    path.write_bytes(gzip.compress(SWC))
    assert read(path) == {"cell.swc": SWC}


@pytest.mark.parametrize("make", [lambda p, n: zipped(p / "x.zip", n), lambda p, n: tarred(p / "x.tar", n)])
def test_name_that_climbs_out_is_refused_and_the_others_kept(tmp_path, make):
    climbing = [
        "../x.swc",
        "a/../../x.swc",
        "/etc/x.swc",
        "C:\\x.swc",
        "c:x.swc",
        "..\\x.swc",
        "\\x.swc",
        "a/..\\..\\x.swc",
    ]
    path = make(tmp_path, [*((name, SWC) for name in climbing), ("good.swc", SWC), ("in\\folder.swc", SWC)])
    found = problems(path)
    assert {name for name, problem in found.items() if problem == CLIMBS} == set(climbing)
    assert found["good.swc"] is None and found["in\\folder.swc"] is None
    assert next(member for member in listed(path) if member.name == "in\\folder.swc").base == "folder.swc"


def test_links_and_devices_are_refused(tmp_path):
    path = tar_with(
        tmp_path / "x.tar",
        special("symbolic.swc", tarfile.SYMTYPE, "/etc/passwd"),
        special("hard.swc", tarfile.LNKTYPE, "good.swc"),
        special("device.swc", tarfile.CHRTYPE),
        special("pipe.swc", tarfile.FIFOTYPE),
    )
    assert problems(path) == {
        "symbolic.swc": LINK,
        "hard.swc": LINK,
        "device.swc": NO_FILE,
        "pipe.swc": NO_FILE,
        "good.swc": None,
    }
    path = with_zip_info(tmp_path / "x.zip", external_attr=(stat.S_IFLNK | 0o777) << 16, create_system=3)
    assert problems(path) == {"bad.swc": LINK, "good.swc": None}


def test_encrypted_members_are_refused(tmp_path):
    assert set(problems(encrypted_flag(zipped(tmp_path / "x.zip", TWO))).values()) == {ENCRYPTED}


def test_members_packed_by_another_method_are_refused(tmp_path):
    assert set(problems(zipped(tmp_path / "x.zip", TWO, zipfile.ZIP_LZMA)).values()) == {METHOD}


def test_second_member_of_a_name_and_archives_within_are_named(tmp_path):
    pairs = [("a.swc", SWC), ("a.swc", b"other"), ("in.zip", b"PK"), ("in.tar.gz", b""), ("b.swc", SWC)]
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = zipped(tmp_path / "x.zip", pairs)
    for archive in (path, tarred(tmp_path / "x.tar", pairs)):
        assert [member.problem for member in listed(archive)] == [None, TWICE, NESTED, NESTED, None]
        assert read(archive) == {"a.swc": SWC, "b.swc": SWC}


def test_hidden_files_and_those_of_macos_are_passed_over(tmp_path):
    path = zipped(tmp_path / "x.zip", {".a.swc": SWC, "__MACOSX/._a.swc": SWC, "cells/": b"", "cells/a.swc": SWC})
    assert list(problems(path)) == ["cells/a.swc"]


def test_bomb_is_refused_by_what_it_says(tmp_path):
    path = zipped(tmp_path / "x.zip", {"bomb.swc": b"\0" * (64 << 20), "good.swc": SWC})
    assert problems(path) == {"bomb.swc": BOMB, "good.swc": None}


def test_bomb_that_says_it_is_small_is_stopped_where_it_grows(tmp_path):
    path = lying_size(zipped(tmp_path / "x.zip", {"bomb.swc": b"\0" * (64 << 20)}), 1000)
    (member,) = listed(path)
    with pytest.raises(InputError, match="more than it may"):
        read_member(member.place)


def test_packed_file_that_grows_too_much_is_stopped(tmp_path):
    (tmp_path / "bomb.swc.gz").write_bytes(gzip.compress(b"\0" * (64 << 20)))
    (member,) = listed(tmp_path / "bomb.swc.gz")
    with pytest.raises(InputError, match="more than it may"):
        read_member(member.place)


@pytest.mark.parametrize("pack, suffix", [(gzip.compress, "gz"), (bz2.compress, "bz2"), (lzma.compress, "xz")])
def test_packed_tar_that_grows_too_much_is_refused_whole_and_leaves_nothing(tmp_path, pack, suffix):
    path = tmp_path / f"x.tar.{suffix}"
    path.write_bytes(pack(b"\0" * (64 << 20)))
    with pytest.raises(DamagedArchiveError, match=BOMB):
        listed(path)
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [path]


def test_members_that_lie_over_one_another_are_a_bomb(tmp_path):
    path = zipped(tmp_path / "x.zip", {f"{n}.swc": os.urandom(5000) for n in range(9)}, zipfile.ZIP_STORED)
    raw = bytearray(path.read_bytes())
    first = raw.find(b"PK\1\2")
    for start in range(first, len(raw) - 46):
        if raw[start : start + 4] == b"PK\1\2":
            raw[start + 20 : start + 24] = (20_000).to_bytes(4, "little")
    path.write_bytes(raw)
    with pytest.raises(DamagedArchiveError, match="over one another"):
        listed(path)


def test_member_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "LARGEST", 10)
    assert problems(zipped(tmp_path / "x.zip", {"a.swc": SWC})) == {"a.swc": TOO_LARGE}
    assert problems(tarred(tmp_path / "x.tar", {"a.swc": SWC})) == {"a.swc": TOO_LARGE}
    monkeypatch.setattr(members, "LARGEST", 10)
    (tmp_path / "a.swc.gz").write_bytes(gzip.compress(SWC))
    with pytest.raises(InputError, match="more than it may"):
        read_member(listed(tmp_path / "a.swc.gz")[0].place)


def test_wrong_checksum_concerns_its_member_only(tmp_path):
    path = zipped(tmp_path / "x.zip", TWO, zipfile.ZIP_STORED)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"10 0", b"11 0", 1))
    one, other = listed(path)
    with pytest.raises(InputError, match="checksum"):
        read_member(one.place)
    assert read_member(other.place) == TWO[other.name]


@pytest.mark.parametrize(
    "suffix, pack", [("zip", zipped), ("tar.gz", lambda p, m: tarred(p, m, "w:gz")), ("swc.gz", None)]
)
def test_torn_archive_is_damaged(tmp_path, suffix, pack):
    path = tmp_path / f"x.{suffix}"
    if pack:
        pack(path, {f"{n}.swc": os.urandom(500) for n in range(50)})
    else:
        path.write_bytes(gzip.compress(os.urandom(9000)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match="damaged"):
        read(path)


def test_torn_tar_gives_what_lies_before_the_tear(tmp_path):
    path = tarred(tmp_path / "x.tar", {f"{n}.swc": SWC for n in range(10)})
    path.write_bytes(path.read_bytes()[: 4 * 1024 + 600])
    found = []
    with pytest.raises(DamagedArchiveError):
        found.extend(member.name for member in list_members(path, tmp_path / "u"))
    stream = list_members(path, tmp_path / "u")
    assert [next(stream).name for _ in range(4)] == ["0.swc", "1.swc", "2.swc", "3.swc"]


def test_damaged_header_within_a_tar_is_told(tmp_path):
    path = tarred(tmp_path / "x.tar", {f"{n}.swc": SWC for n in range(4)})
    raw = bytearray(path.read_bytes())
    raw[2 * 1024 : 2 * 1024 + 100] = b"\xff" * 100
    path.write_bytes(raw)
    stream = list_members(path, tmp_path / "u")
    assert [next(stream).name, next(stream).name] == ["0.swc", "1.swc"]
    with pytest.raises(DamagedArchiveError, match="what follows is lost"):
        next(stream)


def test_tar_that_asks_for_gigabytes_of_name_is_damaged(tmp_path):
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1 << 33
    (tmp_path / "x.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + b"a" * 2048)
    with pytest.raises(DamagedArchiveError, match="a header of"):
        listed(tmp_path / "x.tar")


def test_tar_with_a_size_below_nought_ends(tmp_path):
    first, second = tarfile.TarInfo("a.swc"), bytearray(tarfile.TarInfo("b.swc").tobuf(tarfile.GNU_FORMAT))
    second[124:136] = b"\xff" * 8 + (-1024 & 0xFFFFFFFF).to_bytes(4, "big")
    second[148:156] = b"%06o\0 " % sum(second[:148] + b" " * 8 + second[156:])
    (tmp_path / "x.tar").write_bytes(first.tobuf(tarfile.GNU_FORMAT) + bytes(second) + b"\0" * 4096)
    with pytest.raises(DamagedArchiveError):
        listed(tmp_path / "x.tar")


def test_no_archive_at_all_is_damaged(tmp_path):
    for suffix in (".zip", ".tar", ".tar.gz", ".tar.bz2", ".tar.xz"):
        for content in (b"", b"<html>404</html>", os.urandom(2000)):
            path = tmp_path / f"x{suffix}"
            path.write_bytes(content)
            with pytest.raises(DamagedArchiveError):
                listed(path)


def test_listing_a_large_tar_holds_no_members(tmp_path):
    import tracemalloc

    peaks = []
    for count in (500, 5000):
        path = tarred(tmp_path / f"{count}.tar", {f"{n:06d}.swc": b"x" for n in range(count)})
        tracemalloc.start()
        assert sum(1 for _ in list_members(path, tmp_path / "u")) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 4500 * 300, "bytes: names only; a TarInfo takes over a thousand"


KINDS = ("zip", "tar", "tar.gz")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    zipped(folder / "x.zip", TWO)
    tarred(folder / "x.tar", TWO)
    tarred(folder / "x.tar.gz", TWO, "w:gz")
    return {kind: (folder / f"x.{kind}").read_bytes() for kind in KINDS}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.sampled_from(KINDS))
def test_no_damage_makes_the_reader_raise_anything_but_its_own_error(tmp_path, whole, data, kind):
    raw = bytearray(whole[kind])
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path, unpacked = tmp_path / f"x.{kind}", tmp_path / "u.tar"
    path.write_bytes(raw[: data.draw(st.none() | st.integers(0, len(raw)))])
    unpacked.unlink(missing_ok=True)
    with contextlib.suppress(InputError):
        for count, member in enumerate(list_members(path, unpacked)):
            assert count < 100
            if member.place:
                with contextlib.suppress(InputError):
                    read_member(member.place)
