"""Plain methods that a trained one has to beat: fitted on training items, asked about test items."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.floating]
Labels = NDArray[np.int64]

_TREES = 300


def majority(train_labels: Labels, n: int) -> Labels:
    """The most frequent training class, `n` times."""
    return np.full(n, np.bincount(train_labels).argmax(), dtype=np.int64)


def nearest_neighbours(train: Features, train_labels: Labels, test: Features, *, k: int) -> Labels:
    """The vote of the k nearest training items by cosine, weighted by similarity; ties go to the lower class.

    Args:
        train, test: [n, d] features.
        train_labels: class index of each training item.
        k: how many neighbours vote; at most as many as there are.
    """
    return nearest_by_similarity(_unit(test) @ _unit(train).T, train_labels, k=k)


def nearest_by_similarity(similarity: Features, train_labels: Labels, *, k: int) -> Labels:
    """The vote of the k most similar training items, weighted by similarity; ties go to the lower class.

    Args:
        similarity: [test, train], from -1 to 1, such as a cosine; -1 has no weight.
        train_labels: class index of each training item.
        k: how many neighbours vote; at most as many as there are.
    """
    k = min(k, similarity.shape[1])
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    votes = np.zeros((len(similarity), int(train_labels.max()) + 1))
    weights = np.take_along_axis(similarity, nearest, axis=1) + 1  # cosines from -1: no weight below 0
    np.add.at(votes, (np.arange(len(similarity))[:, None], train_labels[nearest]), weights)
    return votes.argmax(1)


def linear_probe(train: Features, train_labels: Labels, test: Features) -> Labels:
    """Logistic regression on standardised features, classes weighted alike."""
    from sklearn.linear_model import LogisticRegression

    return _fitted(LogisticRegression(class_weight="balanced", max_iter=2000), train, train_labels, test)


def linear_svm(train: Features, train_labels: Labels, test: Features) -> Labels:
    """A linear support vector machine on features as they are, classes weighted alike.

    For features that bear a scale of their own, such as histograms of gradients (Dalal and Triggs 2005): to
    standardise them makes bins that are nearly always empty count as much as all others. Missing values (NaN) are 0.
    """
    from sklearn.svm import LinearSVC

    machine = LinearSVC(class_weight="balanced", max_iter=20_000, random_state=0)
    machine.fit(np.nan_to_num(train), train_labels)
    return np.asarray(machine.predict(np.nan_to_num(test)), dtype=np.int64)


def random_forest(train: Features, train_labels: Labels, test: Features, *, seed: int) -> Labels:
    """A forest of 300 trees, classes weighted alike; missing values (NaN) take the training median."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(_TREES, class_weight="balanced", min_samples_leaf=2, random_state=seed)
    return _fitted(forest, train, train_labels, test)


def _fitted(model: Any, train: Features, train_labels: Labels, test: Features) -> Labels:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    pipe = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler(), model)
    pipe.fit(train, train_labels)
    return np.asarray(pipe.predict(test), dtype=np.int64)


def _unit(features: Features) -> Features:
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
