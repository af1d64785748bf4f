"""Plain methods find what is there to be found."""

from __future__ import annotations

import numpy as np

from neuropil.statistics.baselines import (
    linear_probe,
    linear_svm,
    majority,
    nearest_by_similarity,
    nearest_neighbours,
    random_forest,
)


def _clusters(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    return np.eye(3)[labels] * 5 + rng.normal(0, 0.4, (n, 3)), labels


def test_separate_clusters_are_told_apart_by_every_method() -> None:
    train, known = _clusters(30, 0)
    test, truth = _clusters(21, 1)
    for predicted in (
        nearest_neighbours(train, known, test, k=5),
        linear_probe(train, known, test),
        linear_svm(train, known, test),
        random_forest(train, known, test, seed=0),
    ):
        assert (predicted == truth).mean() > 0.95


def test_majority_is_the_most_frequent_class() -> None:
    assert majority(np.array([2, 2, 1]), 4).tolist() == [2, 2, 2, 2]


def test_neighbours_are_at_most_as_many_as_there_are() -> None:
    assert nearest_neighbours(np.eye(2), np.array([0, 1]), np.array([[0.9, 0.1]]), k=9).tolist() == [0]


def test_the_most_similar_items_vote_whatever_similarity_is() -> None:
    similarity = np.array([[0.9, 0.1, 0.8, 0.2], [0.1, 0.9, 0.2, 0.3]])
    assert nearest_by_similarity(similarity, np.array([1, 0, 1, 0]), k=2).tolist() == [1, 0]


def test_missing_features_take_the_training_median() -> None:
    train, known = _clusters(30, 0)
    test, truth = _clusters(21, 1)
    train[::7, 0] = np.nan
    extra = np.full((len(train), 1), np.nan)
    predicted = random_forest(np.hstack([train, extra]), known, np.hstack([test, extra[: len(test)]]), seed=0)
    assert (predicted == truth).mean() > 0.9
