"""Retrieval figures by hand, and chance levels as simulation finds them."""

from __future__ import annotations

import numpy as np
import pytest

from neuropil.evaluation.retrieval import median_rank_chance, per_query, per_query_chance, summary, useful_queries


def test_figures_of_a_case_made_by_hand() -> None:
    similarity = np.array([[0.9, 0.8, 0.7, 0.6], [0.1, 0.2, 0.3, 0.4]])
    mask = np.array([[True, False, True, False], [True, False, False, False]])
    found = per_query(similarity, mask)
    assert found["R@1"].tolist() == [1, 0]
    assert found["R@5"].tolist() == [1, 1]
    assert found["rank"].tolist() == [1, 4]
    assert found["MRR"].tolist() == [1, 0.25]
    assert found["mAP"].tolist() == pytest.approx([(1 + 2 / 3) / 2, 0.25])


def test_an_equivalent_item_is_a_hit() -> None:
    similarity = np.array([[0.5, 0.9]])
    assert per_query(similarity, np.array([[True, False]]))["R@1"].tolist() == [0]
    assert per_query(similarity, np.array([[True, True]]))["R@1"].tolist() == [1]


def test_ties_count_against_the_query() -> None:
    assert per_query(np.zeros((1, 3)), np.array([[True, False, False]]))["rank"].tolist() == [3]


def test_chance_is_what_random_orders_reach() -> None:
    rng = np.random.default_rng(0)
    mask = rng.random((6, 23)) < np.array([0.05, 0.1, 0.3, 0.5, 0.8, 0.2])[:, None]
    mask[:, 0] = True
    runs = [per_query(rng.random(mask.shape), mask) for _ in range(3000)]
    expected = per_query_chance(mask)
    for name, chance in expected.items():
        simulated = np.mean([run[name] for run in runs], axis=0)
        assert chance == pytest.approx(simulated, abs=0.03), name
    ranks = np.concatenate([run["rank"] for run in runs])
    assert median_rank_chance(mask) == pytest.approx(np.median(ranks), abs=1)


def test_chance_of_a_class_hit_in_the_top_five_is_that_of_equal_classes() -> None:
    mask = np.tile(np.arange(8000) % 8 == 0, (1, 1))
    assert per_query_chance(mask)["R@5"][0] == pytest.approx(1 - (1 - 1 / 8) ** 5, abs=1e-3)


def test_queries_that_cannot_fail_or_succeed_are_told() -> None:
    assert useful_queries(np.array([[1, 1], [0, 0], [1, 0]], dtype=bool)).tolist() == [False, False, True]


def test_the_summary_sets_each_figure_beside_its_chance() -> None:
    found = summary(np.eye(12), np.eye(12, dtype=bool))
    assert found["mAP"]["score"] == found["R@1"]["score"] == found["median rank"]["score"] == 1
    assert found["R@1"]["chance"] == pytest.approx(1 / 12)
    assert found["median rank"]["chance"] == 6
