"""Nodes of the evaluation pipeline that need no trained network: frozen folds, and what plain features reach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd  # at the top: Kedro resolves the type hints of nodes (its plugins load pandas anyway)

from neuropil.compute import ComputeParameters
from neuropil.evaluation.parameters import EvaluationParameters
from neuropil.pipelines.skipping import skips
from neuropil.work.index import Index
from neuropil.work.skipped import Skipped


@skips
def freeze_baseline_folds(
    neurons: Index, neuron_metadata: Index, evaluation: EvaluationParameters, seed: int
) -> dict[str, Any] | Skipped:
    """Divide all neurons into folds: within laboratories and days, inside one laboratory, by unseen laboratory."""
    from neuropil.captions.adapters import neuromorpho
    from neuropil.evaluation.protocols import freeze_protocols, origins_of
    from neuropil.rendering.grouping import LABORATORY
    from neuropil.work.keys import content_key

    baselines = evaluation.baselines
    if not baselines.enabled:
        return Skipped("no baselines: evaluation.baselines.enabled is false")
    names = sorted((str(record["neuron_name"]) for record in neurons), key=lambda name: content_key(seed, name))
    names = sorted(names[: baselines.most_neurons])
    wanted = set(names)
    metadata = [record for record in neuron_metadata if record["neuron_name"] in wanted]
    origins = origins_of(names, metadata)
    facts = {record["neuron_name"]: neuromorpho(record) for record in metadata}
    labels = {
        label: origins.laboratories
        if label == LABORATORY
        else [facts[name].label(label) if name in facts else None for name in names]
        for label in baselines.labels
    }
    document = freeze_protocols(names, labels, origins, parameters=baselines, seed=seed)
    if not document["sets"]:
        return Skipped(f"no baselines: {'; '.join(document['left_out'])}")
    return document


@skips(outputs=3)
def score_baselines(
    baseline_folds: dict[str, Any],
    neurons: Index,
    neuron_store: Path,
    baseline_store: Path,
    evaluation: EvaluationParameters,
    compute: ComputeParameters,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Describe every neuron by features that nothing learnt, score them with plain classifiers, compare the scores."""
    from neuropil.evaluation.baseline_comparisons import compare_protocols, compare_twins
    from neuropil.evaluation.baseline_features import describe_neurons
    from neuropil.evaluation.baseline_report import write_baseline_report
    from neuropil.evaluation.baseline_similarity import similarity_table
    from neuropil.evaluation.baselines import answer_methods, score_methods
    from neuropil.evaluation.protocols import thaw_protocols
    from neuropil.statistics.tables import comparison_table, score_table

    wanted = set(baseline_folds["neurons"])
    found = {record["neuron_name"]: record for record in neurons if record["neuron_name"] in wanted}
    sets = thaw_protocols(baseline_folds, found, label="baseline_folds")
    records = [found[name] for name in baseline_folds["neurons"]]
    baselines = evaluation.baselines
    tables = describe_neurons(records, neuron_store, baseline_store, baselines, compute)
    paths = dict(tables.paths)
    for name in ("tangents", "tangents_twin"):
        if name in paths:
            scale = baselines.tangent_um
            paths[f"{name}_similarity"] = similarity_table(paths[name], tables.keys, scale, baseline_store, compute)
    answered = answer_methods(
        sets, paths, tables.keys, baseline_store, evaluation=evaluation, compute=compute, seed=seed
    )
    how = {"resamples": evaluation.bootstrap, "seed": seed}
    rows = score_methods(answered, **how)
    compared = [*compare_twins(answered, **how), *compare_protocols(answered, **how)]
    report = write_baseline_report(rows, compared, sets, baseline_folds, tables.failed)
    return score_table(rows), comparison_table(compared), report
