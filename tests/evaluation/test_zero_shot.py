"""Zero-shot scores of embeddings whose answer is known, beside methods whose answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluation.evaluated import CLASSES, WordModel, neurons, scored
from neuropil.captions.generator import NeuronTextGenerator
from neuropil.evaluation.parameters import EvaluationParameters
from neuropil.evaluation.score import score_retrieval, score_zero_shot
from neuropil.evaluation.tasks import make_task, prompts
from neuropil.evaluation.zero_shot import CLIP, OWN_CAPTION

PARAMETERS = EvaluationParameters(bootstrap=100)


def test_embeddings_at_their_texts_are_classified_without_an_error() -> None:
    rows, report = score_zero_shot(scored(), WordModel(), NeuronTextGenerator(), PARAMETERS)  # type: ignore[arg-type]
    by = {(row.method, row.metric): row for row in rows}
    clip = by[CLIP, "balanced accuracy"]
    assert (clip.score, clip.low, clip.high, clip.chance, clip.n, clip.split) == (1, 1, 1, 0.25, 24, "hash")
    assert by["majority", "balanced accuracy"].score == 0.25
    assert by["clip embedding + 5-NN", "balanced accuracy"].score == 1
    assert by["morphometrics + random forest", "balanced accuracy"].score < 0.7
    assert np.array(report["cell_class"]["confusion"]).tolist() == (np.eye(4, dtype=int) * 6).tolist()


def test_random_embeddings_score_about_chance() -> None:
    noise = np.random.default_rng(3).normal(size=(400, 4))
    rows, _ = score_zero_shot(
        replace(scored(400), embeddings=noise),
        WordModel(),
        NeuronTextGenerator(),
        PARAMETERS,  # type: ignore[arg-type]
    )
    clip = next(row for row in rows if row.method == CLIP and row.metric == "balanced accuracy")
    assert clip.low is not None and clip.high is not None
    assert clip.low - 0.05 < 0.25 < clip.high + 0.05


def test_labels_with_one_value_or_none_are_told_and_not_scored() -> None:
    _, report = score_zero_shot(scored(), WordModel(), NeuronTextGenerator(), PARAMETERS)  # type: ignore[arg-type]
    assert "nothing to tell apart" in report["layer"]["skipped"]
    assert report["region"]["unlabelled"] == 24


def test_classes_with_few_test_neurons_are_left_out_and_counted() -> None:
    some = neurons(20)
    task = make_task("cell_class", some[:-1], ["train"] * 10 + ["test"] * 9, min_test=3)
    assert sum(task.left_out.values()) + len(task.test) == 9
    assert set(task.left_out) | set(task.classes) == set(CLASSES)
    assert not set(task.left_out) & set(task.classes)


@pytest.mark.parametrize(
    ("template", "phrase", "text"),
    [
        ("a {}", "basket cell", "a basket cell"),
        ("a {}", "interneuron", "an interneuron"),
        ("a tracing of a {}", "amacrine cell", "a tracing of an amacrine cell"),
        ("{} traced in slices", "basket cell", "basket cell traced in slices"),
    ],
)
def test_prompts_are_english(template: str, phrase: str, text: str) -> None:
    assert prompts(phrase, [template]) == [text]


def test_templates_without_a_place_are_refused() -> None:
    with pytest.raises(ValueError, match="exactly one"):
        EvaluationParameters(prompt_templates=("a neuron",))


def test_retrieval_counts_every_true_neuron_as_a_hit_and_leaves_out_what_says_nothing() -> None:
    rows, report = score_retrieval(scored(), WordModel(), NeuronTextGenerator(), resamples=100)  # type: ignore[arg-type]
    standard = report["standard"]["text to neuron"]
    assert standard["R@1"] == {"score": 1.0, "chance": pytest.approx(0.25)}
    assert standard["mAP"]["score"] == 1
    assert report["standard"]["captions"] == 4
    assert report["broad"]["text to neuron"] == {"queries": 0, "left_out": 24}
    assert {row.metric for row in rows} == {"mAP", "R@1", "R@5", "R@10", "MRR", "median rank"}
    for row in rows:  # every figure of the summary is a row, with its chance
        _, way, level = row.task.split(", ")
        figures = report[level.removesuffix(" captions")][way]
        assert figures[row.metric] == {"score": row.score, "chance": pytest.approx(row.chance)}
        assert row.low is not None and row.high is not None and row.low <= row.score <= row.high
        assert (row.better, row.unit, row.n) == (
            "lower" if row.metric == "median rank" else "higher",
            "queries",
            figures["queries"],
        )


def test_our_embedding_is_compared_with_every_other_method_on_the_same_neurons() -> None:
    rows, report = score_zero_shot(scored(), WordModel(), NeuronTextGenerator(), PARAMETERS)  # type: ignore[arg-type]
    scores = {row.method: row.score for row in rows if row.metric == "balanced accuracy"}
    compared = report["cell_class"]["comparisons"]
    assert {row["second"] for row in compared if row["first"] == CLIP} == set(scores) - {CLIP, OWN_CAPTION}
    ours = {name for name in scores if name.startswith("clip embedding")}
    theirs = set(scores) - ours - {CLIP, OWN_CAPTION}
    assert {(row["first"], row["second"]) for row in compared if row["first"] != CLIP} == {
        (one, other) for one in ours for other in theirs
    }
    for row in compared:
        assert row["difference"] == pytest.approx(scores[row["first"]] - scores[row["second"]])
        assert row["low"] <= row["difference"] <= row["high"] and row["p"] <= row["p_holm"] <= 1
        assert (row["n"], row["split"], row["seeds"]) == (24, "hash", 1)
    chance = next(row for row in compared if (row["first"], row["second"]) == (CLIP, "majority"))
    assert chance["low"] > 0.5 and chance["mcnemar"] < 0.001  # 18 of 24 neurons that CLIP alone has right
    alike = next(row for row in compared if (row["first"], row["second"]) == (CLIP, "clip embedding + 5-NN"))
    assert (alike["difference"], alike["p"], alike["mcnemar"]) == (0, 1, 1)
