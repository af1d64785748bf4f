"""Bootstrap intervals cover, and the figures agree with scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, f1_score

from neuropil.statistics.intervals import balanced_accuracy, bootstrap, chance_macro_f1, confusion, macro_f1


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60))
def test_figures_equal_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = np.array(pairs).T
    present = np.unique(truth)
    recalls = [(predicted[truth == one] == one).mean() for one in present]
    assert balanced_accuracy(truth, predicted) == pytest.approx(np.mean(recalls))
    if set(predicted) <= set(truth):
        assert balanced_accuracy(truth, predicted) == pytest.approx(balanced_accuracy_score(truth, predicted))
    wanted = f1_score(truth, predicted, labels=present, average="macro", zero_division=0)
    assert macro_f1(truth, predicted) == pytest.approx(wanted)
    assert confusion(truth, predicted, 5).sum() == len(pairs)


def test_ninety_five_percent_of_the_intervals_hold_the_true_mean() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for trial in range(200):
        low, high = bootstrap(lambda values: float(values.mean()), rng.normal(3, 2, 40), resamples=200, seed=trial)
        held += low <= 3 <= high
    assert 0.88 <= held / 200 <= 0.99


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.random.default_rng(1).normal(size=30)
    assert bootstrap(np.mean, values, seed=5) == bootstrap(np.mean, values, seed=5)
    assert bootstrap(np.mean, values, seed=5) != bootstrap(np.mean, values, seed=6)


def test_too_few_items_or_unequal_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match="two items"):
        bootstrap(np.mean, np.ones(1))
    with pytest.raises(ValueError, match="one length"):
        bootstrap(lambda a, b: 0.0, np.ones(3), np.ones(4))


def test_chance_of_macro_f1_is_what_guessing_reaches() -> None:
    rng = np.random.default_rng(2)
    truth = np.repeat([0, 1, 2], [200, 80, 40])
    guessed = np.mean([macro_f1(truth, rng.integers(0, 3, len(truth))) for _ in range(300)])
    assert chance_macro_f1(truth, 3) == pytest.approx(guessed, abs=0.01)
