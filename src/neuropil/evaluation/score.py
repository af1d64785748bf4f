"""All scores of a trained CLIP on the test part, beside chance and plain methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuropil.captions.facts import NeuronFacts
from neuropil.captions.generator import LEVELS, NeuronTextGenerator
from neuropil.clip.model import ClipModel
from neuropil.evaluation.comparisons import compare_methods
from neuropil.evaluation.parameters import EvaluationParameters
from neuropil.evaluation.retrieval import median_rank_chance, per_query, per_query_chance, summary, useful_queries
from neuropil.evaluation.tasks import make_task, prompts
from neuropil.evaluation.zero_shot import describe, predictions, score_task
from neuropil.statistics.intervals import Statistic, bootstrap
from neuropil.statistics.scores import Score

if TYPE_CHECKING:
    import pandas as pd

Matrix = NDArray[np.floating]
_MEASURES = ("mAP", "R@1", "R@5", "R@10", "MRR")


@dataclass(frozen=True)
class Scored:
    """What the scores are taken of.

    Attributes:
        neurons: facts of each neuron.
        parts: the part of the split of each.
        embeddings, encoder: [neurons, d] CLIP embeddings and encoder latents.
        morphometrics: [neurons, features], NaN where not measured; None without a table.
        split: the split's hash.
        seed: root seed.
    """

    neurons: Sequence[NeuronFacts]
    parts: Sequence[str]
    embeddings: Matrix
    encoder: Matrix
    morphometrics: Matrix | None
    split: str
    seed: int


def gather(
    embeddings: pd.DataFrame,
    captions: Mapping[str, NeuronFacts],
    morphometry: pd.DataFrame | None,
    *,
    split: str,
    seed: int,
) -> Scored:
    """Join the tables on the neuron's name, in the order of the embeddings."""
    names = list(embeddings["neuron_name"])
    measured = None
    if morphometry is not None:
        features = morphometry.set_index("neuron_name").select_dtypes("number").reindex(names)
        measured = features.to_numpy(dtype=np.float64)
        measured = np.where(np.isfinite(measured), measured, np.nan)
    return Scored(
        neurons=[captions.get(name, NeuronFacts(name)) for name in names],
        parts=list(embeddings["part"]),
        embeddings=np.stack(list(embeddings["embedding"])),
        encoder=np.stack(list(embeddings["encoder"])),
        morphometrics=measured,
        split=split,
        seed=seed,
    )


def score_retrieval(
    scored: Scored, model: ClipModel, generator: NeuronTextGenerator, *, resamples: int
) -> tuple[list[Score], dict[str, Any]]:
    """Retrieval of test neurons by text and of texts by neuron, for every caption level.

    A caption's hits are all neurons that all its facts are true of. Queries for which every candidate or none
    is a hit are left out and counted: they say nothing.

    Returns:
        Score rows, and level -> direction -> figures with their chance levels.
    """
    chosen = [index for index, part in enumerate(scored.parts) if part == "test"]
    neurons, images = [scored.neurons[index] for index in chosen], scored.embeddings[chosen]
    rows: list[Score] = []
    report: dict[str, Any] = {}
    for level in LEVELS:
        captions = [generator.full(neuron, level) for neuron in neurons]
        facts = [neuron.facts() for neuron in neurons]
        mask = np.array([[caption.facts <= one for one in facts] for caption in captions], dtype=bool).reshape(
            len(captions), len(facts)
        )
        similarity = model.embed_texts([caption.text for caption in captions]) @ images.T
        distinct = list({caption.text: index for index, caption in enumerate(captions)}.values())
        ways = {
            "text to neuron": (similarity, mask),
            "neuron to text": (similarity[distinct].T, mask[distinct].T),
        }
        report[level] = {"captions": len(distinct)}
        for way, (values, hits) in ways.items():
            useful = useful_queries(hits)
            figures: dict[str, Any] = {"queries": int(useful.sum()), "left_out": int((~useful).sum())}
            if useful.sum() >= 2:
                figures |= summary(values[useful], hits[useful])
                task = f"retrieval, {way}, {level} captions"
                rows += _retrieval_rows(values[useful], hits[useful], task, scored, resamples)
            report[level][way] = figures
    return rows, report


def score_zero_shot(
    scored: Scored, model: ClipModel, generator: NeuronTextGenerator, parameters: EvaluationParameters
) -> tuple[list[Score], dict[str, Any]]:
    """Zero-shot classification of every label beside the baselines; labels come from the metadata.

    Returns:
        Score rows, and label -> classes, counts, confusion, "comparisons" of the methods (records of
        `statistics.scores.Comparison`), or the reason why it could not be scored.
    """
    rows: list[Score] = []
    report: dict[str, Any] = {}
    features = {"encoder": scored.encoder}
    if scored.morphometrics is not None:
        features["morphometrics"] = scored.morphometrics
    texts = model.embed_texts([generator.full(neuron, "detailed").text for neuron in scored.neurons])
    for label in parameters.labels:
        task = make_task(label, scored.neurons, scored.parts, min_test=parameters.min_test_cells)
        if task.problem is not None:
            report[label] = {"skipped": task.problem} | describe(task)
            continue
        asked = [prompts(phrase, parameters.prompt_templates) for phrase in task.phrases]
        found = predictions(
            task,
            embeddings=scored.embeddings,
            class_embeddings=model.embed_prompts(asked),
            features=features,
            caption_embeddings=texts,
            neighbours=parameters.neighbours,
            seed=scored.seed,
        )
        scores, report[label] = score_task(
            task, found, resamples=parameters.bootstrap, seed=scored.seed, split=scored.split
        )
        compared = compare_methods(task, found, resamples=parameters.bootstrap, seed=scored.seed, split=scored.split)
        report[label]["comparisons"] = [row.record() for row in compared]
        report[label]["prompts"] = [one[0] for one in asked]
        rows += scores
    return rows, report


def _retrieval_rows(
    similarity: Matrix, mask: NDArray[np.bool_], task: str, scored: Scored, resamples: int
) -> list[Score]:
    found, chance = per_query(similarity, mask), per_query_chance(mask)
    asked: list[tuple[str, Statistic, NDArray[np.float64], float]] = [
        (metric, _mean, found[metric], float(chance[metric].mean())) for metric in _MEASURES
    ]
    asked.append(("median rank", _median, found["rank"], median_rank_chance(mask)))
    rows = []
    for metric, statistic, values, expected in asked:
        low, high = bootstrap(statistic, values, resamples=resamples, seed=scored.seed)
        rows.append(
            Score(
                task=task,
                metric=metric,
                method="clip",
                score=statistic(values),
                low=low,
                high=high,
                chance=expected,
                n=len(values),
                unit="queries",
                split=scored.split,
                better="lower" if metric == "median rank" else "higher",
                headline=metric == "mAP" and "standard" in task,
            )
        )
    return rows


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean())


def _median(values: NDArray[np.float64]) -> float:
    return float(np.median(values))
