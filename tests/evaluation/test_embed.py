"""Neurons are embedded once, pooled over their views, and embedded again where something changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from clip.tiny_clip import write_views
from neuropil.errors import InputError
from neuropil.evaluation.embed import embed_neurons, pooled
from neuropil.views.access import ViewAccess


class Areas:
    """Embeds a view by its area; counts how often it is asked."""

    def __init__(self) -> None:
        self.views = 0

    def embed_views(self, image: torch.Tensor, um_per_px: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        self.views += len(image)
        area = image.mean((1, 2, 3))
        vectors = torch.stack([area, um_per_px], dim=1)
        return torch.nn.functional.normalize(vectors, dim=1).numpy(), vectors.numpy()


def _embed(root: Path, records: list, model: Areas, *, checkpoint: str = "c"):  # type: ignore[no-untyped-def]
    return embed_neurons(
        records,
        ViewAccess(root),
        model=model,  # type: ignore[arg-type]
        checkpoint=checkpoint,
        parts={"n0": "train", "n1": "test"},
        pooling="mean",
        batch_size=3,
        store=root / "embedded",
    )


def test_each_neuron_has_one_unit_vector_and_its_part(tmp_path: Path) -> None:
    table = _embed(tmp_path, write_views(tmp_path, range(3), views=4), Areas())
    assert list(table["neuron_name"]) == ["n0", "n1", "n2"]
    assert list(table["part"]) == ["train", "test", ""]
    assert list(table["views"]) == [4, 4, 4]
    assert np.linalg.norm(np.stack(list(table["embedding"])), axis=1) == pytest.approx(1)


def test_what_is_embedded_is_not_embedded_again_until_it_changes(tmp_path: Path) -> None:
    records, model = write_views(tmp_path, range(3)), Areas()
    first = _embed(tmp_path, records, model)
    assert model.views == 6
    assert _embed(tmp_path, records, model).equals(first)
    assert model.views == 6
    _embed(tmp_path, records, model, checkpoint="other")
    assert model.views == 12


def test_a_missing_picture_is_one_clear_line(tmp_path: Path) -> None:
    records = write_views(tmp_path, range(2))
    (tmp_path / records[1]["mask"]).unlink()
    with pytest.raises(InputError, match="view_01_mask"):
        _embed(tmp_path, records, Areas())


def test_no_views_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no view"):
        _embed(tmp_path, [], Areas())


def test_pooling_by_mean_and_maximum() -> None:
    vectors = np.array([[1.0, 0.0], [0.0, 1.0]], dtype=np.float32)
    assert pooled(vectors, "mean") == pytest.approx(np.full(2, 0.5**0.5))
    assert pooled(np.array([[1.0, 0.0], [0.6, 0.8]], dtype=np.float32), "max")[0] > 0.7
