"""Reports and pictures are whole for full, small and absent results."""

from __future__ import annotations

import io
import itertools
from functools import cache

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from evaluation.evaluated import WordModel, neurons, scored
from neuropil.captions.generator import NeuronTextGenerator
from neuropil.evaluation.all_scores import EM, GROUPS, gather_scores, write_scores
from neuropil.evaluation.metrics import gather_metrics
from neuropil.evaluation.parameters import EvaluationParameters
from neuropil.evaluation.plots import draw_confusion, draw_maps, tsne_map
from neuropil.evaluation.report import table, write_report
from neuropil.evaluation.score import gather, score_retrieval, score_zero_shot
from neuropil.statistics.scores import Score
from neuropil.statistics.tables import score_table


def _em_rows() -> list[dict]:
    """Three methods by twenty measures, two of which are headlines."""
    names = ["VOI", "recall", *(f"measure {number}" for number in range(18))]
    return [
        Score(
            "instances in a", name, method, value, n=5, unit="objects", split="em", better="lower",
            headline=method == "network" and name in ("VOI", "recall"), reference=method == "oracle",
        ).record()
        for name in names
        for method, value in (("network", 0.5), ("watershed", 0.6), ("oracle", 0.1))
    ]  # fmt: skip


@cache
def _neurons() -> dict:
    one, parameters = scored(), EvaluationParameters(bootstrap=100)
    rows, zero_shot = score_zero_shot(one, WordModel(), NeuronTextGenerator(), parameters)  # type: ignore[arg-type]
    more, retrieval = score_retrieval(one, WordModel(), NeuronTextGenerator(), resamples=100)  # type: ignore[arg-type]
    return {
        "scores": [row.record() for row in [*rows, *more]],
        "zero_shot": zero_shot,
        "retrieval": retrieval,
        "neurons": {"train": 24, "val": 0, "test": 24},
        "split": "splithash",
        "checkpoint": "digest",
        "text_encoder": "words",
        "pooling": "mean",
    }


def _metrics(em: dict | None = None) -> dict:
    found = _neurons()
    vae = {"scores": [found["scores"][0] | {"task": "silhouettes", "method": "vae"}]}
    return gather_metrics(found, em=em or {"skipped": "no volumes"}, vae=vae)


def test_the_report_names_split_checkpoint_baselines_and_what_was_left_out() -> None:
    text = write_report(_metrics())
    for part in (
        "splithash",
        "digest",
        "majority",
        "random forest",
        "chance",
        "not scored",
        "no volumes",
        "silhouettes",
    ):
        assert part in text
    assert max(len(line) for line in text.splitlines()) <= 160


def test_the_report_begins_with_headlines_and_says_where_all_rows_are() -> None:
    text = write_report(_metrics(em={"scores": _em_rows(), "note": "read it beside VOI", "notes": ["ids are shared"]}))
    assert text.index("Headlines") < text.index("Classification") < text.index("EM segmentation")
    assert "scores.md and scores.parquet" in text
    em = text[text.index("EM segmentation\n---") : text.index("SegVAE2D")]
    assert em.count("\n") < 20  # not a line a measure and method
    assert "network (a limit)" not in em and "oracle (a limit)" in em
    assert "18 more measures of this task: scores.md" in em and "measure 7" not in em
    assert "read it beside VOI" in em and "ids are shared" in em
    headline = next(line for line in text.splitlines() if line.startswith("instances in a"))
    assert headline.split("  ")[-1] == "0.600 watershed"


def test_the_report_compares_zero_shot_with_every_other_method() -> None:
    text = write_report(_metrics())
    block = text[text.index("clip, zero-shot, on the same neurons") :].split("\n\n")[0]
    assert {"minus majority", "minus clip embedding + 5-NN", "minus morphometrics + random forest"} <= {
        line.split("  ")[0] for line in block.splitlines()
    }


def test_what_the_report_leaves_out_stands_in_the_table_of_all_scores() -> None:
    metrics = _metrics(em={"scores": _em_rows(), "checkpoint": "netdigest"})
    rows = _metrics()["scores"][:2]
    found = gather_scores(metrics, [row | {"task": "cell class, unseen laboratory"} for row in rows], [])
    text = write_scores(found)
    assert len(found.scores) == len(metrics["scores"]) + 60 + 1 + 2
    for row in found.scores:
        assert f"| {row['metric']}" in text and f"| {row['method']}" in text
    assert [group for group, _ in itertools.groupby(row["group"] for row in found.scores)] == list(GROUPS)
    assert {row["checkpoint"] for row in found.scores if row["group"] == EM} == {"netdigest"}
    assert text.index("## Headlines") < text.index("## Methods compared") < text.index("## Neurons")
    assert "Checkpoint `digest`" in text and "| clip, zero-shot | majority |" in text
    assert score_table(found.scores)["split"].tolist() == [row["split"] for row in found.scores]


def test_parts_without_scores_stand_in_the_table_with_their_reason() -> None:
    metrics = gather_metrics({"skipped": "no neurons", "scores": []}, em={"skipped": "no volumes"}, vae={"scores": []})
    found = gather_scores(metrics, "no baselines", "no baselines")
    assert found.scores == [] and found.comparisons == []
    text = write_scores(found)
    for reason in ("no neurons", "no volumes", "no baselines", "no part was held back"):
        assert f"Not scored: {reason}." in text
    assert "## Headlines" not in text


def test_a_report_without_neurons_says_why() -> None:
    metrics = gather_metrics({"skipped": "no neurons", "scores": []}, em={"scores": []}, vae={"skipped": "no views"})
    assert "no neurons" in write_report(metrics)
    assert _size(draw_confusion(metrics))[0] > 100


def test_tables_are_aligned() -> None:
    lines = table(["a", "b"], [["long name", "1"], ["x", "22"]]).splitlines()
    assert lines[2].index("1") == lines[3].index("22") + 1


def test_the_confusion_is_a_picture() -> None:
    assert min(_size(draw_confusion(_metrics()))) > 300


@pytest.mark.parametrize("n", [1, 2, 4, 7, 30])
def test_maps_are_drawn_for_any_number_of_neurons(n: int) -> None:
    one = scored(48)
    table = pd.DataFrame(
        {
            "neuron_name": [f"n{i}" for i in range(n)],
            "part": ["train", "test"] * (n // 2) + ["test"] * (n % 2),
            "embedding": list(one.embeddings[:n].astype(np.float32)),
        }
    )
    by_class, by_region = draw_maps(table, {neuron.name: neuron for neuron in neurons(n)}, perplexity=20, seed=1)
    assert min(_size(by_class)) > 300
    assert min(_size(by_region)) > 300


def test_maps_repeat_from_the_seed() -> None:
    vectors = scored().embeddings
    assert np.array_equal(tsne_map(vectors, perplexity=10, seed=2), tsne_map(vectors, perplexity=10, seed=2))


def test_tables_are_joined_by_name_and_infinite_measures_are_missing() -> None:
    embeddings = pd.DataFrame(
        {
            "neuron_name": ["b", "a"],
            "part": ["test", "train"],
            "embedding": [np.ones(2), np.zeros(2)],
            "encoder": [np.ones(3), np.zeros(3)],
        }
    )
    morphometry = pd.DataFrame({"neuron_name": ["a", "c"], "length": [np.inf, 2.0], "note": ["x", "y"]})
    joined = gather(embeddings, {}, morphometry, split="h", seed=0)
    assert joined.morphometrics is not None
    assert joined.morphometrics.shape == (2, 1)
    assert np.isnan(joined.morphometrics).all()


def _size(png: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(png)) as picture:
        return picture.size
