"""One form for every score and comparison: as Parquet, as Markdown, and back again."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from neuropil.datasets import TableDataset
from neuropil.statistics.scores import Comparison, Score, best_other
from neuropil.statistics.tables import (
    COLUMNS,
    COMPARED,
    comparison_markdown,
    comparison_table,
    headline_markdown,
    markdown,
    number,
    p_value,
    records,
    score_table,
)

ROWS = [
    Score("class", "balanced accuracy", "clip", 0.5, 0.4, 0.6, 0.25, 40, split="abc", headline=True, seeds=3),
    Score("class", "balanced accuracy", "a|b", 0.7, n=40, split="abc"),
    Score("class", "balanced accuracy", "own caption", 0.9, n=40, split="abc", reference=True).record(),
    Score("instances", "VOI", "network", 1.5, 1.2, 1.8, n=5, unit="voxels", better="lower", headline=True),
    Score("instances", "VOI", "threshold", 2.5, better="lower"),
    Score("instances", "object recall", "network", 0.75, n=5, unit="objects"),
]
COMPARISONS = [
    Comparison("class", "balanced accuracy", "clip", "a|b", -0.2, -0.3, -0.1, 0.0009, 0.004, 0.03, 40, split="abc"),
    Comparison("class", "balanced accuracy", "clip", "x", 0.1, -0.1, 0.3, 0.2, 0.2, None, 40, seeds=3),
]


def test_all_scores_have_one_table() -> None:
    table = score_table(ROWS)
    assert tuple(table.columns) == COLUMNS and len(table) == 6
    assert table["seeds"].tolist() == [3, 1, 1, 1, 1, 1]
    assert table["reference"].tolist() == [False, False, True, False, False, False]
    assert table["low"].isna().tolist() == [False, True, True, False, True, True]


def test_rows_of_older_documents_that_say_less_take_the_same_form() -> None:
    old = {"task": "instances", "metric": "VOI", "method": "network", "score": 1.0, "low": None, "chance": None}
    row = records(score_table([old]))[0]
    assert (row["n"], row["seeds"], row["better"], row["headline"], row["unit"]) == (0, 1, "higher", False, "")
    assert row["low"] is None and row["high"] is None
    assert "| VOI | network | 1.000 |  | 0 | 1 |  |" in markdown([old])


def test_a_task_is_a_table_with_its_best_method_first() -> None:
    text = markdown(ROWS)
    assert text.count("| metric |") == 2
    assert "| balanced accuracy | clip | 0.500 [0.400, 0.600] | 0.250 | 40 neurons | 3 | abc |" in text
    assert "a\\|b" in text and "own caption (a limit, no method)" in text
    assert text.index("| network") < text.index("| threshold") and "VOI, lower is better" in text
    assert text.index("own caption") < text.index("a\\|b") < text.index("| clip")


def test_headlines_stand_beside_the_best_other_method_that_is_no_limit() -> None:
    lines = headline_markdown(ROWS).splitlines()
    assert len(lines) == 4
    assert "0.700 a\\|b" in lines[2] and "2.500 threshold" in lines[3]
    assert best_other(ROWS[0].record(), [ROWS[0].record()]) is None  # type: ignore[union-attr]


def test_comparisons_have_one_table_with_sign_and_interval() -> None:
    table = comparison_table(COMPARISONS)
    assert tuple(table.columns) == COMPARED and table["mcnemar"].isna().tolist() == [False, True]
    text = comparison_markdown(COMPARISONS)
    assert "| -0.200 [-0.300, -0.100] | < 0.001 | 0.004 | 0.030 | 40 neurons | 1 |" in text
    assert "| +0.100 [-0.100, 0.300] | 0.200 | 0.200 |  | 40 neurons | 3 |" in text


@pytest.mark.parametrize("rows", [[], ROWS])
def test_a_table_comes_back_from_parquet_as_it_was(tmp_path: Path, rows: list[Score]) -> None:
    dataset = TableDataset(str(tmp_path / "scores.parquet"))
    dataset.save(score_table(rows))
    back = dataset.load()
    pd.testing.assert_frame_equal(back, score_table(rows))
    assert score_table(records(back)).equals(score_table(rows))
    assert markdown(records(back)) == markdown(rows)


def test_the_preview_for_kedro_viz_has_every_column_and_no_nan(tmp_path: Path) -> None:
    dataset = TableDataset(str(tmp_path / "scores.parquet"))
    dataset.save(score_table(ROWS))
    shown = dataset.preview(nrows=4)
    assert tuple(shown["columns"]) == COLUMNS and len(shown["data"]) == 4
    assert all(value == value for row in shown["data"] for value in row)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.12345, "0.123"),
        (-2.5, "-2.500"),
        (1234.567, "1,234.6"),
        (123456.7, "123,457"),
        (None, ""),
        (float("nan"), ""),
    ],
)
def test_large_figures_have_fewer_decimals(value: float | None, text: str) -> None:
    assert number(value) == text


def test_a_probability_below_what_permutations_can_tell_is_said_so() -> None:
    assert (p_value(1 / 1001), p_value(0.0123), p_value(None)) == ("< 0.001", "0.012", "")
