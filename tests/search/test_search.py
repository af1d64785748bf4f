"""What is indexed is found; another checkpoint, a damaged index and an empty question are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clip.tiny_clip import WordCounts, facts_of, tiny, write_vae, write_views
from neuropil import search
from neuropil.clip import model as clip_model
from neuropil.clip.train import train_clip
from neuropil.errors import InputError
from neuropil.search.index import build_index
from neuropil.views.access import ViewAccess


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index in which each neuron lies where its own text lies."""
    monkeypatch.setattr(clip_model, "load_text_encoder", lambda name: WordCounts())
    trained = train_clip(
        vae_checkpoint=write_vae(tmp_path / "vae.ckpt"),
        train=write_views(tmp_path, range(4)),
        validation=[],
        views=ViewAccess(tmp_path),
        captions={f"n{number}": facts_of(number) for number in range(4)},
        parameters=tiny(fast_dev_run=True),
        seed=0,
        folder=tmp_path / "models",
        text_encoder=WordCounts(),
    )
    vectors = clip_model.load_clip(trained.best).embed_texts(["a basket cell", "a pyramidal neuron", "a dog"])
    table = pd.DataFrame({"neuron_name": ["n0", "n1", "n9"], "part": ["test", "train", ""], "embedding": list(vectors)})
    about = build_index(table, {"n0": facts_of(0), "n1": facts_of(1)}, trained.best, tmp_path / "search")
    assert about["neurons"] == 3
    return tmp_path


def test_the_neuron_at_the_text_comes_first(built: Path) -> None:
    hits = search.query(built / "search", "a pyramidal neuron", 2)
    assert [hit.rank for hit in hits] == [1, 2]
    assert (hits[0].neuron_name, hits[0].part) == ("n1", "train")
    assert hits[0].similarity == pytest.approx(1, abs=1e-4)
    assert hits[0].description == "a rat layer 4 pyramidal neuron"
    assert search.query(built / "search", "a dog", 1)[0].description == "a neuron"
    assert len(search.query(built / "search", "a dog", 50)) == 3


def test_a_moved_workspace_is_still_searched(built: Path) -> None:
    moved = built.with_name("moved")
    built.rename(moved)
    assert search.query(moved / "search", "a basket cell", 1)[0].neuron_name == "n0"


def test_another_checkpoint_is_refused(built: Path) -> None:
    checkpoint = built / "models" / "best.ckpt"
    other = built / "other.ckpt"
    other.write_bytes(checkpoint.read_bytes() + b" ")
    with pytest.raises(InputError, match="another checkpoint"):
        search.query(built / "search", "a dog", checkpoint=other)
    checkpoint.write_bytes(checkpoint.read_bytes() + b" ")
    with pytest.raises(InputError, match="another checkpoint"):
        search.query(built / "search", "a dog")
    checkpoint.unlink()
    with pytest.raises(InputError, match="is gone"):
        search.query(built / "search", "a dog")


def test_what_cannot_be_searched_is_one_clear_line(built: Path) -> None:
    with pytest.raises(InputError, match="empty"):
        search.query(built / "search", "  ")
    with pytest.raises(InputError, match="k=0"):
        search.query(built / "search", "a dog", 0)
    with pytest.raises(InputError, match="no search index"):
        search.query(built / "nowhere", "a dog")
    (built / "search" / "index" / "embeddings.npy").write_bytes(b"torn")
    with pytest.raises(InputError, match="damaged"):
        search.query(built / "search", "a dog")


def test_building_again_replaces_the_index(built: Path) -> None:
    table = pd.DataFrame({"neuron_name": ["n0"], "part": ["test"], "embedding": [np.ones(16, np.float32) / 4]})
    build_index(table, {}, built / "models" / "best.ckpt", built / "search")
    assert len(search.query(built / "search", "a dog", 9)) == 1
