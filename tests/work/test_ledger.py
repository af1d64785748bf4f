"""The ledger: what is written stays, what is torn is cut off, the last word counts."""

from pathlib import Path

import pytest

from neuropil.errors import MachineError
from neuropil.work.ledger import Entry, Ledger


def test_entries_are_found_again(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.jsonl")
    ledger.add(Entry("a", "k1", "done", {"views": [1, 2]}))
    ledger.add(Entry("b", "k1", "failed", reason="no"))
    for again in (ledger, Ledger(tmp_path / "l.jsonl")):
        found = again.find("a", "k1")
        assert found is not None and found.result == {"views": [1, 2]}
        assert again.find("a", "k2") is None, "another key is stale"
        assert again.find("b", "k1") is None, "what failed is tried again"
        assert again.find("c", "k1") is None


def test_last_entry_counts(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.jsonl")
    ledger.add(Entry("a", "k1", "done", {"v": 1}))
    ledger.add(Entry("a", "k2", "done", {"v": 2}))
    again = Ledger(tmp_path / "l.jsonl")
    assert again.find("a", "k1") is None
    found = again.find("a", "k2")
    assert found is not None and found.result == {"v": 2}


@pytest.mark.parametrize("torn", [b'{"name": "b", "ke', b"\x00\x00\n", b"{}\n", b"\xff\xfe"])
def test_torn_end_is_cut_off_and_writing_goes_on(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "l.jsonl"
    Ledger(path).add(Entry("a", "k", "done"))
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    ledger = Ledger(path)
    assert path.read_bytes() == whole
    ledger.add(Entry("c", "k", "done"))
    assert Ledger(path).find("a", "k") and Ledger(path).find("c", "k")


def test_full_disk_is_a_machine_error(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    ledger = Ledger(tmp_path / "l.jsonl")
    (tmp_path / "l.jsonl").symlink_to("/dev/full")
    with pytest.raises(MachineError, match="the disk is full"):
        ledger.add(Entry("a", "k", "done"))
    assert ledger.find("a", "k") is None


def test_last_entry_is_told_whatever_its_key_and_end(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.jsonl")
    assert ledger.last("a") is None
    ledger.add(Entry("a", "k1", "done", {"v": 1}))
    ledger.add(Entry("a", "k2", "failed", reason="no"))
    for again in (ledger, Ledger(tmp_path / "l.jsonl")):
        last = again.last("a")
        assert last is not None and (last.key, last.state, last.reason) == ("k2", "failed", "no")
