"""Features without learning: found signal is scored, noise is not, what was done is not done again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuropil.compute import ComputeParameters
from neuropil.evaluation.baseline_comparisons import compare_protocols
from neuropil.evaluation.baseline_features import LEDGER, describe_neurons
from neuropil.evaluation.baseline_similarity import similarity_table
from neuropil.evaluation.baselines import LEDGER as ANSWERS
from neuropil.evaluation.baselines import METHODS, answer_methods, score_methods
from neuropil.evaluation.parameters import BaselineParameters, EvaluationParameters
from neuropil.evaluation.protocols import UNSEEN, Origins, freeze_protocols, thaw_protocols
from neuropil.morphology.swc import write_swc
from neuropil.morphology.synthesis.grow import grow_neuron
from neuropil.pipelines.evaluation.baseline_nodes import freeze_baseline_folds, score_baselines
from neuropil.statistics.scores import Comparison, Score
from neuropil.work.index import Index
from neuropil.work.keys import file_digest
from neuropil.work.skipped import Skipped

HERE = ComputeParameters()
SMALL = BaselineParameters(labels=("cell_class",), folds=3, seeds=2, min_cells=4, tangent_points=40)
EVALUATION = EvaluationParameters(bootstrap=100, neighbours=3, baselines=SMALL)
KINDS = {"basket": ("basket", "interneuron"), "pyramidal": ("pyramidal", "principal cell")}


@pytest.fixture(scope="module", autouse=True)
def _small_forests() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("neuropil.statistics.baselines._TREES", 15)
        yield


def _neurons(folder: Path, each: int = 6) -> tuple[Index, Index]:
    records, metadata = [], []
    for kind, types in KINDS.items():
        for number in range(each):
            neuron = grow_neuron(kind, number, 3)[0]
            write_swc(neuron, folder / f"{neuron.name}.swc")
            digest = file_digest(folder / f"{neuron.name}.swc")
            records.append({"neuron_name": neuron.name, "swc": f"{neuron.name}.swc", "digest": digest})
            archive = "east" if number % 2 else "west"
            metadata.append({"neuron_name": neuron.name, "archive": archive, "cell_type": list(types)})
    return Index(records), Index(metadata)


def _run(root: Path, evaluation: EvaluationParameters = EVALUATION, seed: int = 4) -> tuple[Any, Any, Any, Any]:
    neurons, metadata = _neurons(root)
    folds = freeze_baseline_folds(neurons, metadata, evaluation, seed)
    return folds, *score_baselines(folds, neurons, root, root / "store", evaluation, HERE, seed)


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, Any, Any, str]:
    root = tmp_path_factory.mktemp("neurons")
    return root, *_run(root)


def test_cells_of_different_form_are_told_apart_and_the_majority_is_chance(scored: Any) -> None:
    _, _, table, _, _ = scored
    classes = table[table["task"].str.startswith("cell class")].set_index(["task", "method"])["score"]
    for task in {task for task, _ in classes.index}:
        assert classes[task, "majority"] == pytest.approx(0.5, abs=0.2)
        for method in ("morphometrics, Sholl, Strahler + random forest", "HOG, fixed scale + linear SVM"):
            assert classes[task, method] > 0.8, (task, method)


def test_every_row_says_what_is_needed_to_believe_it(scored: Any) -> None:
    _, folds, table, _, text = scored
    hashes = {one["hash"] for one in folds["sets"]}
    assert set(table["split"]) <= hashes and (table["seeds"] == 2).all() and (table["n"] > 0).all()
    assert ((table["low"] <= table["score"]) & (table["score"] <= table["high"])).all()
    assert table["chance"].tolist() == [0.5] * len(table)
    assert set(table["method"]) == {method.name.format(k=3) for method in METHODS}
    assert folds["hash"] in text and all(method in text for method in table["method"])


def test_a_second_run_describes_compares_and_answers_nothing_and_says_the_same(scored: Any) -> None:
    root, _, table, compared, text = scored
    ledgers = [root / "store" / name for name in (LEDGER, ANSWERS, "tangents.ledger.jsonl")]
    before = [ledger.stat().st_size for ledger in ledgers]
    _, again, compared_again, said = _run(root)
    assert [ledger.stat().st_size for ledger in ledgers] == before
    assert again.equals(table) and compared_again.equals(compared) and said == text
    lost = next((root / "store" / "neurons").iterdir())
    lost.unlink()
    _, again, _, _ = _run(root)
    assert lost.exists() and again.equals(table)


def test_a_neuron_that_cannot_be_described_is_named_and_the_rest_is_scored(tmp_path: Path) -> None:
    neurons, metadata = _neurons(tmp_path)
    folds = freeze_baseline_folds(neurons, metadata, EVALUATION, 4)
    (tmp_path / "basket-001.swc").write_text("no neuron at all\n")
    records = Index([{**one, "digest": file_digest(tmp_path / one["swc"])} for one in neurons])
    table, _, text = score_baselines(folds, records, tmp_path, tmp_path / "store", EVALUATION, HERE, 4)
    assert "basket-001 could not be described" in text
    assert set(table["method"]) == {method.name.format(k=3) for method in METHODS} and (table["n"] <= 12).all()


def test_unknown_neurons_and_no_neurons_are_told(tmp_path: Path) -> None:
    neurons, metadata = _neurons(tmp_path)
    off = EVALUATION.model_copy(update={"baselines": SMALL.model_copy(update={"enabled": False})})
    assert freeze_baseline_folds(neurons, metadata, off, 4) == Skipped(
        "no baselines: evaluation.baselines.enabled is false"
    )
    nothing = freeze_baseline_folds(neurons, Index([]), EVALUATION, 4)
    assert isinstance(nothing, Skipped) and nothing.reason.startswith("no baselines: cell class")
    assert score_baselines(nothing, neurons, tmp_path, tmp_path, EVALUATION, HERE, 4) == (nothing,) * 3


def test_of_many_neurons_the_same_are_drawn_whatever_their_order(tmp_path: Path) -> None:
    neurons, metadata = _neurons(tmp_path)
    few = EVALUATION.model_copy(update={"baselines": SMALL.model_copy(update={"most_neurons": 10, "min_cells": 3})})
    one = freeze_baseline_folds(neurons, metadata, few, 4)
    other = freeze_baseline_folds(Index(list(neurons)[::-1]), metadata, few, 4)
    assert len(one["neurons"]) == 10 and one == other


def test_similarities_in_blocks_are_those_of_one_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    neurons, _ = _neurons(tmp_path, each=4)
    parameters = SMALL.model_copy(update={"features": ("tangents",)})
    tables = describe_neurons(list(neurons), tmp_path, tmp_path / "store", parameters, HERE)
    whole = np.load(similarity_table(tables.paths["tangents"], tables.keys, 25.0, tmp_path / "store", HERE))
    monkeypatch.setattr("neuropil.evaluation.baseline_similarity._BLOCK", 3)
    blocks = np.load(similarity_table(tables.paths["tangents"], tables.keys, 25.0, tmp_path / "other", HERE))
    np.testing.assert_array_equal(whole, blocks)
    np.testing.assert_allclose(np.diag(whole), 1, atol=1e-5)


def _scores(
    values: np.ndarray, root: Path, labels: list[str], laboratories: list[str]
) -> tuple[list[Score], list[Comparison]]:
    names = [f"n{place:03d}" for place in range(len(labels))]
    origins = Origins(laboratories, [f"{of} {place}" for place, of in enumerate(laboratories)], [None] * len(labels))
    document = json.loads(
        json.dumps(freeze_protocols(names, {"cell_class": labels}, origins, parameters=SMALL, seed=1))
    )
    sets = thaw_protocols(document, names, label="folds")
    root.mkdir()
    np.save(root / "traits.npy", values[:, None].astype(np.float32))
    answered = answer_methods(
        sets, {"traits": root / "traits.npy"}, names, root, evaluation=EVALUATION, compute=HERE, seed=1
    )
    return score_methods(answered, resamples=100, seed=1), compare_protocols(answered, resamples=200, seed=1)


def test_a_trait_of_the_laboratory_alone_fails_where_the_laboratory_is_unseen(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    laboratories = ["east"] * 40 + ["west"] * 40
    labels = ["a" if rng.random() < (0.9 if of == "east" else 0.1) else "b" for of in laboratories]
    values = np.array([[of == "east"] for of in laboratories]) + rng.normal(0, 0.1, (80, 1))
    found, compared = _scores(values, tmp_path / "one", labels, laboratories)
    rows = {row.task: row for row in found if row.method != "majority"}
    seen, unseen = (
        rows["cell class, all neurons, laboratory and day kept together"],
        rows["cell class, unseen laboratory"],
    )
    assert seen.score > 0.7 and unseen.score < 0.6
    assert unseen.split != seen.split and UNSEEN in unseen.task
    alike = next(row for task, row in rows.items() if "unseen laboratories, seen" in task)
    lost = next(row for row in compared if row.first == f"{unseen.method}, unseen")
    assert lost.difference == pytest.approx(unseen.score - alike.score) and lost.n == unseen.n == alike.n
    assert lost.high < 0 and lost.p < 0.05 and lost.p_holm >= lost.p
    assert {unseen.split, alike.split} == set(lost.split.split())


def test_what_does_not_depend_on_the_laboratory_loses_nothing_where_it_is_unseen(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    labels, laboratories = ["a", "b"] * 40, ["east"] * 40 + ["west"] * 40
    values = np.array([[label == "a"] for label in labels]) + rng.normal(0, 0.4, (80, 1))
    _, compared = _scores(values, tmp_path / "one", labels, laboratories)
    lost = next(row for row in compared if row.first.startswith("file traits"))
    assert abs(lost.difference) < 0.1 and lost.p_holm > 0.05


def test_methods_are_compared_with_their_twins_on_the_same_neurons(scored: Any) -> None:
    _, _, table, compared, text = scored
    scores = table.set_index(["task", "method"])["score"]
    twins = compared[compared["second"].str.endswith(" (twin)")]
    assert set(twins["first"] + " (twin)") == set(twins["second"]) and len(twins) == 6 * table["task"].nunique()
    for row in twins.itertuples():
        expected = scores[row.task, row.first] - scores[row.task, row.second]
        assert row.difference == pytest.approx(expected) and row.low <= row.difference <= row.high
    assert "## What the twin loses" in text and "## What an unseen laboratory costs" in text


def test_seen_and_unseen_laboratories_stand_side_by_side_and_the_laboratory_apart(scored: Any) -> None:
    _, folds, table, _, text = scored
    heading = next(line for line in text.splitlines() if line.startswith("| method | cell class"))
    assert heading == "| method | cell class, all (2) | cell class, seen (2) | cell class, unseen (2) |"
    cells = [cell.strip(" *") for cell in text.split(heading)[1].splitlines()[2].split("|")[2:-1]]
    rows = table[table["method"] == "majority"].set_index("task")["score"]
    titles = {one["facts"]["protocol"]: one["facts"]["title"] for one in folds["sets"]}
    shown = [rows[titles[protocol]] for protocol in ("grouped", "seen", "unseen")]
    assert [float(cell.split(" ")[0].strip("*")) for cell in cells] == pytest.approx(shown, abs=0.006)


def test_the_probe_of_the_laboratory_is_the_last_column_though_it_is_asked_for_first(tmp_path: Path) -> None:
    neurons, metadata = _neurons(tmp_path)
    asked = SMALL.model_copy(update={"labels": ("laboratory", "cell_class"), "features": ("traits",), "seeds": 1})
    evaluation = EVALUATION.model_copy(update={"baselines": asked})
    folds = freeze_baseline_folds(neurons, metadata, evaluation, 4)
    _, compared, text = score_baselines(folds, neurons, tmp_path, tmp_path / "store", evaluation, HERE, 4)
    heading = next(line for line in text.splitlines() if line.startswith("| method |"))
    assert heading.endswith("cell class, unseen (2) | laboratory (2) |")
    assert not compared["second"].str.endswith("(twin)").any()  # traits have no twin
    assert "## What the twin loses" not in text
