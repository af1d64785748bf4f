"""Lightning's hints, kept off the console where they have been read and answered."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_LOGGERS = ("lightning.pytorch", "lightning.fabric", "lightning")
_ANSWERED = (
    ".*does not have many workers.*",  # num_workers is a parameter
    ".*number of training batches.*logging interval.*",  # metrics are taken per epoch
    ".*No `val_dataloader`.*|.*validation_step.*no `val_dataloader`.*|.*defined a `validation_step` but have no.*",
    ".*Checkpoint directory .* exists and is not empty.*",  # the folder is the training's own
    ".*GPU available but not used.*",  # the accelerator is a parameter
    ".*PYTORCH_CUDA_ALLOC_CONF.*|.*Tensor Cores.*",
    ".*`isinstance\\(treespec, LeafSpec\\)` is deprecated.*",
    ".*pin_memory.*no accelerator is found.*",
    ".*in eval mode at the start of training.*",  # frozen encoders are kept so on purpose
    ".*lr_scheduler.step\\(\\)` before `optimizer.step.*",  # the first step after a skipped 16-bit step
    ".*fp16 is not supported on CPU.*",
)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Lightning's tips and the warnings that do not concern a reader of the run; errors still show."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            for message in _ANSWERED:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
