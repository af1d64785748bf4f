"""Nodes of the evaluation pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd  # at the top: Kedro resolves the type hints of nodes (its plugins load pandas anyway)

from neuropil.evaluation.parameters import EvaluationParameters
from neuropil.pipelines.skipping import reason_to_skip, skips
from neuropil.views.parameters import ViewsParameters
from neuropil.work.index import Index
from neuropil.work.skipped import Skipped


def embed_neurons(
    clip_checkpoint: Path | Skipped,
    manifest_train: Index,
    manifest_val: Index,
    manifest_test: Index,
    view_store: Path,
    neuron_store: Path,
    neuron_split: dict[str, Any],
    evaluation: EvaluationParameters,
    views: ViewsParameters,
    embedding_store: Path,
) -> pd.DataFrame | Skipped:
    """Embed the views of every neuron and pool them to one vector a neuron."""
    # An empty validation or test part is no reason to skip the others.
    reason = reason_to_skip(clip_checkpoint, manifest_train, neuron_split)
    if reason is not None or isinstance(clip_checkpoint, Skipped):
        return Skipped(str(reason))
    import itertools

    from neuropil.clip.model import load_clip
    from neuropil.evaluation.embed import embed_neurons
    from neuropil.views.access import ViewAccess
    from neuropil.work.keys import file_digest

    manifests = [one for one in (manifest_train, manifest_val, manifest_test) if not isinstance(one, Skipped)]
    return embed_neurons(
        itertools.chain.from_iterable(manifests),
        ViewAccess(view_store, neuron_store, views),
        model=load_clip(clip_checkpoint),
        checkpoint=file_digest(clip_checkpoint),
        parts={name: part for part, names in neuron_split["parts"].items() for name in names},
        pooling=evaluation.pooling,
        batch_size=evaluation.batch_size,
        store=embedding_store,
    )


@skips
def build_search_index(
    embeddings: pd.DataFrame, captions: Index, clip_checkpoint: Path, search_store: Path
) -> dict[str, Any]:
    """Keep embeddings, names and facts where `neuropil search` finds them."""
    from neuropil.search.index import build_index

    return build_index(embeddings, _facts(captions), clip_checkpoint, search_store)


def score(
    embeddings: pd.DataFrame | Skipped,
    captions: Index,
    morphometry: pd.DataFrame | Skipped,
    neuron_split: dict[str, Any] | Skipped,
    clip_checkpoint: Path | Skipped,
    em_scores: dict[str, Any] | Skipped,
    vae_scores: dict[str, Any] | Skipped,
    evaluation: EvaluationParameters,
    seed: int,
) -> dict[str, Any]:
    """Score the test neurons beside chance and plain methods, and gather the scores of the other trainings."""
    from neuropil.evaluation.metrics import gather_metrics, score_neurons

    @skips
    def scored(embeddings: pd.DataFrame, captions: Index, split: dict[str, Any], checkpoint: Path) -> dict[str, Any]:
        table = None if isinstance(morphometry, Skipped) else morphometry
        facts = _facts(captions)
        return score_neurons(embeddings, facts, table, split, checkpoint, parameters=evaluation, seed=seed)

    found = scored(embeddings, captions, neuron_split, clip_checkpoint)
    neurons = _plain(found) | {"scores": []} if isinstance(found, Skipped) else found
    return gather_metrics(neurons, em=_plain(em_scores), vae=_plain(vae_scores))


def tabulate_scores(
    metrics: dict[str, Any],
    baseline_scores: pd.DataFrame | Skipped,
    baseline_comparisons: pd.DataFrame | Skipped,
) -> tuple[pd.DataFrame | Skipped, pd.DataFrame | Skipped, str]:
    """Put every score of neurons, EM, VAE and plain features into one table; and what was compared with what."""
    from neuropil.evaluation.all_scores import gather_scores, write_scores
    from neuropil.statistics.tables import comparison_table, records, score_table

    plain, twins = (
        one.reason if isinstance(one, Skipped) else records(one) for one in (baseline_scores, baseline_comparisons)
    )
    found = gather_scores(metrics, plain, twins)
    nothing = Skipped("no scores: " + "; ".join(dict.fromkeys(found.missing.values())))
    scores = score_table(found.scores) if found.scores else nothing
    compared = comparison_table(found.comparisons) if found.comparisons else Skipped("no methods were compared")
    return scores, compared, write_scores(found)


def write_report(metrics: dict[str, Any]) -> str:
    """Put all scores into words and tables."""
    from neuropil.evaluation.report import write_report

    return write_report(metrics)


@skips(outputs=2)
def draw_maps(
    embeddings: pd.DataFrame, captions: Index, evaluation: EvaluationParameters, seed: int
) -> tuple[bytes, bytes]:
    """Map all neurons by t-SNE, coloured by cell class and by brain region."""
    from neuropil.evaluation.plots import draw_maps

    return draw_maps(embeddings, _facts(captions), perplexity=evaluation.perplexity, seed=seed)


def draw_confusion(metrics: dict[str, Any]) -> bytes:
    """Draw which class each test neuron was taken for."""
    from neuropil.evaluation.plots import draw_confusion

    return draw_confusion(metrics)


def _facts(captions: Index) -> dict[str, Any]:
    from neuropil.captions.facts import NeuronFacts

    return {str(record["neuron_name"]): NeuronFacts.from_record(record) for record in captions}


def _plain(scores: dict[str, Any] | Skipped) -> dict[str, Any]:
    return {"skipped": scores.reason} if isinstance(scores, Skipped) else scores
