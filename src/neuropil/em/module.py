"""The training of the segmentation network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor

from neuropil.em.layout import channels_last
from neuropil.em.losses.affinity import affinity_loss
from neuropil.em.losses.discriminative import discriminative_loss
from neuropil.em.losses.semantic import cross_entropy, soft_dice
from neuropil.em.losses.shape import shape_loss
from neuropil.em.network import EmNetwork
from neuropil.em.parameters import EmLossParameters, EmOptimizerParameters
from neuropil.training.schedules import configured

Batch = Mapping[str, Tensor]
_WARMUP_STEPS = 20


class EmModule(pl.LightningModule):
    """Losses, logging and optimizer around an `EmNetwork`; the network's hyperparameters are saved as plain values.

    Args:
        network: keyword arguments of `EmNetwork`.
        loss: section `loss` as plain values.
        optimizer: section `optimizer` as plain values.
    """

    class_weights: Tensor | None

    def __init__(self, network: dict[str, Any], loss: dict[str, Any], optimizer: dict[str, Any]) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.network = EmNetwork(**network)
        self.loss = EmLossParameters(**loss)
        self.optimizer_parameters = EmOptimizerParameters(**optimizer)
        weights = self.loss.class_weights
        self.register_buffer("class_weights", None if weights is None else torch.tensor(weights), persistent=False)
        self._dims = int(network["spatial_dims"])
        self._spacing = tuple(network["spacing_nm"])[-self._dims :]
        channels_last(self.network, self._dims)
        wanted = {
            "semantic": self.loss.weight_semantic, "embedding": self.loss.weight_embedding, "lsd": self.loss.weight_lsd
        }  # fmt: skip
        self._heads = [name for name, weight in wanted.items() if weight > 0] + ["affinity"]

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """The weighted sum of the losses."""
        return self._step(batch, "train")

    def validation_step(self, batch: Batch, index: int) -> None:
        """Log the losses and the semantic accuracy."""
        self._step(batch, "val")

    def configure_optimizers(self) -> Any:
        """AdamW, a short warm-up, a cosine to zero."""
        parameters = self.optimizer_parameters
        trained = [p for name, p in self.network.named_parameters() if self._is_trained(name)]
        optimizer = torch.optim.AdamW(trained, lr=parameters.lr, weight_decay=parameters.weight_decay)
        return configured(self, optimizer, kind="cosine", warmup_steps=_WARMUP_STEPS)

    def _is_trained(self, name: str) -> bool:
        """Whether a parameter belongs to the trunk or to a head that has a loss."""
        return not name.startswith("heads.") or name.split(".")[1] in self._heads

    def _step(self, batch: Batch, stage: str) -> Tensor:
        output = self.network(channels_last(batch["raw"], self._dims), self._heads)
        losses = self.losses(output, batch)
        size = len(batch["raw"])
        for name, value in losses.items():
            self.log(f"{stage}/{name}", value.detach(), on_step=False, on_epoch=True, batch_size=size)
        if stage == "val" and "semantic" in output:
            known = (batch["classes"] >= 0) & (batch["classes"] != self.loss.ignore_index)
            right = (output["semantic"].argmax(1) == batch["classes"])[known].float()
            if len(right):
                self.log("val/accuracy", right.mean(), on_step=False, on_epoch=True, batch_size=size)
        return losses["loss"]

    def losses(self, output: Mapping[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        """The total as `loss`, and its parts under the guide's names; heads without weight are absent.

        Args:
            output: of the network.
            batch: an item of `PatchDataset` with a first axis. Without `annotated` all classes count as annotated;
                without `objects` the instances `ids` are taken, without `class_ids` as of one class. The head `lsd`
                needs `descriptors` and `described`.
        """
        p = self.loss
        parts: dict[str, Tensor] = {"loss_aff": affinity_loss(output["affinity"], batch["affinities"], batch["known"])}
        total = p.weight_affinity * parts["loss_aff"]
        if "semantic" in output:
            parts |= self._semantic(output["semantic"], batch)
            total = total + p.weight_semantic * parts["loss_sem"]
        if "embedding" in output:
            parts["loss_ins"] = self._instances(output["embedding"], batch)
            total = total + p.weight_embedding * parts["loss_ins"]
        if "lsd" in output:
            parts["loss_lsd"] = shape_loss(output["lsd"], batch["descriptors"], batch["described"])
            total = total + p.weight_lsd * parts["loss_lsd"]
        return {"loss": total, **parts}

    def _semantic(self, logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        p, classes, annotated = self.loss, batch["classes"], batch.get("annotated")
        ce = cross_entropy(
            logits, classes, ignore_index=p.ignore_index, class_weights=self.class_weights, annotated=annotated
        )
        parts = {"loss_ce": ce, "loss_sem": p.ce_weight * ce}
        if p.dice_weight > 0:
            dice = soft_dice(logits, classes, ignore_index=p.ignore_index, annotated=annotated)
            parts |= {"loss_dice": dice, "loss_sem": parts["loss_sem"] + p.dice_weight * dice}
        return parts

    def _instances(self, embeddings: Tensor, batch: Batch) -> Tensor:
        p = self.loss
        terms = discriminative_loss(
            embeddings,
            batch.get("objects", batch["ids"]),
            batch["weights"],
            delta_v=p.delta_v,
            delta_d=p.delta_d,
            class_ids=batch.get("class_ids") if p.per_class else None,
            push_radius_nm=p.push_radius_nm,
            resolution_nm=self._spacing,
        )
        return p.weight_pull * terms.pull + p.weight_push * terms.push + p.weight_norm * terms.norm
