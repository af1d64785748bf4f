"""Reports and pictures are whole for full, small and absent results."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from evaluation.evaluated import WordModel, neurons, scored
from neuropil.captions.generator import NeuronTextGenerator
from neuropil.evaluation.metrics import gather_metrics
from neuropil.evaluation.parameters import EvaluationParameters
from neuropil.evaluation.plots import draw_confusion, draw_maps, tsne_map
from neuropil.evaluation.report import table, write_report
from neuropil.evaluation.score import gather, score_retrieval, score_zero_shot


def _metrics() -> dict:
    one, parameters = scored(), EvaluationParameters(bootstrap=100)
    rows, zero_shot = score_zero_shot(one, WordModel(), NeuronTextGenerator(), parameters)  # type: ignore[arg-type]
    more, retrieval = score_retrieval(one, WordModel(), NeuronTextGenerator(), resamples=100)  # type: ignore[arg-type]
    found = {
        "scores": [row.record() for row in [*rows, *more]],
        "zero_shot": zero_shot,
        "retrieval": retrieval,
        "neurons": {"train": 24, "val": 0, "test": 24},
        "split": "splithash",
        "checkpoint": "digest",
        "text_encoder": "words",
        "pooling": "mean",
    }
    vae = {"scores": [found["scores"][0] | {"task": "silhouettes", "method": "vae"}]}
    return gather_metrics(found, em={"skipped": "no volumes"}, vae=vae)


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
