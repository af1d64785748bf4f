"""Every dataset writes whole files, keeps the reason of a skipped step, and has a preview where there is one."""

import base64
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from kedro.io import DatasetError

from neuropil.console import mistake
from neuropil.datasets import (
    CheckpointDataset,
    IndexDataset,
    JsonDataset,
    PictureDataset,
    PlotlyDataset,
    StoreDataset,
    TableDataset,
    TextDataset,
)
from neuropil.datasets.file import FileDataset
from neuropil.work.index import Index
from neuropil.work.skipped import Skipped

FIGURE = {"data": [{"y": [1, 2]}], "layout": {"title": {"text": "t"}}}
CASES: list[tuple[type[FileDataset[Any]], str, Any]] = [
    (JsonDataset, "a.json", {"scores": [{"score": 0.5}]}),
    (TextDataset, "a.txt", "two\nlines ü"),
    (PictureDataset, "a.png", b"\x89PNG"),
    (PlotlyDataset, "a.json", FIGURE),
]


@pytest.mark.parametrize(("kind", "name", "value"), CASES)
def test_round_trip(tmp_path: Path, kind: type[FileDataset[Any]], name: str, value: Any) -> None:
    dataset = kind(str(tmp_path / "new" / name))
    assert not dataset.exists()
    dataset.save(value)
    assert dataset.exists() and dataset.load() == value
    assert [path.name for path in (tmp_path / "new").iterdir()] == [name]


@pytest.mark.parametrize("kind", [PictureDataset, PlotlyDataset, TableDataset, CheckpointDataset, JsonDataset])
def test_skipped_replaces_the_file_and_the_file_replaces_skipped(tmp_path: Path, kind: type[FileDataset[Any]]) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x")
    value: Any = {
        PictureDataset: b"x",
        PlotlyDataset: FIGURE,
        TableDataset: pd.DataFrame({"a": [1]}),
        CheckpointDataset: source,
        JsonDataset: {"a": 1},
    }[kind]
    dataset = kind(str(tmp_path / "f"))
    dataset.save(Skipped("no volumes"))
    assert dataset.exists() and dataset.load() == Skipped("no volumes")
    dataset.save(value)
    assert not isinstance(dataset.load(), Skipped)
    dataset.save(Skipped("none again"))
    assert dataset.load() == Skipped("none again")


def test_skipped_json_can_be_read_without_neuropil(tmp_path: Path) -> None:
    JsonDataset(str(tmp_path / "m.json")).save(Skipped("no neurons"))
    assert json.loads((tmp_path / "m.json").read_text()) == {"skipped": "no neurons"}


def test_index_keeps_records_and_reasons(tmp_path: Path) -> None:
    dataset = IndexDataset(str(tmp_path / "i.jsonl"))
    dataset.save(Index([{"a": 1, "b": {"c": [1]}}, {"a": 2}]))
    loaded = dataset.load()
    assert isinstance(loaded, Index) and len(loaded) == 2
    preview: Any = dataset.preview()
    assert preview["columns"] == ["a", "b"] and preview["data"][1] == [2, None]
    dataset.save(Skipped("nothing"))
    skipped = dataset.load()
    assert isinstance(skipped, Index) and skipped.reason == "nothing"


def test_table_round_trip_and_preview(tmp_path: Path) -> None:
    dataset = TableDataset(str(tmp_path / "t.parquet"))
    table = pd.DataFrame({"name": ["a", "b"], "x": [1.5, None], "vector": [[1.0, 2.0], [3.0, 4.0]]})
    dataset.save(table)
    loaded = dataset.load()
    assert isinstance(loaded, pd.DataFrame)
    pd.testing.assert_frame_equal(loaded.drop(columns="vector"), table.drop(columns="vector"))
    preview: Any = dataset.preview()
    assert preview["columns"] == ["name", "x"] and preview["data"][1][1] is None


def test_picture_preview_is_base64(tmp_path: Path) -> None:
    dataset = PictureDataset(str(tmp_path / "p.png"))
    dataset.save(b"\x89PNG")
    assert base64.b64decode(str(dataset.preview())) == b"\x89PNG"


def test_checkpoint_is_copied_not_moved(tmp_path: Path) -> None:
    source = tmp_path / "best.ckpt"
    source.write_bytes(b"weights")
    dataset = CheckpointDataset(str(tmp_path / "out" / "c.ckpt"))
    dataset.save(source)
    assert dataset.load() == tmp_path / "out" / "c.ckpt"
    assert source.read_bytes() == (tmp_path / "out" / "c.ckpt").read_bytes()


def test_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    dataset = JsonDataset(str(tmp_path / "m.json"))
    dataset.save({"a": 1})
    with pytest.raises(DatasetError):
        dataset.save({"a": float("nan")})
    assert dataset.load() == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["m.json"]


def test_missing_file_is_one_line_unless_it_is_optional(tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as caught:
        TextDataset(str(tmp_path / "report.txt")).load()
    line = mistake(caught.value)
    assert line is not None and "report.txt: no such file" in line
    assert JsonDataset(str(tmp_path / "em.json"), optional=True).load() == Skipped("em.json was not made")


@pytest.mark.parametrize(("kind", "content"), [(JsonDataset, "{"), (JsonDataset, "[1]"), (TableDataset, "PAR1 no")])
def test_damaged_file_is_one_line(tmp_path: Path, kind: type[FileDataset[Any]], content: str) -> None:
    path = tmp_path / "damaged"
    path.write_text(content)
    with pytest.raises(DatasetError) as caught:
        kind(str(path)).load()
    assert "damaged" in (mistake(caught.value) or "")


def test_store_is_a_handle_and_never_an_output(tmp_path: Path) -> None:
    store = StoreDataset(str(tmp_path / "views"))
    assert store.load() == tmp_path / "views" and store.exists()
    with pytest.raises(DatasetError, match="index"):
        store.save("x")


def test_table_is_written_from_an_index_as_a_stream(tmp_path: Path) -> None:
    dataset = TableDataset(str(tmp_path / "t.parquet"))
    records = [
        {"name": f"c{n}", "count": n, "mixed": n if n else 0.5, "some": 1.0 if n % 2 else None, "yes": True}
        for n in range(25_000)
    ]
    dataset.save(Index(iter(records)))
    loaded = dataset.load()
    assert isinstance(loaded, pd.DataFrame)
    pd.testing.assert_frame_equal(loaded, pd.DataFrame(records))
    assert loaded["count"].dtype == "int64" and loaded["mixed"].dtype == "float64"
    with pq.ParquetFile(tmp_path / "t.parquet") as file:
        assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [10_000, 10_000, 5_000]
    preview: Any = dataset.preview()
    assert len(preview["data"]) == 20 and preview["data"][3] == ["c3", 3, 3.0, 1.0, True]


def test_streamed_table_fills_what_a_record_does_not_say(tmp_path: Path) -> None:
    dataset = TableDataset(str(tmp_path / "t.parquet"))
    dataset.save(Index([{"name": "a"}, {"name": "b", "x": 2.0, "empty": None}]))
    loaded: Any = dataset.load()
    assert loaded["x"].isna().tolist() == [True, False] and loaded["empty"].isna().all()


def test_empty_stream_is_an_empty_table_or_skipped_with_its_reason(tmp_path: Path) -> None:
    dataset = TableDataset(str(tmp_path / "t.parquet"))
    dataset.save(Index())
    assert len(dataset.load()) == 0 and dataset.preview()["data"] == []
    dataset.save(Index.skipped("no neurons"))
    assert dataset.load() == Skipped("no neurons")


@pytest.mark.parametrize("records", [[{"x": [1]}], [{"x": 1}, {"x": "a"}]])
def test_streamed_table_refuses_what_has_no_column(tmp_path: Path, records: list[Any]) -> None:
    with pytest.raises(DatasetError, match="column x"):
        TableDataset(str(tmp_path / "t.parquet")).save(Index(records))
    assert list(tmp_path.iterdir()) == []


def test_writing_a_long_stream_holds_few_rows(tmp_path: Path) -> None:
    tracemalloc.start()
    for rows in (1_000, 8_000):
        tracemalloc.reset_peak()
        TableDataset(str(tmp_path / "t.parquet")).save(
            Index({"name": f"c{n}", **{f"x{i}": n / (i + 1) for i in range(30)}} for n in range(rows))
        )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20, "8,000 rows as Python objects take over 12 MB"
