"""An exponential moving average of the weights, which is what validates and what is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor

_TRAINED = "trained_weights"


class Averaging(pl.Callback):
    """Average the weights over the optimizer steps (Polyak and Juditsky 1992; as an exponential moving average in
    Tarvainen and Valpola 2017).

    With w_s the weights after step s, the average after step t is

        a_t = sum_s d^(t-s) w_s / sum_s d^(t-s),   s = 1..t,

    that is a_t = a_{t-1} + (w_t - a_{t-1}) (1 - d) / (1 - d^t): corrected for its start as Adam's moments are, so
    that the weights before the first step do not count and a short training is not held back by them.

    Averaged are the weights that are trained and, with the same factors, the floating-point buffers that a checkpoint
    holds (mean and variance of batch normalisation); whole numbers, such as its count of batches, are copied.
    Lightning's own `EMAWeightAveraging` is not corrected for its start, and a checkpoint of weights only, which is
    what the best epoch leaves, holds the unaveraged ones.

    Validation runs with the average. `last.ckpt` holds the average where weights are looked for, and beside it the
    trained weights, from which a killed training goes on exactly.

    Args:
        decay: d, 0 <= d < 1; 1 / (1 - d) steps count.
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self._average: dict[str, Tensor] = {}
        self._updates = 0
        self._step = 0

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *args: Any) -> None:
        """Take in the weights where an optimizer step was made."""
        if trainer.global_step > self._step:
            self._step = trainer.global_step
            self.update(pl_module)

    def update(self, module: torch.nn.Module) -> None:
        """Take in the weights of `module` as those of the next step."""
        self._updates += 1
        share = (1 - self.decay) / (1 - self.decay**self._updates)
        for name, current in _averaged(module).items():
            known = self._average.get(name)
            if known is None or not current.is_floating_point():
                self._average[name] = current.clone()
            else:
                self._average[name] = known.to(current.device).lerp_(current, share)

    @contextmanager
    def applied(self, module: torch.nn.Module) -> Iterator[None]:
        """Inside, `module` has the averaged weights; afterwards its own again."""
        self._exchange(module)
        try:
            yield
        finally:
            self._exchange(module)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Validate the average."""
        self._exchange(pl_module)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Go on training with the trained weights."""
        self._exchange(pl_module)

    def state_dict(self) -> dict[str, Any]:
        """How far the average is; the average itself is in the checkpoint's weights."""
        return {"updates": self._updates, "step": self._step}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the state of `last.ckpt`."""
        self._updates, self._step = int(state_dict["updates"]), int(state_dict["step"])

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Put the average where weights are looked for and the trained weights beside it."""
        checkpoint[_TRAINED] = checkpoint["state_dict"]
        checkpoint["state_dict"] = {**checkpoint["state_dict"], **self._average}

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Take up the average, and give the module its trained weights back; Lightning gave it the average."""
        self._average = {name: checkpoint["state_dict"][name].clone() for name in _averaged(pl_module)}
        pl_module.load_state_dict(checkpoint[_TRAINED])

    def _exchange(self, module: torch.nn.Module) -> None:
        """Swap the values of the module and of the average; before the first step there is nothing to swap."""
        if not self._average:
            return
        for name, current in _averaged(module).items():
            own = current.clone()
            current.copy_(self._average[name])
            self._average[name].copy_(own)  # in place: validation runs in inference mode, whose tensors stay there


def _averaged(module: torch.nn.Module) -> dict[str, Tensor]:
    """The trained parameters and the buffers that a checkpoint holds, by their names there, without gradients."""
    still = {name for name, parameter in module.named_parameters() if not parameter.requires_grad}
    return {name: value.detach() for name, value in module.state_dict().items() if name not in still}
