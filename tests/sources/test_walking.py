"""The walk: one order, nothing outside the folder, nothing that would block, everything accounted for."""

import os
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from neuropil.sources.walking import LINK_NOWHERE, LINK_OUT, NO_FILE, walk


def is_swc(name):
    return name.lower().endswith(".swc")


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    return path


def found(root):
    return {str(one.path.relative_to(root)): one.problem for one in walk(root, is_swc)}


def test_order_is_that_of_the_sorted_paths(tmp_path):
    names = ["b.swc", "a/z.swc", "a/b/c.swc", "a-b/x.swc", "a.swc", "C.SWC", "ä.swc", "b/1.swc", "a/b.swc"]
    for name in names:
        touch(tmp_path / name)
    paths = [one.path for one in walk(tmp_path, is_swc)]
    assert paths == sorted(tmp_path / name for name in names)


def test_two_thousand_folders_deep_is_no_trouble(tmp_path):
    folder, made = str(tmp_path), []
    while len(folder) + 20 < os.pathconf("/", "PC_PATH_MAX"):
        folder += "/d"
        os.mkdir(folder)  # noqa: PTH102 (pathlib recurs)
        made.append(folder)
    file = f"{folder}/a.swc"
    os.close(os.open(file, os.O_CREAT))
    try:
        assert len(list(walk(tmp_path, is_swc))) == 1 and len(made) > sys.getrecursionlimit()
    finally:
        os.unlink(file)  # noqa: PTH108
        for folder in reversed(made):
            os.rmdir(folder)  # noqa: PTH106


def test_links_that_lead_out_in_a_circle_or_nowhere_are_named_and_not_followed(tmp_path):
    root = tmp_path / "cells"
    inside = touch(root / "in.swc")
    secret = touch(tmp_path / "cells-outside" / "secret.swc")
    (root / "within.swc").symlink_to(inside)
    (root / "out.swc").symlink_to(secret)
    (root / "out").symlink_to(secret.parent)
    (root / "up").symlink_to(root)
    (root / "self.swc").symlink_to(root / "self.swc")
    (root / "gone.swc").symlink_to(root / "nothing")
    (root / "self").symlink_to(root / "self")
    assert found(root) == {
        "in.swc": None,
        "within.swc": None,
        "out.swc": LINK_OUT,
        "out": LINK_OUT,
        "self.swc": LINK_NOWHERE,
        "gone.swc": LINK_NOWHERE,
    }


def test_pipes_sockets_and_devices_are_named_and_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.swc")
    (tmp_path / "device.swc").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket.swc"))
        assert found(tmp_path) == {"pipe.swc": NO_FILE, "device.swc": LINK_OUT, "socket.swc": NO_FILE}


def test_hidden_files_are_passed_over_and_others_counted(tmp_path):
    for name in (".hidden.swc", "._a.swc", "notes.TXT", "more.txt", "README"):
        touch(tmp_path / name)
    others = Counter()
    assert list(walk(tmp_path, is_swc, others)) == []
    assert others == {".txt": 2, "": 1}


def test_a_folder_named_like_a_file_is_a_folder(tmp_path):
    touch(tmp_path / "folder.swc" / "a.swc")
    assert found(tmp_path) == {"folder.swc/a.swc": None}


UNREADABLE = """
import os, sys
from pathlib import Path
from neuropil.sources.walking import walk
if os.getuid() == 0:
    os.setgid(65534); os.setuid(65534)
for one in walk(Path(sys.argv[1]), lambda name: name.endswith(".swc")):
    print(one.path.name, one.problem, sep="|")
"""


def test_folder_that_cannot_be_read_is_one_entry_and_the_rest_goes_on(tmp_path):
    root = tmp_path / "cells"
    touch(root / "closed" / "x.swc")
    touch(root / "z.swc")
    temporary = Path(tempfile.gettempdir())
    for folder in (root, *root.parents):  # the process that looks is not the one that made them
        if folder.is_relative_to(temporary) and folder != temporary:
            folder.chmod(0o755)
    (root / "closed").chmod(0)
    try:
        source = Path(__file__).parents[2] / "src"
        done = subprocess.run(
            [sys.executable, "-c", UNREADABLE, str(root)],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(source)},
        )
    finally:
        (root / "closed").chmod(0o755)
    if "PermissionError" in done.stderr or "ModuleNotFoundError" in done.stderr:
        pytest.skip("another user cannot reach the temporary folder or the packages")
    assert done.stdout.splitlines() == ["closed|the folder cannot be read (Permission denied)", "z.swc|None"]


def test_folder_that_cannot_be_listed_is_named(tmp_path, monkeypatch):
    touch(tmp_path / "closed" / "x.swc")
    touch(tmp_path / "z.swc")
    scandir = os.scandir

    def refusing(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr("neuropil.sources.walking.os.scandir", refusing)
    assert found(tmp_path) == {"closed": "the folder cannot be read (Permission denied)", "z.swc": None}
