"""What `atomic_path` promises: the target is whole or not there, whatever happens in between."""

import errno
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from neuropil.console import mistake
from neuropil.errors import MachineError
from neuropil.work.atomic import atomic_path, disk_is_full, remove_leftovers, write_bytes, write_text


def test_file_appears_only_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "a.txt"
    with atomic_path(target) as part:
        part.write_text("x")
        assert not target.exists()
        assert part.parent == target.parent and part.suffix != target.suffix
    assert target.read_text() == "x"
    assert list(target.parent.iterdir()) == [target]


def test_failed_block_leaves_the_old_file_and_no_temporary(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "old")
    with pytest.raises(RuntimeError), atomic_path(target) as part:
        part.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_folder_replaces_a_filled_folder(tmp_path: Path) -> None:
    target = tmp_path / "neuron"
    for content in ("one", "two"):
        with atomic_path(target, folder=True) as part:
            (part / f"{content}.png").write_text(content)
    assert [path.name for path in target.iterdir()] == ["two.png"]
    assert list(tmp_path.iterdir()) == [target]


def test_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    with pytest.raises(MachineError, match=r"a\.bin: the disk is full; free some space") as caught, atomic_path(target):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_full_disk_is_recognised_behind_another_error() -> None:
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise RuntimeError("cannot write the chunk") from error
    except RuntimeError as error:
        assert disk_is_full(error)
    assert not disk_is_full(ValueError("no"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_write_that_really_fails_is_a_machine_error(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="disk is full"), atomic_path(tmp_path / "a") as part:
        part.symlink_to("/dev/full")
        part.write_bytes(b"x" * 100)


def test_other_errors_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "a"):
        raise FileNotFoundError(errno.ENOENT, "missing")


def test_a_failed_block_is_not_its_own_cause(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError) as caught, atomic_path(tmp_path / "file"):
        raise NotADirectoryError("in the way")
    assert caught.value.__cause__ is not caught.value


def test_causes_in_a_ring_are_searched_once() -> None:
    first, second = OSError("one"), OSError("two")
    first.__cause__, second.__cause__ = second, first
    assert not disk_is_full(first)
    assert mistake(first) is None


def test_killed_writer_leaves_no_target_and_its_temporary_is_removed_later(tmp_path: Path) -> None:
    code = (
        "import sys, time; from neuropil.work.atomic import atomic_path\n"
        f"with atomic_path({str(tmp_path / 'a.txt')!r}) as part:\n"
        "    part.write_text('half'); print('ready', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline()
    assert remove_leftovers(tmp_path) == 0, "a living writer keeps its temporary"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "a.txt").exists()
    assert remove_leftovers(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_concurrent_writers_never_mix(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    code = (
        "from neuropil.work.atomic import write_bytes; import sys\n"
        f"for _ in range(50): write_bytes({str(target)!r}, sys.argv[1].encode() * 10000)"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, letter]) for letter in "ab"]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        if target.exists():
            seen.add(bytes(sorted(set(target.read_bytes()))))
        time.sleep(0.001)
    assert all(writer.returncode == 0 for writer in writers)
    assert seen <= {b"a", b"b"}
    assert list(tmp_path.iterdir()) == [target]


def test_write_bytes_round_trip(tmp_path: Path) -> None:
    write_bytes(tmp_path / "b", b"\x00\x01")
    assert (tmp_path / "b").read_bytes() == b"\x00\x01"
