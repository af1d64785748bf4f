"""SegVAE2D in training."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor

from neuropil.training.schedules import configured
from neuropil.vae.load import KIND
from neuropil.vae.losses import VaeLoss, vae_loss
from neuropil.vae.network import SegVAE2D
from neuropil.vae.parameters import VaeParameters

LATENTS = ("bottleneck", "skip_1", "skip_2", "skip_4")


class VaeModule(pl.LightningModule):
    """Trains a `SegVAE2D` on views; its checkpoints hold what the network is built from.

    Args:
        parameters: of the section `vae_pretrain`.
    """

    def __init__(self, parameters: VaeParameters) -> None:
        super().__init__()
        self.network = SegVAE2D(
            base_channels=parameters.base_channels,
            latent_channels=parameters.latent_channels,
            num_classes=parameters.num_classes,
            skip_mode=parameters.skip_mode,
            image_size=parameters.image_size,
            skip_dropout=parameters.skip_dropout,
        )
        self.save_hyperparameters({"kind": KIND, "network": self.network.record()})
        self._section = parameters

    def training_step(self, batch: dict[str, Any], index: int) -> Tensor:
        """The loss of a batch of views (see `views.dataset.ViewDataset`)."""
        warmup = self._section.kld_warmup_steps
        warm = min(1.0, self.global_step / warmup) if warmup else 1.0
        return self._step(batch, "train", warm).loss

    def validation_step(self, batch: dict[str, Any], index: int) -> None:
        """The same with means decoded and the full KL weight, so that epochs of a warm-up compare."""
        self._step(batch, "val", 1.0)

    def configure_optimizers(self) -> Any:
        """AdamW (no decay on norms and biases) with the schedule of the parameters."""
        weights = [weight for weight in self.network.parameters() if weight.ndim > 1]
        others = [weight for weight in self.network.parameters() if weight.ndim <= 1]
        optimizer = torch.optim.AdamW(
            [{"params": weights, "weight_decay": self._section.weight_decay}, {"params": others, "weight_decay": 0.0}],
            lr=self._section.lr,
        )
        return configured(self, optimizer, kind=self._section.lr_scheduler, warmup_steps=self._section.lr_warmup_steps)

    def _step(self, batch: dict[str, Any], part: str, warm: float) -> VaeLoss:
        image = batch["image"]
        terms = vae_loss(self.network(image), batch["mask"], batch["depth"], self._section, warm=warm)
        values = {"loss": terms.loss, "seg_loss": terms.seg_loss, "depth_loss": terms.depth_loss, "kld": terms.kld}
        # zip is cut short in the deterministic mode, which has no latents in its skips.
        values |= {f"kld_{name}": kld for name, kld in zip(LATENTS, terms.klds, strict=False)}
        self.log_dict(
            {f"{part}/{name}": value for name, value in values.items()},
            on_epoch=True,
            on_step=False,
            batch_size=len(image),
        )
        return terms
