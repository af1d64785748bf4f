"""The caption generator that a parameter section describes."""

from __future__ import annotations

from neuropil.captions.generator import NeuronTextGenerator
from neuropil.clip.parameters import ClipParameters


def caption_generator(parameters: ClipParameters, seed: int) -> NeuronTextGenerator:
    """Levels, numbers and traits as `parameters` say, with draws from `seed`."""
    return NeuronTextGenerator(
        parameters.caption_weights.model_dump(),
        seed=seed,
        most_traits=parameters.caption_traits,
        numbers=parameters.caption_numbers,
    )
