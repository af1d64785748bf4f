"""Indexes: streamed, whole, empty only for a reason."""

import copy
import os
import subprocess
import sys
from pathlib import Path

import pytest

from neuropil.errors import InputError
from neuropil.work.index import Index, Spool, read_lines, write_lines

RECORDS = [{"name": "a", "n": 1}, {"name": "ü\n", "n": None}]


def test_round_trip(tmp_path: Path) -> None:
    Index(RECORDS).save(tmp_path / "i.jsonl")
    index = Index.open(tmp_path / "i.jsonl")
    assert list(index) == RECORDS == list(index), "an index can be read twice"
    assert len(index) == 2 and index.reason is None


def test_reason_survives(tmp_path: Path) -> None:
    Index.skipped("no volumes").save(tmp_path / "i.jsonl")
    index = Index.open(tmp_path / "i.jsonl")
    assert index.reason == "no volumes" and list(index) == [] and len(index) == 0


def test_empty_without_a_reason_is_just_empty(tmp_path: Path) -> None:
    Index().save(tmp_path / "i.jsonl")
    assert Index.open(tmp_path / "i.jsonl").reason is None


def test_opening_does_not_read_all(tmp_path: Path) -> None:
    path = tmp_path / "i.jsonl"
    write_lines(path, ({"n": n} for n in range(1000)))
    with open(path, "a") as file:
        file.write("not json\n")
    index = Index.open(path)
    first = next(iter(index))
    assert first == {"n": 0}
    with pytest.raises(InputError, match="line 1001: not JSON"):
        list(index)


@pytest.mark.parametrize(("line", "what"), [("[1]", "list"), ('"a"', "str"), ("{", "not JSON")])
def test_bad_line_is_named(tmp_path: Path, line: str, what: str) -> None:
    (tmp_path / "i.jsonl").write_text(f'{{"a": 1}}\n\n{line}\n')
    with pytest.raises(InputError, match=f"line 3: .*{what}"):
        list(read_lines(tmp_path / "i.jsonl"))


def test_failed_save_keeps_the_old_index(tmp_path: Path) -> None:
    path = tmp_path / "i.jsonl"
    Index(RECORDS).save(path)
    with pytest.raises(ValueError):
        Index([{"n": float("nan")}]).save(path)
    assert list(Index.open(path)) == RECORDS


def test_saving_over_the_file_it_reads_from_is_safe(tmp_path: Path) -> None:
    path = tmp_path / "i.jsonl"
    Index(RECORDS).save(path)
    Index.open(path).save(path)
    assert list(Index.open(path)) == RECORDS


def test_iterators_are_spooled_and_can_be_read_twice() -> None:
    index = Index({"n": n} for n in range(1000))
    spool = index._records.path  # type: ignore[union-attr]
    assert len(index) == 1000 and [record["n"] for record in index] == list(range(1000)) == [r["n"] for r in index]
    del index
    assert not spool.parent.exists()


def test_a_copy_of_a_spooled_index_outlives_the_original() -> None:
    index = Index({"n": n} for n in range(3))
    twin = copy.deepcopy(index)
    del index
    assert [record["n"] for record in twin] == [0, 1, 2]


def test_many_records_cost_no_memory() -> None:
    code = (
        "import resource; from neuropil.work.index import Index\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "index = Index({'n': n, 'path': 'images/neuron/view_00_mask.png' * 3} for n in range(300_000))\n"
        "assert len(index) == 300_000\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 20_000, "kibibytes; a list of them takes over 100,000"


def test_a_spool_takes_records_one_by_one_and_finds_each_again() -> None:
    spool = Spool()
    places = [spool.append(record) for record in RECORDS]
    lines = spool.lines()
    assert list(lines) == RECORDS and len(lines) == 2
    assert [lines.at(place) for place in places] == RECORDS


def test_a_spooled_index_has_its_note_and_its_length() -> None:
    spool = Spool()
    for record in RECORDS:
        spool.append(record)
    index = spool.index("two records")
    assert (index.note, len(index), list(index)) == ("two records", 2, RECORDS)
    assert Index(RECORDS).note is None


def test_path_that_is_no_utf8_is_written_and_read(tmp_path: Path) -> None:
    record = {"swc": os.fsdecode(b"/data/\xff.swc")}
    Index([record]).save(tmp_path / "i.jsonl")
    assert list(Index.open(tmp_path / "i.jsonl")) == [record]


def test_blank_lines_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "i.jsonl").write_text('{"a": 1}\n\n{"a": 2}')
    assert len(Index.open(tmp_path / "i.jsonl")) == 2
