"""The ledger: what is written stays, what is torn is cut off, the last word counts."""

import pickle
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


@pytest.mark.parametrize(
    "result", [{}, {"views": [{"name": "ä\ud800", "depth": 1.5, "up": None}]}, {"loss": float("inf")}]
)
def test_an_entry_travels_as_the_very_line_that_is_written(tmp_path: Path, result: dict) -> None:
    entry = Entry("a", "k", "done", result, seconds=1.25)
    sent = pickle.loads(pickle.dumps(entry))
    Ledger(tmp_path / "here.jsonl").add(entry)
    Ledger(tmp_path / "there.jsonl").add(sent)
    assert (tmp_path / "there.jsonl").read_bytes() == (tmp_path / "here.jsonl").read_bytes()
    assert (sent.name, sent.key, sent.state, sent.reason, sent.seconds) == ("a", "k", "done", None, 1.25)
    assert sent.result == result


def test_who_passes_an_entry_on_does_not_read_its_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = pickle.dumps(Entry("a", "k", "done", {"v": 1}))
    monkeypatch.setattr("neuropil.work.ledger.json.loads", lambda _: pytest.fail("the line was read"))
    Ledger(tmp_path / "l.jsonl").add(pickle.loads(sent))


def test_a_result_that_is_no_json_is_an_error_where_it_is_made() -> None:
    with pytest.raises(TypeError):
        Entry("a", "k", "done", {"v": object()}).encoded()
