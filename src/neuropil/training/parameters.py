"""What every training is told besides its network and its data."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from neuropil.parameters import Positive, Section

Precision = Literal["32-true", "16-mixed", "bf16-mixed"]
Accelerator = Literal["auto", "cpu", "gpu"]
EmaDecay = Annotated[float, Field(ge=0, lt=1)] | None

EMA = "validate and keep a moving average of the weights that decays so at each step, such as 0.999; null = none"


class TrainingParameters(Section):
    """How long, how precisely and where a network is trained; the learning rate belongs to the engine's section."""

    max_epochs: Positive = Field(100, description="passes over the training set")
    max_steps: Positive | None = Field(None, description="optimizer steps; overrides max_epochs where given")
    precision: Precision = Field("32-true", description="arithmetic; 16-mixed needs a GPU")
    accelerator: Accelerator = Field("auto", description="auto takes a GPU where there is one")
    accumulate_grad_batches: Positive = Field(1, description="batches whose gradients make one optimizer step")
    gradient_clip_val: float = Field(0.0, ge=0, description="largest norm of the gradient; 0 = not clipped")
    ema_decay: EmaDecay = Field(None, description=EMA)
    early_stopping: bool = Field(False, description="stop when the validation no longer improves")
    patience: Positive = Field(10, description="epochs without improvement that early stopping waits for")
    fast_dev_run: bool = Field(False, description="one training and one validation batch, to see that all works")
