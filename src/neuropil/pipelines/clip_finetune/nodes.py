"""Nodes of the clip_finetune pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd  # at the top: Kedro resolves the type hints of nodes (its plugins load pandas anyway)

from neuropil.clip.parameters import ClipParameters
from neuropil.pipelines.skipping import reason_to_skip, skips
from neuropil.views.parameters import ViewsParameters
from neuropil.work.index import Index
from neuropil.work.skipped import Skipped


@skips(outputs=2)
def write_captions(
    neuron_metadata: Index,
    morphometry: pd.DataFrame,
    neuron_split: dict[str, Any],
    clip_finetune: ClipParameters,
    seed: int,
) -> tuple[Index, dict[str, Any]]:
    """State what is known of each neuron, with bins of morphometry from the training neurons alone."""
    from neuropil.captions.collect import caption_records, training_bins
    from neuropil.clip.captioning import caption_generator

    measured = {row["neuron_name"]: row for row in morphometry.to_dict("records")}
    bins = training_bins(measured, neuron_split, clip_finetune.caption_percentile)
    records = caption_records(
        neuron_metadata,
        measured,
        neuron_split,
        bins["bins"],
        caption_generator(clip_finetune, seed),
        source=clip_finetune.source,
        columns=clip_finetune.columns,
    )
    return Index(records), bins


def train_clip(
    vae_checkpoint: Path | Skipped,
    manifest_train: Index,
    manifest_val: Index,
    view_store: Path,
    neuron_store: Path,
    captions: Index,
    clip_finetune: ClipParameters,
    views: ViewsParameters,
    seed: int,
    clip_training_store: Path,
) -> tuple[Path | Skipped, Index]:
    """Train the two towers; without validation views the last epoch counts as the best."""
    # An empty validation part is no reason to skip the training.
    reason = reason_to_skip(vae_checkpoint, manifest_train, captions)
    if reason is not None or isinstance(vae_checkpoint, Skipped):
        return Skipped(str(reason)), Index.skipped(str(reason))
    from neuropil.captions.facts import NeuronFacts
    from neuropil.clip.train import train_clip
    from neuropil.views.access import ViewAccess

    facts = {str(record["neuron_name"]): NeuronFacts.from_record(record) for record in captions}
    access = ViewAccess(view_store, neuron_store, views)
    trained = train_clip(
        vae_checkpoint=vae_checkpoint,
        train=access.read(manifest_train),
        validation=[] if isinstance(manifest_val, Skipped) else access.read(manifest_val),
        views=access,
        captions=facts,
        parameters=clip_finetune,
        seed=seed,
        folder=clip_training_store,
    )
    return trained.best, Index(trained.history)


@skips
def draw_clip_curves(clip_history: Index) -> dict[str, Any]:
    """Draw loss, hit rate and temperature over the epochs."""
    from neuropil.training.curves import curves

    return curves([dict(record) for record in clip_history], "clip_finetune")
