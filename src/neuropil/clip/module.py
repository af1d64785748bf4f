"""The contrastive training as Lightning runs it."""

from __future__ import annotations

import math
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor

from neuropil.clip.losses import contrastive, kl_divergence
from neuropil.clip.network import ClipNetwork
from neuropil.clip.parameters import ClipParameters
from neuropil.training.schedules import configured


class ClipModule(pl.LightningModule):
    """Loss lambda_clip * contrastive + lambda_kld * KL of the encoder's latent from N(0, 1).

    Args:
        network: both towers.
        parameters: loss, optimiser and what is frozen.
        hyperparameters: what a checkpoint must tell so that it can be loaded alone; plain values.
    """

    def __init__(self, network: ClipNetwork, parameters: ClipParameters, hyperparameters: dict[str, Any]) -> None:
        super().__init__()
        self.save_hyperparameters(hyperparameters)
        self.network = network
        self.parameters_given = parameters
        self.network.encoder.requires_grad_(not parameters.freeze_encoder)
        self.network.logit_bias.requires_grad_(parameters.loss == "siglip")

    def on_fit_start(self) -> None:
        """Keep a frozen encoder in evaluation mode."""
        self._still_encoder()

    def on_train_epoch_start(self) -> None:
        """The same after each validation, which switches modes."""
        self._still_encoder()

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> Tensor:
        """The loss of one batch (see `data.Collate`)."""
        return self._step(batch, "train")

    def validation_step(self, batch: dict[str, Tensor], batch_index: int) -> Tensor:
        """The same without gradients."""
        return self._step(batch, "val")

    def configure_optimizers(self) -> Any:
        """AdamW; no weight decay on norms, biases and the temperature; a lower rate for the encoder."""
        given = self.parameters_given
        groups = []
        for is_encoder, rate in ((False, given.lr), (True, given.lr * given.encoder_lr_mult)):
            for decays in (True, False):
                chosen = [
                    parameter
                    for name, parameter in self.network.named_parameters()
                    if parameter.requires_grad
                    and name.startswith("encoder.") == is_encoder
                    and (parameter.ndim > 1) == decays
                ]
                if chosen:
                    groups.append({"params": chosen, "lr": rate, "weight_decay": given.weight_decay if decays else 0.0})
        optimizer = torch.optim.AdamW(groups, lr=given.lr)
        return configured(self, optimizer, kind=given.lr_scheduler, warmup_steps=given.lr_warmup_steps)

    def _step(self, batch: dict[str, Tensor], part: str) -> Tensor:
        given, network = self.parameters_given, self.network
        mu, logvar = network.posterior(batch["image"])
        image, text = network.project(mu, batch["um_per_px"]), network.embed_text(batch["text"])
        logits = network.logits(image, text)
        clip = contrastive(given.loss, logits, batch["mask"], network.logit_bias)
        loss = given.lambda_clip * clip
        figures = {"clip_loss": clip, "hit": _hit_rate(logits, batch["mask"])}
        if given.lambda_kld > 0:
            figures["kld"] = kl_divergence(mu, logvar)
            loss = loss + given.lambda_kld * figures["kld"]
        if given.learnable_temperature:
            figures["temperature"] = 1 / network.logit_scale.detach().clamp(0, math.log(100)).exp()
        named = {f"{part}/{name}": value.detach() for name, value in {"loss": loss, **figures}.items()}
        self.log_dict(named, on_step=False, on_epoch=True, batch_size=len(logits))
        return loss

    def _still_encoder(self) -> None:
        if self.parameters_given.freeze_encoder:
            self.network.encoder.eval()


def _hit_rate(logits: Tensor, mask: Tensor) -> Tensor:
    """How often the nearest text of an image is true of it."""
    return mask.gather(1, logits.argmax(1, keepdim=True)).float().mean()
