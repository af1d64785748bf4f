"""What `metrics.json` holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuropil.captions.facts import NeuronFacts
from neuropil.clip.captioning import caption_generator
from neuropil.clip.model import load_clip
from neuropil.errors import InputError
from neuropil.evaluation.parameters import EvaluationParameters
from neuropil.evaluation.score import gather, score_retrieval, score_zero_shot
from neuropil.work.keys import file_digest

if TYPE_CHECKING:
    import pandas as pd


def score_neurons(
    embeddings: pd.DataFrame,
    captions: Mapping[str, NeuronFacts],
    morphometry: pd.DataFrame | None,
    split: Mapping[str, Any],
    checkpoint: Path,
    *,
    parameters: EvaluationParameters,
    seed: int,
) -> dict[str, Any]:
    """Every score of the neurons of the test part, as plain values.

    Args:
        embeddings: the table of `embed.embed_neurons`.
        captions: neuron name -> facts.
        morphometry: the table of measures, for the baseline; None leaves it out.
        split: the frozen split.
        checkpoint: the CLIP checkpoint that made the embeddings; its text tower embeds captions and prompts.
        parameters: what is scored, and how.
        seed: root seed.

    Returns:
        {"scores", "zero_shot", "retrieval", "neurons", "split", "checkpoint", "text_encoder", "pooling"}, or
        {"skipped": reason, "scores": []} where no test neuron was held back.
    """
    counts = Counter(embeddings["part"])
    if counts["test"] < 2:
        return {"skipped": f"{counts['test']} test neurons with views: raise rendering.test_ratio", "scores": []}
    model = load_clip(checkpoint)
    dimensions = model.parameters.clip_embed_dim
    if len(embeddings["embedding"].iloc[0]) != dimensions:
        raise InputError(f"{checkpoint}: embeds in {dimensions} dimensions, the embeddings have others; embed anew")
    generator = caption_generator(model.parameters, seed)
    scored = gather(embeddings, captions, morphometry, split=split["hash"], seed=seed)
    zero_shot_scores, zero_shot = score_zero_shot(scored, model, generator, parameters)
    retrieval_scores, retrieval = score_retrieval(scored, model, generator, resamples=parameters.bootstrap)
    return {
        "scores": [score.record() for score in [*zero_shot_scores, *retrieval_scores]],
        "zero_shot": zero_shot,
        "retrieval": retrieval,
        "neurons": {part: counts[part] for part in ("train", "val", "test")},
        "split": split["hash"],
        "checkpoint": file_digest(checkpoint),
        "text_encoder": model.text_encoder,
        "pooling": parameters.pooling,
    }


def gather_metrics(neurons: Mapping[str, Any], *, em: Mapping[str, Any], vae: Mapping[str, Any]) -> dict[str, Any]:
    """The scores of the neurons with those of the other trainings beside them.

    Args:
        neurons: of `score_neurons`, or {"skipped": reason, "scores": []}.
        em, vae: the score documents of em_segmentation and vae_pretrain, or {"skipped": reason}.
    """
    return {**neurons, "em_segmentation": dict(em), "vae_pretrain": dict(vae)}
