"""Zero-shot classification of the test neurons, beside what plain methods reach on the same neurons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropil.evaluation.tasks import Task
from neuropil.statistics.baselines import linear_probe, majority, nearest_neighbours, random_forest
from neuropil.statistics.intervals import balanced_accuracy, bootstrap, chance_macro_f1, confusion, macro_f1
from neuropil.statistics.scores import Score

Matrix = NDArray[np.floating]
CLIP = "clip, zero-shot"
OWN_CAPTION = "own caption, zero-shot"


def nearest_class(embeddings: Matrix, class_embeddings: Matrix) -> NDArray[np.int64]:
    """For each unit vector [n, d] the class [k, d] whose text is nearest."""
    return (embeddings @ class_embeddings.T).argmax(1)


def predictions(
    task: Task,
    *,
    embeddings: Matrix,
    class_embeddings: Matrix,
    features: Mapping[str, Matrix],
    caption_embeddings: Matrix,
    neighbours: int,
    seed: int,
) -> dict[str, NDArray[np.int64]]:
    """Predicted classes of the test neurons by each method.

    Args:
        task: classes and neurons; row indices of all matrices are neuron indices.
        embeddings: [neurons, d] CLIP embeddings.
        class_embeddings: [classes, d] embeddings of the prompts.
        features: other descriptions of the neurons: "encoder" (latents of the image encoder), "morphometrics".
        caption_embeddings: [neurons, d] of each neuron's own detailed caption, classified like a picture: what
            the text tower itself makes of the prompts. It was trained against pictures, not against texts, so
            this is no upper bound.
        neighbours: k of the nearest-neighbour votes.
        seed: of the random forest.

    Returns:
        Method -> class indices [test neurons]. Methods that need training neurons are absent without them.
    """
    found = {CLIP: nearest_class(embeddings[task.test], class_embeddings)}
    found[OWN_CAPTION] = nearest_class(caption_embeddings[task.test], class_embeddings)
    if len(np.unique(task.train_labels)) < 2:
        return found
    known = task.train_labels
    found["majority"] = majority(known, len(task.test))
    spaces = {"clip embedding": embeddings} | ({"encoder": features["encoder"]} if "encoder" in features else {})
    for name, space in spaces.items():
        found[f"{name} + {neighbours}-NN"] = nearest_neighbours(
            space[task.train], known, space[task.test], k=neighbours
        )
        found[f"{name} + linear probe"] = linear_probe(space[task.train], known, space[task.test])
    if "morphometrics" in features:
        space = features["morphometrics"]
        found["morphometrics + random forest"] = random_forest(space[task.train], known, space[task.test], seed=seed)
    return found


def score_task(
    task: Task, found: Mapping[str, NDArray[np.int64]], *, resamples: int, seed: int, split: str
) -> tuple[list[Score], dict[str, Any]]:
    """Balanced accuracy and macro-F1 of each method with intervals over neurons, and the confusion of CLIP.

    Returns:
        The score rows, and {"classes", "test_neurons", "left_out", "unlabelled", "confusion"}: plain values.
    """
    k = len(task.classes)
    measures = (
        ("balanced accuracy", balanced_accuracy, 1 / k),
        ("macro-F1", macro_f1, chance_macro_f1(task.test_labels, k)),
    )
    rows = []
    for metric, measure, chance in measures:
        for method, predicted in found.items():
            low, high = bootstrap(measure, task.test_labels, predicted, resamples=resamples, seed=seed)
            rows.append(
                Score(
                    task=task.title,
                    metric=metric,
                    method=method,
                    score=measure(task.test_labels, predicted),
                    low=low,
                    high=high,
                    chance=chance,
                    n=len(task.test),
                    split=split,
                    headline=method == CLIP and metric == "balanced accuracy",
                    reference=method == OWN_CAPTION,  # it knows the truth
                )
            )
    return rows, describe(task) | {"confusion": confusion(task.test_labels, found[CLIP], k).tolist()}


def describe(task: Task) -> dict[str, Any]:
    """The task in plain values: classes with their numbers of neurons, and what was left out."""
    counts = {part: np.bincount(labels, minlength=len(task.classes)) for part, labels in _labels(task).items()}
    return {
        "title": task.title,
        "classes": list(task.classes),
        "train_neurons": counts["train"].tolist(),
        "test_neurons": counts["test"].tolist(),
        "left_out": task.left_out,
        "unlabelled": task.unlabelled,
    }


def _labels(task: Task) -> dict[str, NDArray[np.int64]]:
    return {"train": task.train_labels, "test": task.test_labels}
