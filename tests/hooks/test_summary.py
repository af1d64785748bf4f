"""The summary: what was made, what was skipped and why, scores with interval and chance, where to look."""

from pathlib import Path
from typing import Any

import pytest
from kedro.io import DataCatalog
from kedro.pipeline import Node, Pipeline

from neuropil.datasets import IndexDataset, JsonDataset, PictureDataset
from neuropil.hooks.summary import SummaryHooks
from neuropil.statistics.scores import Score
from neuropil.work.index import Index
from neuropil.work.skipped import Skipped


def nothing() -> int:
    return 1


def shown(outputs: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    catalog = DataCatalog(
        {
            "views": IndexDataset(str(folder / "views.jsonl")),
            "metrics": JsonDataset(str(folder / "metrics.json")),
            "sheet": PictureDataset(str(folder / "sheet.png")),
        }
    )
    (folder / "sheet.png").write_bytes(b"x")
    nodes = [Node(nothing, inputs=None, outputs=name, name=f"make_{name}") for name in ("views", "metrics", "sheet")]
    hooks = SummaryHooks()
    hooks.before_pipeline_run()
    hooks.after_node_run(nodes[0], catalog, outputs)
    hooks.after_pipeline_run(Pipeline(nodes), catalog)
    return capsys.readouterr().out


def test_scores_stand_with_interval_and_chance(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        Score("class", "accuracy", "clip", 0.5, 0.4, 0.6, chance=0.125, n=48, headline=True),
        Score("class", "accuracy", "forest", 0.3),
        Score("class", "accuracy", "majority", 0.1),
        Score("instances", "VOI", "network", 1.2, better="lower", headline=True),
        Score("instances", "VOI", "watershed", 2.2, better="lower"),
        Score("instances", "VOI", "one segment", 3.2, better="lower"),
    ]
    text = shown({"metrics": {"scores": [row.record() for row in rows]}}, tmp_path, capsys)
    for part in ("class", "0.500 [0.40, 0.60]", "0.125", "48 neurons", "0.300 forest", "2.200 watershed"):
        assert part in text
    assert "majority" not in text and "one segment" not in text


def test_skipped_outputs_stand_with_their_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown({"views": Index.skipped("no neurons: none given"), "metrics": Skipped("no v")}, tmp_path, capsys)
    assert "Skipped (no neurons: none given)" in text and "views" in text and "Skipped (no v)" in text


def test_made_outputs_and_pictures_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown({"views": Index([{"a": 1}, {"a": 2}])}, tmp_path, capsys)
    assert "2 records" in text and "sheet.png" in text


def test_a_picture_of_an_earlier_run_is_not_named_where_this_one_skipped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown({"sheet": Skipped("no views")}, tmp_path, capsys)
    assert "sheet.png" not in text and "Skipped (no views)" in text


def test_a_second_run_in_one_process_starts_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hooks = SummaryHooks()
    node = Node(nothing, inputs=None, outputs="views", name="n")
    catalog = DataCatalog({"views": IndexDataset(str(tmp_path / "v"))})
    hooks.after_node_run(node, catalog, {"views": Index.skipped("old reason")})
    hooks.before_pipeline_run()
    hooks.after_pipeline_run(Pipeline([node]), catalog)
    assert "old reason" not in capsys.readouterr().out


def test_note_of_an_index_stands_with_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    note = "Neurons: 340 kept, 7 repaired (radius 5, type 2), 1 quarantined (an HTML page: [x].swc)"
    text = shown({"views": Index([{"a": 1}], note=note)}, tmp_path, capsys)
    assert f"{note}; see {tmp_path / 'views.jsonl'}" in text


def test_figure_is_among_what_was_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown({"metrics": {"data": [], "layout": {}}}, tmp_path, capsys)
    assert "figure" in text and "metrics.json" in text
