"""Comparisons on the same items, figures over seeds, and the jackknife of sub-volumes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neuropil.em.metrics import Contingency, variation_of_information
from neuropil.statistics.intervals import balanced_accuracy
from neuropil.statistics.jackknife import jackknife
from neuropil.statistics.paired import holm, mcnemar, over_seeds, paired_difference, paired_over_seeds

RNG = np.random.default_rng(0)


def _answers(truth: np.ndarray, right: float, rng: np.random.Generator) -> np.ndarray:
    return np.where(rng.random(len(truth)) < right, truth, (truth + 1) % 4)


def test_a_method_does_not_differ_from_itself() -> None:
    truth = RNG.integers(0, 4, 80)
    answers = _answers(truth, 0.6, RNG)
    found = paired_difference(balanced_accuracy, answers, answers, truth, resamples=200)
    assert (found.difference, found.low, found.high, found.p, found.n) == (0, 0, 0, 1, 80)


def test_a_better_method_is_found_better_and_exchanging_the_two_turns_the_sign() -> None:
    truth = RNG.integers(0, 4, 200)
    good, bad = _answers(truth, 0.9, RNG), _answers(truth, 0.5, RNG)
    found = paired_difference(balanced_accuracy, good, bad, truth, resamples=300)
    assert found.low > 0 and found.p < 0.01
    turned = paired_difference(balanced_accuracy, bad, good, truth, resamples=300)
    assert turned.difference == pytest.approx(-found.difference) and turned.p == found.p


def test_methods_that_are_alike_are_called_different_about_as_often_as_promised() -> None:
    rng = np.random.default_rng(4)
    called = 0
    for trial in range(100):
        truth = rng.integers(0, 4, 60)
        one, other = _answers(truth, 0.6, rng), _answers(truth, 0.6, rng)
        called += paired_difference(balanced_accuracy, one, other, truth, resamples=100, seed=trial).p < 0.05
    assert called <= 12


def test_pairing_finds_what_unpaired_intervals_hide() -> None:
    # Items of very different difficulty; one method is a little better on every one of them.
    hard = RNG.normal(0, 5, 60)
    one, other = hard + 0.3 + RNG.normal(0, 0.1, 60), hard + RNG.normal(0, 0.1, 60)
    found = paired_difference(lambda values: float(values.mean()), one, other, resamples=300)
    assert 0.2 < found.low < found.high < 0.4 and found.p < 0.01


def test_mcnemar_by_hand() -> None:
    first = np.array([True] * 8 + [False] * 2 + [True] * 5)
    second = np.array([False] * 8 + [True] * 2 + [True] * 5)
    tail = sum(math.comb(10, k) for k in (0, 1, 2)) / 2**10
    assert mcnemar(first, second) == pytest.approx(2 * tail)
    assert mcnemar(first, first) == 1


def test_arrays_of_two_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="same items"):
        paired_difference(np.mean, np.ones(3), np.ones(4))
    with pytest.raises(ValueError, match="same ones"):
        mcnemar(np.ones(3, bool), np.ones(4, bool))


def test_an_interval_over_seeds_is_wider_where_the_seeds_disagree() -> None:
    truth = RNG.integers(0, 4, 120)
    alike = [_answers(truth, 0.7, np.random.default_rng(1))] * 3
    apart = [_answers(truth, right, np.random.default_rng(1)) for right in (0.4, 0.7, 0.95)]
    one, other = (over_seeds(balanced_accuracy, runs, truth, resamples=200) for runs in (alike, apart))
    assert one.spread == 0 and one.seeds == 3
    assert other.high - other.low > 1.5 * (one.high - one.low)


def test_the_jackknife_of_a_mean_is_its_t_interval_and_covers() -> None:
    rng, held = np.random.default_rng(7), 0
    for _ in range(300):
        parts = list(rng.normal(3, 2, 16))
        low, high = jackknife(parts, lambda some: np.concatenate([np.atleast_1d(x) for x in some]), np.mean)
        held += low <= 3 <= high
    assert 0.91 <= held / 300 <= 0.98


def _blocks(rng: np.random.Generator) -> list[Contingency]:
    """Sub-volumes of own objects, some of which are split and some merged."""
    tables = []
    for number in range(16):
        truth = np.repeat(np.arange(1, 9), 20) + 100 * number
        predicted = truth.copy()
        predicted[np.isin(truth, 100 * number + rng.integers(1, 9, 2))] += 50  # renamed: no error
        for one in 100 * number + 1 + rng.permutation(8)[: rng.integers(0, 5)]:
            predicted[np.flatnonzero(truth == one)[:10]] = one + 5000  # split in two
        tables.append(Contingency.of(truth, predicted))
    return tables


def test_the_jackknife_of_voi_holds_the_true_figure() -> None:
    rng = np.random.default_rng(8)
    many = [variation_of_information(Contingency.total(_blocks(rng))) for _ in range(60)]
    truth = float(np.mean([sum(one) for one in many]))

    def voi(table: Contingency) -> float:
        return sum(variation_of_information(table))

    held = 0
    for _ in range(60):
        low, high = jackknife(_blocks(rng), Contingency.total, voi, bounds=(0, np.inf))
        held += low <= truth <= high
    assert held >= 52


def test_an_interval_ends_at_the_figures_own_limits() -> None:
    low, high = jackknife([0.0, 1.0, 1.0, 1.0], lambda some: list(some), np.mean, bounds=(0, 1))  # type: ignore[arg-type]
    assert (low, high) == (0, 1) or (0 <= low < high <= 1)
    with pytest.raises(ValueError, match="two parts"):
        jackknife([1.0], lambda some: list(some), np.mean)  # type: ignore[arg-type]


def test_over_seeds_a_method_does_not_differ_from_itself_and_exchanging_turns_the_sign() -> None:
    truth = RNG.integers(0, 4, 90)
    good, bad = ([_answers(truth, right, np.random.default_rng(seed)) for seed in range(3)] for right in (0.8, 0.5))
    same = paired_over_seeds(balanced_accuracy, good, good, truth, resamples=100)
    assert (same.difference, same.p, same.n) == (0, 1, 90)  # the interval holds the choice of seeds, the same for both
    assert (same.low, same.high) == (0, 0)
    found = paired_over_seeds(balanced_accuracy, good, bad, truth, resamples=200)
    turned = paired_over_seeds(balanced_accuracy, bad, good, truth, resamples=200)
    assert found.low > 0 and found.p < 0.02
    assert turned.difference == pytest.approx(-found.difference) and turned.p == found.p


def test_of_one_seed_it_is_the_paired_difference() -> None:
    truth = RNG.integers(0, 4, 80)
    one, other = _answers(truth, 0.7, RNG), _answers(truth, 0.5, RNG)
    plain = paired_difference(balanced_accuracy, one, other, truth, resamples=600)
    seeds = paired_over_seeds(balanced_accuracy, [one], [other], truth, resamples=600)
    assert seeds.difference == plain.difference
    assert (seeds.low, seeds.high) == (pytest.approx(plain.low, abs=0.03), pytest.approx(plain.high, abs=0.03))
    assert seeds.p == pytest.approx(plain.p, abs=0.03)


def test_answers_of_an_item_under_several_seeds_are_no_several_items() -> None:
    # The same answers three times over say no more than once.
    truth = RNG.integers(0, 4, 60)
    one, other = _answers(truth, 0.65, RNG), _answers(truth, 0.55, RNG)
    once = paired_over_seeds(balanced_accuracy, [one], [other], truth, resamples=800)
    thrice = paired_over_seeds(balanced_accuracy, [one] * 3, [other] * 3, truth, resamples=800)
    assert thrice.p == pytest.approx(once.p, abs=0.06)
    assert thrice.high - thrice.low == pytest.approx(once.high - once.low, rel=0.2)


def test_runs_that_do_not_pair_are_refused() -> None:
    truth = np.zeros(4, np.int64)
    with pytest.raises(ValueError, match="same items under the same seeds"):
        paired_over_seeds(balanced_accuracy, [truth, truth], [truth], truth)
    with pytest.raises(ValueError, match="two items"):
        paired_over_seeds(balanced_accuracy, [truth[:1]], [truth[:1]], truth[:1])


def test_holm_by_hand_and_never_below_the_plain_p() -> None:
    assert holm([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert holm([0.9, 0.8]) == [1.0, 1.0] and holm([]) == []
    p = list(RNG.random(20))
    assert all(adjusted >= plain for adjusted, plain in zip(holm(p), p, strict=True))
