"""Parameters of the segmentation VAE, by the guide's names."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from neuropil.parameters import Length, Positive, Ratio, Section
from neuropil.training.parameters import EMA, Accelerator, EmaDecay, Precision, TrainingParameters
from neuropil.views.parameters import AugmentationParameters


class VaeParameters(Section):
    """The network, its loss and its training (stage 1 of the guide)."""

    base_channels: int = Field(64, ge=2, le=1024, description="channels at full resolution; doubled at each level")
    latent_channels: int = Field(128, ge=1, le=4096, description="channels of the bottleneck latent at 1/8 resolution")
    num_classes: int = Field(6, ge=6, le=256, description="classes: background, soma, axon, basal, apical, other")
    skip_mode: Literal["variational", "deterministic"] = Field(
        "variational", description="skips through latents of their own, or passed through as they are"
    )
    image_size: int | None = Field(
        None, ge=8, multiple_of=8, description="side to which views are area-pooled first, pixels; null = as rendered"
    )
    skip_dropout: Ratio = Field(
        0.0, description="share of training views decoded without their skips, so that the bottleneck has to carry them"
    )

    lambda_seg: float = Field(1.0, ge=0, description="weight of the segmentation loss")
    lambda_depth: float = Field(1.0, ge=0, description="weight of the depth loss")
    kld_weight: float = Field(0.1, ge=0, description="weight of the KL divergence")
    beta: float = Field(1.0, ge=0, description="additional multiplier of the KL divergence")
    free_nats: float = Field(0.0, ge=0, description="KL divergence of a latent element that costs nothing, nats")
    kl_reduction: Literal["pixel", "element"] = Field(
        "element",
        description="KL summed over a latent and divided by the image's pixels, or averaged over its elements",
    )
    kld_warmup_steps: int = Field(0, ge=0, description="optimizer steps over which the KL weight grows from 0")
    foreground_share: Ratio | None = Field(
        None, description="share of the foreground in the cross-entropy, whatever its area; null = by area"
    )
    focal_gamma: float = Field(0.0, ge=0, le=10, description="focusing exponent of the focal loss; 0 = cross-entropy")

    batch_size: Positive = Field(8, description="views in a batch")
    lr: Length = Field(1e-4, description="highest learning rate")
    weight_decay: float = Field(0.01, ge=0, description="decoupled weight decay of AdamW; none on norms and biases")
    lr_scheduler: Literal["cosine", "step", "constant"] = Field("cosine", description="how the learning rate falls")
    lr_warmup_steps: int = Field(0, ge=0, description="optimizer steps over which the learning rate rises")
    max_epochs: Positive = Field(100, description="passes over the training views")
    max_steps: Positive | None = Field(None, description="optimizer steps; overrides max_epochs where given")
    gradient_clip_val: float = Field(0.0, ge=0, description="largest norm of the gradient; 0 = not clipped")
    gradient_accumulation_steps: Positive = Field(1, description="batches whose gradients make one optimizer step")
    ema_decay: EmaDecay = Field(None, description=EMA)
    early_stopping: bool = Field(False, description="stop when the validation loss no longer improves")
    patience: Positive = Field(10, description="epochs without improvement that early stopping waits for")
    precision: Precision = Field("32-true", description="arithmetic; 16-mixed needs a GPU")
    accelerator: Accelerator = Field("auto", description="auto takes a GPU where there is one")
    num_workers: int = Field(0, ge=0, le=256, description="processes that read views; 0 = the training's own")
    fast_dev_run: bool = Field(False, description="one training and one validation batch, to see that all works")
    augmentation: AugmentationParameters = AugmentationParameters()

    def training(self) -> TrainingParameters:
        """What the shared training engine is told."""
        return TrainingParameters(
            max_epochs=self.max_epochs,
            max_steps=self.max_steps,
            precision=self.precision,
            accelerator=self.accelerator,
            accumulate_grad_batches=self.gradient_accumulation_steps,
            gradient_clip_val=self.gradient_clip_val,
            ema_decay=self.ema_decay,
            early_stopping=self.early_stopping,
            patience=self.patience,
            fast_dev_run=self.fast_dev_run,
        )
