"""Train the two towers on views and captions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader

from neuropil.captions.facts import NeuronFacts
from neuropil.captions.generator import VERSION as CAPTIONS_VERSION
from neuropil.captions.generator import NeuronTextGenerator
from neuropil.clip.captioning import caption_generator
from neuropil.clip.data import Collate, OneSamplePerNeuron, PairDataset, group_views
from neuropil.clip.encoder import load_encoder
from neuropil.clip.model import KIND
from neuropil.clip.module import ClipModule
from neuropil.clip.network import ClipNetwork, NetworkShape
from neuropil.clip.parameters import ClipParameters
from neuropil.clip.text import KnownTexts, TextEncoder, load_text_encoder
from neuropil.errors import InputError
from neuropil.training.fit import Trained, fit
from neuropil.training.seeding import seeded
from neuropil.views.access import ViewAccess
from neuropil.work.keys import content_key, file_digest

VERSION = 1
_WHITENING_EPOCHS = 20  # epochs whose captions the whitening is estimated from


def train_clip(
    *,
    vae_checkpoint: Path,
    train: Sequence[Mapping[str, Any]],
    validation: Sequence[Mapping[str, Any]],
    views: ViewAccess,
    captions: Mapping[str, NeuronFacts],
    parameters: ClipParameters,
    seed: int,
    folder: Path,
    text_encoder: TextEncoder | None = None,
) -> Trained:
    """Fine-tune on image-text pairs; a finished training returns at once, a killed one goes on at its epoch.

    Args:
        vae_checkpoint: the pretrained SegVAE2D whose encoder becomes the image tower.
        train, validation: manifest records; without validation records the last epoch is the best.
        views: where the views come from.
        captions: neuron name -> its facts.
        parameters: captions, towers, loss and optimiser.
        seed: root seed.
        folder: of the training (see `training.fit`).
        text_encoder: the frozen encoder; None loads the one that `parameters.text_encoder` names.

    Raises:
        InputError: the manifest has fewer than two neurons, the text encoder or the VAE cannot be loaded.
    """
    neurons, views_of = group_views(train, captions)
    if len(neurons) < 2:
        raise InputError(f"manifest_train: {len(neurons)} neuron; contrastive training needs two at least")
    known = KnownTexts(text_encoder or load_text_encoder(parameters.text_encoder))
    module = _module(vae_checkpoint, parameters, known.encoder, seed)
    if parameters.text_whitening:
        module.network.whiten(known(_training_texts(neurons, views_of, caption_generator(parameters, seed))))
    return fit(
        module,
        _loader(train, views, captions, known, parameters, seed=seed, training=True),
        _loader(validation, views, captions, known, parameters, seed=seed, training=False) if validation else None,
        folder=folder,
        key=content_key(
            (VERSION, CAPTIONS_VERSION),
            file_digest(vae_checkpoint),
            _described(train, captions),
            _described(validation, captions),
            parameters.model_dump(mode="json", exclude={"accelerator"}),
            views.parameters.training_section(),
        ),
        seed=seed,
        training=parameters.training(),
        label="training clip",
    )


def _module(vae_checkpoint: Path, parameters: ClipParameters, text_encoder: TextEncoder, seed: int) -> ClipModule:
    """Both towers, the image tower with the pretrained encoder, and what a checkpoint must tell of them."""
    encoder, encoder_record = load_encoder(vae_checkpoint)
    shape = NetworkShape(
        text_width=text_encoder.width,
        logit_scale=parameters.logit_scale,
        **{name: getattr(parameters, name) for name in _SHARED},
    )
    with seeded(seed, "clip", "weights"):
        network = ClipNetwork(encoder, shape)
    hyperparameters = {
        "kind": KIND,
        "encoder": encoder_record,
        "shape": shape.record(),
        "text_encoder": text_encoder.name,
        "parameters": parameters.model_dump(mode="json"),
    }
    return ClipModule(network, parameters, hyperparameters)


_SHARED = (
    "clip_embed_dim",
    "image_size",
    "image_pooling",
    "scale_input",
    "projection_dropout",
    "learnable_temperature",
)


def _loader(
    records: Sequence[Mapping[str, Any]],
    access: ViewAccess,
    captions: Mapping[str, NeuronFacts],
    known: KnownTexts,
    parameters: ClipParameters,
    *,
    seed: int,
    training: bool,
) -> DataLoader[Any]:
    neurons, views_of = group_views(records, captions)
    views = access.open(records, augmentation=parameters.augmentation if training else None, seed=seed)
    return DataLoader(
        PairDataset(views, neurons, caption_generator(parameters, seed)),
        batch_sampler=OneSamplePerNeuron(
            views_of,
            parameters.batch_size,
            views_per_neuron=parameters.views_per_neuron,
            seed=seed,
            shuffle=training,
        ),
        collate_fn=Collate(known),
    )


def _training_texts(
    neurons: Sequence[NeuronFacts], views_of: Sequence[Sequence[int]], generator: NeuronTextGenerator
) -> list[str]:
    """Captions as the first epochs draw them, one view a neuron each; repeated ones stay, they weigh more."""
    return [
        generator.draw(neuron, epoch=epoch, index=views[0]).text
        for epoch in range(_WHITENING_EPOCHS)
        for neuron, views in zip(neurons, views_of, strict=True)
    ]


def _described(records: Sequence[Mapping[str, Any]], captions: Mapping[str, NeuronFacts]) -> list[Any]:
    """What of the views and captions determines the training: the records, and the facts of their neurons."""
    names = sorted({str(record["neuron_name"]) for record in records})
    return [list(records), [captions[name].record() for name in names if name in captions]]
